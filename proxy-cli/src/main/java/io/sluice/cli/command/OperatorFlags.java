package io.sluice.cli.command;

import io.sluice.cli.config.ServerFlag;
import io.sluice.operator.OperatorClient;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** The common part of commands that give an order to a running daemon: which daemon, and the way to it. */
final class OperatorFlags {

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Option(names = "--socket", paramLabel = "PATH",
            description = "The daemon's socket for orders. Default: the one that the daemon at --server names")
    private @Nullable Path socket;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "table",
            converter = OutputFormat.PlainConverter.class, completionCandidates = OutputFormat.PlainConverter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private OutputFormat output;

    /** A new order. */
    static Map<String, Object> order(String name) {
        Map<String, Object> order = new LinkedHashMap<>();
        order.put("order", name);
        return order;
    }

    /**
     * Gives an order.
     *
     * @return the daemon's answer
     * @throws FailureException if it was not carried out; the message says why
     */
    JsonNode send(CommandSpec spec, Map<String, String> environment, Map<String, Object> order)
            throws FailureException, InterruptedException {
        Path path = socket != null ? socket : named(spec, environment);
        String whose = environment.getOrDefault("SUDO_USER", "");
        if (!whose.isEmpty()) {
            order.put("for", whose);
        }
        try {
            if (!Files.exists(path)) {
                throw new FailureException(Files.isReadable(parent(path))
                        ? path + " is not here: does the daemon run in a container? Give the order there"
                        : path + " cannot be reached: only root and the daemon's own user may give orders (sudo)");
            }
            JsonNode answer = OperatorClient.send(path, order);
            if (answer.has("error")) {
                throw new FailureException(answer.path("error").asString(""));
            }
            return answer;
        } catch (IOException e) {
            throw new FailureException("no answer from " + e.getMessage(), e);
        }
    }

    private static Path parent(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        return folder == null ? path : folder;
    }

    private Path named(CommandSpec spec, Map<String, String> environment)
            throws FailureException, InterruptedException {
        String named = AdminClient.of(spec, server.address(environment)).page("orders", Map.of()).path("socket")
                .asString("");
        if (named.isEmpty()) {
            throw new FailureException(
                    "the daemon takes no orders: it could not open its socket (its log says why), or has the transport nio");
        }
        return Path.of(named);
    }

    /** Prints what has become of endpoints, a line each; {@code otherwise} if there was nothing to do. */
    void print(CommandSpec spec, JsonNode answer, String otherwise) {
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON) {
            out.println(PrintableJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(answer));
        } else if (answer.path("done").isEmpty()) {
            out.println(otherwise);
        } else {
            answer.path("done").forEach(row -> {
                String pod = text(row, "pod");
                out.println(
                        text(row, "port") + ": " + text(row, "endpoint") + (pod.isEmpty() ? "" : " (pod " + pod + ")")
                                + " " + text(row, "effect"));
            });
        }
        out.flush();
    }

    private static String text(JsonNode row, String field) {
        return Printable.of(row.path(field).asString(""));
    }
}
