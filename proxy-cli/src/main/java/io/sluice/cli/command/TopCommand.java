package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.command.Rates.Counts;
import io.sluice.cli.config.EnumConverter;
import io.sluice.cli.config.GoDuration;
import io.sluice.cli.config.ServerFlag;
import io.sluice.cli.render.Table;
import io.sluice.cli.render.Terminal;
import io.sluice.text.Printable;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
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
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code sluice top}: which Services, endpoints or clients have most to do. */
@Command(
        name = "top",
        header = "Show which Services, endpoints or clients have most to do.",
        description = {"",
                "On a terminal every two seconds until Ctrl-C, else once, over one interval. Clients are known by "
                        + "the connections that are open when it looks: short ones in between are not seen.",
                "FIRST-BYTE is how long 99 of 100 connections of the last one to two minutes waited for it at most; of a "
                        + "Service, at its slowest endpoint."},
        footer = {"", "Examples:", "  sluice top                           Services by new connections",
                "  sluice top endpoints --sort-by latency -n shop", "  sluice top clients --sort-by connections",
                "  sluice top --interval 10s | head -5"})
public final class TopCommand implements Callable<Integer> {

    private static final int MOST_CONNECTIONS = 100_000;
    private static final int MOST_LINES = 10_000;
    private static final double KIB = 1024;

    /** What has lines of its own. */
    enum Subject {
        SERVICES, ENDPOINTS, CLIENTS;

        /** {@code services}, {@code endpoints} or {@code clients}. */
        static final class Converter extends EnumConverter<Subject> {
            Converter() {
                super(List.of(Subject.values()));
            }
        }
    }

