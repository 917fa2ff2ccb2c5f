package io.sluice.cli.command;

import io.sluice.cli.Main;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code sluice kill}. */
@Command(
        name = "kill",
        header = "Reset connections, and end flows of datagrams.",
        description = {"",
                "Both sides get a reset, at once; the access log has OD or OC. With several options, those that "
                        + "all of them mean. New connections are not kept away: see 'sluice drain'."},
        footer = {"", "Examples:",
                "  sluice kill 4711                   its number: 'sluice get conn -o wide'",
                "  sluice kill --endpoint 10.1.0.3:8080",
                "  sluice kill --client 10.0.0.9 --service shop/api"})
public final class KillCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "CONNECTION", arity = "0..1", description = "The number of one connection.")
    private @Nullable Long connection;

    @Option(names = "--endpoint", paramLabel = "ENDPOINT|POD", description = "Connections to this endpoint.")
    private @Nullable String endpoint;

    @Option(names = "--client", paramLabel = "IP[:PORT]", description = "Connections of this client.")
    private @Nullable String client;

    @Option(names = "--service", paramLabel = "SERVICE", description = "Connections of this Service: api, shop/api.")
    private @Nullable String service;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE",
            description = "The namespace of --service. Default: default")
    private @Nullable String namespace;

    @Mixin
    private OperatorFlags daemon = new OperatorFlags();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        if (connection == null && endpoint == null && client == null && service == null) {
            throw new ParameterException(spec.commandLine(),
                    "say which connections: a number, --endpoint, --client or --service");
        }
        Map<String, Object> order = OperatorFlags.order("kill");
        if (connection != null) {
            order.put("id", connection);
        }
        if (endpoint != null) {
            order.put("endpoint", endpoint);
        }
        if (client != null) {
            order.put("client", client);
        }
        EndpointOrder.putService(order, service, namespace, spec);
        JsonNode answer = daemon.send(spec, main.environment(), order);
        long killed = answer.path("killed").asLong(0);
        if (killed == 0 && connection != null) {
            throw new FailureException("there is no connection " + connection);
        }
        daemon.print(spec, answer, "ended " + killed + (killed == 1 ? " connection" : " connections"));
        return ExitCode.OK;
    }
}
