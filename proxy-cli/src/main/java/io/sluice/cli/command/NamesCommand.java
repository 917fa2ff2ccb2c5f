package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.EnumConverter;
import io.sluice.cli.config.ServerFlag;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code sluice names}: prints what a shell can complete, a name in each line, as the running daemon knows them. */
@Command(name = NamesCommand.NAME, hidden = true, header = "Print the names that a shell completes.")
public final class NamesCommand implements Callable<Integer> {

    static final String NAME = "names";

    /** Somebody waits for it with a finger on the tabulator key. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** More than a person reads. */
    private static final int MOST = 1_000;

    /** What is named. */
    enum Kind {
        NAMESPACES, SERVICES, PODS, ENDPOINTS
    }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "KIND", converter = KindConverter.class, description = "What.")
    private Kind kind;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", description = "The namespace.")
    private @Nullable String namespace;

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        List<JsonNode> services = AdminClient.of(spec, server.address(main.environment())).within(PATIENCE)
                .items("services", null, null);
        Set<String> names = new TreeSet<>();
        services.forEach(service -> add(service, names));
        PrintWriter out = spec.commandLine().getOut();
        names.stream().limit(MOST).forEach(out::println);
        out.flush();
        return ExitCode.OK;
    }

    private void add(JsonNode service, Set<String> names) {
        String its = service.path("namespace").asString("");
        boolean here = its.equals(namespace == null ? "default" : namespace);
        String name = service.path("name").asString("");
        switch (kind) {
            case NAMESPACES -> names.add(its);
            case SERVICES -> {
                if (here || namespace == null) {
                    names.add(here ? name : its + "/" + name);
                }
            }
            case PODS -> {
                if (here) {
                    targets(service, false, names);
                }
            }
            case ENDPOINTS -> targets(service, true, names);
        }
    }

    /** Of an endpoint without a Pod the address without its port, as a shell breaks words at colons. */
    private static void targets(JsonNode service, boolean addresses, Set<String> names) {
        for (JsonNode port : service.path("ports")) {
            for (JsonNode endpoint : port.path("endpoints")) {
                String pod = endpoint.path("pod").asString("");
                if (!pod.isEmpty()) {
                    names.add(pod);
                } else if (addresses) {
                    names.add(endpoint.path("address").asString("").replaceFirst(":[0-9]+$", ""));
                }
            }
        }
    }

    /** A word for each {@link Kind}. */
    static final class KindConverter extends EnumConverter<Kind> {
        KindConverter() {
            super(List.of(Kind.values()));
        }
    }
}