    /** {@code rate}, {@code bytes}, {@code connections}, {@code failed} or {@code latency}. */
    static final class KeyConverter extends EnumConverter<Rates.Key> {
        KeyConverter() {
            super(List.of(Rates.Key.values()));
        }
    }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "WHAT", arity = "0..1", defaultValue = "services", converter = Subject.Converter.class,
            completionCandidates = Subject.Converter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private Subject subject;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE",
            description = "Only Services of this namespace. Default: of every namespace")
    private @Nullable String namespace;

    @Option(names = "--sort-by", paramLabel = "KEY", defaultValue = "rate", converter = KeyConverter.class,
            completionCandidates = KeyConverter.class,
            description = "${COMPLETION-CANDIDATES}: the most first. Default: ${DEFAULT-VALUE}")
    private Rates.Key sortBy;

    @Option(names = "--interval", paramLabel = "DURATION", defaultValue = "2s", converter = GoDuration.class,
            description = "Between two looks. Default: ${DEFAULT-VALUE}")
    private Duration interval;

    @Option(names = "--lines", paramLabel = "N", defaultValue = "20",
            description = "The most lines. Default: ${DEFAULT-VALUE}")
    private int lines;

    @Option(names = "--once", description = "Once, on a terminal, too.")
    private boolean once;

    @Mixin
    private ServerFlag server = new ServerFlag();

    /** Octets of open connections at the last look, by their number. */
    private final Map<Long, Counts> connections = new HashMap<>();
    /** What clients have come to since the start. */
    private final Map<String, Counts> clients = new HashMap<>();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        if (interval.compareTo(Duration.ofMillis(100)) < 0) {
            throw new ParameterException(spec.commandLine(), "--interval: not shorter than 100ms");
        }
        if (lines < 1 || lines > MOST_LINES) {
            throw new ParameterException(spec.commandLine(), "--lines: from 1 to " + MOST_LINES);
        }
        if (subject == Subject.CLIENTS && sortBy == Rates.Key.LATENCY) {
            throw new ParameterException(spec.commandLine(),
                    "--sort-by latency: it is known of services and endpoints, not of clients");
        }
        AdminClient client = AdminClient.of(spec, server.address(main.environment()));
        boolean repeated = !once && Terminal.isTerminal(Terminal.STDOUT);
        Map<String, Counts> before = look(client);
        long at = System.nanoTime();
        do {
            TimeUnit.NANOSECONDS.sleep(interval.toNanos());
            Map<String, Counts> now = look(client);
            long then = System.nanoTime();
            print(Rates.between(before, now, Math.max(1, then - at) / 1e9, sortBy), repeated);
            before = now;
            at = then;
        } while (repeated);
        return ExitCode.OK;
    }

    private Map<String, Counts> look(AdminClient client) throws FailureException, InterruptedException {
        if (subject == Subject.CLIENTS) {
            return clients(client.page("connections", query(Map.of("limit", Integer.toString(MOST_CONNECTIONS)))));
        }
        Map<String, Counts> counts = new HashMap<>();
        for (JsonNode service : client.page("services", query(Map.of())).path("services")) {
            String name = service.path("namespace").asString("") + "/" + service.path("name").asString("");
            for (JsonNode port : service.path("ports")) {
                String portName = port.path("name").asString("");
                String whole = name + (portName.isEmpty() ? "" : ":" + portName);
                for (JsonNode endpoint : port.path("endpoints")) {
                    Counts of = new Counts(endpoint.path("activeConnections").asLong(0),
                            endpoint.path("totalConnections").asLong(0), failed(endpoint),
                            endpoint.path("bytesFromClient").asLong(0), endpoint.path("bytesFromBackend").asLong(0),
                            endpoint.path("firstByte").path("p99Ms").asDouble(-1));
                    counts.merge(subject == Subject.SERVICES
                            ? whole
                            : endpoint.path("address").asString("") + " " + whole, of, Counts::plus);
                }
            }
        }
        return counts;
    }

    private static long failed(JsonNode endpoint) {
        return endpoint.path("failedConnections").valueStream().mapToLong(count -> count.asLong(0)).sum();
    }

    private Map<String, String> query(Map<String, String> more) {
        Map<String, String> query = new HashMap<>(more);
        if (namespace != null) {
            query.put("namespace", namespace);
        }
        return query;
    }

    /** A client's octets are those of its connections, also of those that have ended since. */
    private Map<String, Counts> clients(JsonNode page) {
        Map<Long, Counts> now = new HashMap<>();
        Map<String, Long> open = new HashMap<>();
        for (JsonNode connection : page.path("connections")) {
            String address = connection.path("client").asString("");
            String client = address.substring(0, Math.max(0, address.lastIndexOf(':')));
            Counts counts = new Counts(0, 1, connection.path("retries").asLong(0),
                    connection.path("bytesFromClient").asLong(0), connection.path("bytesFromBackend").asLong(0), -1);
            long id = connection.path("id").asLong(0);
            now.put(id, counts);
            open.merge(client, 1L, Long::sum);
            clients.merge(client, counts.since(connections.getOrDefault(id, Counts.NONE)), Counts::plus);
        }
        connections.clear();
        connections.putAll(now);
        clients.keySet().retainAll(open.keySet());
        Map<String, Counts> counts = new HashMap<>();
        clients.forEach((client, of) -> counts.put(client,
                new Counts(open.getOrDefault(client, 0L), of.total(), of.failed(), of.up(), of.down(), -1)));
        return counts;
    }

    private void print(List<Rates.Row> rows, boolean repeated) {
        PrintWriter out = spec.commandLine().getOut();
        List<String> headers = new ArrayList<>(List.of(subject == Subject.CLIENTS
                ? "CLIENT"
                : subject == Subject.SERVICES ? "SERVICE" : "ENDPOINT", "OPEN", "NEW/s", "FAILED/s", "UP/s", "DOWN/s"));
        if (subject != Subject.CLIENTS) {
            headers.add("FIRST-BYTE");
        }
        Table table = new Table(headers.toArray(String[]::new));
        rows.stream().limit(lines).forEach(row -> table.row(List
                .of(Printable.of(row.name()), row.open(), number(row.rate()), number(row.failed()), bytes(row.up()),
                        bytes(row.down()), row.millis() < 0 ? "-" : GetEndpointsCommand.millis(row.millis()) + "ms")
                .subList(0, headers.size()).toArray()));
        List<String> text = new ArrayList<>();
        if (repeated) {
            text.add("sluice top " + subject.name().toLowerCase(Locale.ROOT) + ", by "
                    + sortBy.name().toLowerCase(Locale.ROOT) + ", over " + interval.toMillis() / 1000.0 + " s");
        }
        text.add(table.toString().stripTrailing());
        if (rows.size() > lines) {
            text.add("and " + (rows.size() - lines) + " more");
        }
        if (repeated) {
            Terminal.clear();
        }
        text.forEach(out::println);
        out.flush();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value >= 100 ? "%.0f" : "%.1f", value);
    }

    private static String bytes(double value) {
        if (value < KIB) {
            return String.format(Locale.ROOT, "%.0f B", value);
        }
        return value < KIB * KIB
                ? String.format(Locale.ROOT, "%.1f KiB", value / KIB)
                : String.format(Locale.ROOT, "%.1f MiB", value / KIB / KIB);
    }
}
