package io.sluice.cli.command;

import io.sluice.cli.Main;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The common part of the commands that order something for endpoints. */
abstract class EndpointOrder implements Callable<Integer> {

    @Spec
    CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(index = "0", paramLabel = "ENDPOINT|POD",
            description = "An address with or without port, or a Pod: 10.1.0.3:8080, api-0, shop/api-0.")
    private String target;

    @Option(names = "--service", paramLabel = "SERVICE",
            description = "Only endpoints of this Service: api, shop/api. Default: of every Service")
    private @Nullable String service;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE",
            description = "The namespace of --service. Default: default")
    private @Nullable String namespace;

    @Mixin
    private OperatorFlags daemon = new OperatorFlags();

    private final String name;
    private final String otherwise;

    /** @param otherwise the line to print if the daemon had nothing to do */
    EndpointOrder(String name, String otherwise) {
        this.name = name;
        this.otherwise = otherwise;
    }

    /** Adds what this order has beside its endpoint. */
    abstract void complete(Map<String, Object> order);

    @Override
    public Integer call() throws FailureException, InterruptedException {
        Map<String, Object> order = OperatorFlags.order(name);
        order.put("target", target);
        putService(order, service, namespace, spec);
        complete(order);
        daemon.print(spec, daemon.send(spec, main.environment(), order), target + ": " + otherwise);
        return ExitCode.OK;
    }

    static void putService(Map<String, Object> order, @Nullable String service, @Nullable String namespace,
            CommandSpec spec) {
        if (service != null) {
            ServiceArgument wanted = ServiceArgument.of(service);
            order.put("service", wanted.service());
            order.put("namespace", wanted.namespace(namespace, spec.commandLine()));
        }
    }

    static void putMillis(Map<String, Object> order, String field, @Nullable Duration duration) {
        if (duration != null) {
            order.put(field, duration.toMillis());
        }
    }
}
