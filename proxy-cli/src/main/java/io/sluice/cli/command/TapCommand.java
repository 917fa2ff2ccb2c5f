package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.ServerFlag;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code sluice tap}: shows connections of a running daemon as they open and close. */
@Command(
        name = "tap",
        header = "Show connections as they open and close.",
        description = {"",
                "A line when an endpoint has taken a connection, and one when it has ended, until Ctrl-C. At most a "
                        + "thousand lines a second; how many more there were is said. What is not looked at costs nothing."},
        footer = {"", "Examples:", "  sluice tap kubia", "  sluice tap -A --from 10.0.0.9",
                "  sluice tap shop/api --endpoint 10.1.0.3:8080 -o json",
                "  sluice tap -A --sample 100             one connection of a hundred"})
public final class TapCommand implements Callable<Integer> {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT);

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Mixin
    private ServiceFilter services = new ServiceFilter();

    @Option(names = "--from", paramLabel = "IP", description = "Only connections of this client.")
    private @Nullable String from;

    @Option(names = "--endpoint", paramLabel = "IP[:PORT]", description = "Only connections to this endpoint.")
    private @Nullable String endpoint;

    @Option(names = "--sample", paramLabel = "N", defaultValue = "1",
            description = "Show one connection of so many. Default: ${DEFAULT-VALUE}")
    private int sample;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "table",
            converter = OutputFormat.PlainConverter.class, completionCandidates = OutputFormat.PlainConverter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private OutputFormat output;

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        if (sample < 1) {
            throw new ParameterException(spec.commandLine(), "--sample: one connection of 1 or more");
        }
        Map<String, String> query = services.query();
        if (from != null) {
            query.put("from", from);
        }
        if (endpoint != null) {
            query.put("endpoint", endpoint);
        }
        query.put("sample", Integer.toString(sample));
        AdminClient client = AdminClient.of(spec, server.address(main.environment()));
        if (output != OutputFormat.JSON) {
            printLine("TIME", "EVENT", "CONNECTION", "SERVICE", "CLIENT", "ENDPOINT", "DETAIL");
        }
        client.watch("tap", query, () -> {}, this::print);
        return ExitCode.OK;
    }

    private void print(JsonNode event) {
        if (event.has("lost")) {
            spec.commandLine().getErr().println("sluice: " + event.path("lost").asLong(0)
                    + " lines were passed over: there are too many (--sample shows fewer)");
        } else if (output == OutputFormat.JSON) {
            PrintWriter out = spec.commandLine().getOut();
            out.println(PrintableJson.mapper().writeValueAsString(event));
            out.flush();
        } else {
            String port = text(event, "port");
            printLine(time(text(event, "at")), text(event, "event"), Long.toString(event.path("id").asLong(0)),
                    text(event, "namespace") + "/" + text(event, "service") + (port.isEmpty() ? "" : ":" + port),
                    text(event, "client"), event.has("endpoint") ? text(event, "endpoint") : "-", detail(event));
        }
    }

    private static String detail(JsonNode event) {
        long retries = event.path("retries").asLong(0);
        String tried = retries == 0 ? "" : ", " + retries + (retries == 1 ? " retry" : " retries");
        return event.has("termination")
                ? String.format(Locale.ROOT, "%.3f ms, %d/%d B", event.path("totalMs").asDouble(0),
                        event.path("bytesFromClient").asLong(0), event.path("bytesFromBackend").asLong(0)) + tried
                        + ", "
                        + text(event, "termination") + ": " + text(event, "meaning")
                : event.has("connectMs")
                        ? String.format(Locale.ROOT, "after %.3f ms", event.path("connectMs").asDouble(0)) + tried
                : "";
    }

    /** Lines of a stream have columns that do not depend on later ones. */
    private void printLine(String time, String what, String id, String of, String client, String to, String detail) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(String.format(Locale.ROOT, "%-12s   %-6s   %-10s   %-24s   %-21s   %-21s   %s", time, what, id, of,
                client, to, detail).stripTrailing());
        out.flush();
    }

    private static String time(String text) {
        try {
            return TIME.withZone(ZoneId.systemDefault()).format(Instant.parse(text));
        } catch (DateTimeParseException e) {
            return "<unknown>";
        }
    }

    private static String text(JsonNode object, String field) {
        return Printable.of(object.path(field).asString(""));
    }
}
