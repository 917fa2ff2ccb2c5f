package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.GoDuration;
import io.sluice.cli.config.ServerFlag;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.JsonNode;

/** {@code sluice events}: shows what a running daemon has applied, when and why. */
@Command(
        name = "events",
        header = "Show what has changed, when and why.",
        description = {"",
                "Lists the last changes that a running sluice has applied: Services and endpoints that came, went "
                        + "or differ, endpoints that do not answer, addresses that cannot be listened on, a source that is out of "
                        + "date. It keeps 10,000 of them."},
        footer = {"", "Examples:", "  sluice events                      those of namespace default",
                "  sluice events shop/api --since 1h  of one Service, in the last hour",
                "  sluice events -A -w                of every namespace, and each as it comes"})
public final class EventsCommand implements Callable<Integer> {

    private static final String VIEW = "events";
    private static final int MOST = 10_000;
    /** How long it waits before it looks for a daemon again. */
    private static final long RETRY_MILLIS = 500;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Mixin
    private ServiceFilter services = new ServiceFilter();

    @Option(names = "--since", paramLabel = "DURATION|ID",
            description = "Only events of this time, such as 10m, or after the event with this number.")
    private @Nullable String since;

    @Option(names = {"-w", "--watch"},
            description = "Go on with each event as it comes, until Ctrl-C; also when another "
                    + "daemon follows.")
    private boolean watch;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "table",
            converter = OutputFormat.PlainConverter.class, completionCandidates = OutputFormat.PlainConverter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private OutputFormat output;

    @Mixin
    private ServerFlag server = new ServerFlag();

    private boolean headed;

    @Override
    public Integer call() throws FailureException, InterruptedException {
        Map<String, String> query = services.query();
        AdminClient client = AdminClient.of(spec, server.address(main.environment()));
        Map<String, String> asked = new LinkedHashMap<>(query);
        asked.put("limit", Integer.toString(MOST));
        if (since != null) {
            asked.put("since", sinceForDaemon(since));
        }
        JsonNode page = client.page(VIEW, asked);
        List<JsonNode> events = page.path(VIEW).valueStream().toList();
        if (page.path("lost").asLong(0) > 0) {
            lost(page);
        }
        print(events);
        if (watch) {
            query.put("since", page.path("last").asString("0"));
            query.put("watch", "1");
            follow(client, query);
        }
        return ExitCode.OK;
    }

    /**
     * Prints each event as it comes, also those of a daemon that follows this one. The numbers of its events are greater, so that
     * it is asked for all after the last one that was seen.
     *
     * @param query changes
     */
    private void follow(AdminClient client, Map<String, String> query) throws FailureException, InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        boolean[] lost = {false};
        while (true) {
            try {
                client.watch(VIEW, query, () -> {
                    if (lost[0]) {
                        err.println("sluice: a daemon answers there again");
                        lost[0] = false;
                    }
                }, event -> {
                    if (event.has("lost")) {
                        lost(event);
                    } else {
                        printOne(event);
                        query.put("since", event.path("id").asString("0"));
                    }
                });
            } catch (ConnectionLostException e) {
                if (!lost[0]) {
                    err.println("sluice: " + e.getMessage() + "; waiting for one that follows, until Ctrl-C");
                    lost[0] = true;
                }
                TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
            }
        }
    }

    /** A number, or a duration in milliseconds. */
    private String sinceForDaemon(String text) {
        if (text.matches("\\d{1,18}")) {
            return text;
        }
        try {
            return text.matches("\\d{1,5}d") ? text : GoDuration.parse(text).toMillis() + "ms";
        } catch (TypeConversionException e) {
            throw new ParameterException(spec.commandLine(), "--since: " + e.getMessage()
                    + ", and not the number of an event", e);
        }
    }

    private void print(List<JsonNode> events) {
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON && !watch) {
            out.println(PrintableJson.mapper().writerWithDefaultPrettyPrinter()
                    .writeValueAsString(Map.of("items", events)));
            out.flush();
        } else if (events.isEmpty() && !watch) {
            spec.commandLine().getErr().println(since == null ? "No events" : "No events since " + Printable.of(since));
        } else {
            events.forEach(this::printOne);
        }
    }

    /** Lines of a stream have columns that do not depend on later ones. */
    private void printOne(JsonNode event) {
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON) {
            out.println(PrintableJson.mapper().writeValueAsString(event));
        } else {
            if (!headed) {
                headed = true;
                out.println(line("TIME", "TYPE", "SERVICE", "MESSAGE"));
            }
            out.println(line(time(text(event, "at")), text(event, "type"), subject(event), text(event, "message")));
        }
        out.flush();
    }

    private static String line(String time, String type, String service, String message) {
        return String.format(Locale.ROOT, "%-19s   %-19s   %-24s   %s", time, type, service, message);
    }

    private static String subject(JsonNode event) {
        String port = text(event, "port");
        return event.has("service")
                ? text(event, "namespace") + "/" + text(event, "service") + (port.isEmpty() ? "" : ":" + port)
                : "-";
    }

    private static String time(String text) {
        try {
            return TIME.withZone(ZoneId.systemDefault()).format(Instant.parse(text));
        } catch (DateTimeParseException e) {
            return "<unknown>";
        }
    }

    private void lost(JsonNode told) {
        spec.commandLine().getErr().println("sluice: " + told.path("lost").asLong(0)
                + " events are missing here: newer ones took their place");
    }

    private static String text(JsonNode object, String field) {
        return Printable.of(object.path(field).asString(""));
    }
}
