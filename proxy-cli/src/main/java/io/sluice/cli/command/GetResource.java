package io.sluice.cli.command;

import io.sluice.cli.config.ServerFlag;
import io.sluice.cli.render.Age;
import io.sluice.cli.render.Table;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The common part of the commands below {@code get}: selects objects, asks the daemon and prints them. */
abstract class GetResource implements Callable<Integer> {

    static final String NONE = "<none>";

    /** The time between two looks of {@code -w}. */
    private static final Duration POLL = Duration.ofSeconds(2);

    /** How many namespaces are named. */
    private static final int NAMED = 3;

    private final String plural;
    private final String path;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private GetCommand parent;

    @Parameters(paramLabel = "NAME", arity = "0..1",
            description = "Only this Service; as the log writes it, too: shop/api:http.")
    private @Nullable String name;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", description = "The namespace. Default: default")
    private @Nullable String namespace;

    @Option(names = {"-A", "--all-namespaces"}, description = "Every namespace.")
    private boolean allNamespaces;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "table",
            converter = OutputFormat.Converter.class, completionCandidates = OutputFormat.Converter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private OutputFormat output;

    @Option(names = {"-w", "--watch"},
            description = "Go on with the rows that are new, differ or are gone, every 2 s, until Ctrl-C.")
    private boolean watch;

    @Mixin
    private ServerFlag server = new ServerFlag();

    GetResource(String plural, String path) {
        this.plural = plural;
        this.path = path;
    }

    @Override
    public Integer call() throws FailureException, InterruptedException {
        AdminClient client = AdminClient.of(spec, server.address(parent.environment()));
        ServiceArgument wanted = ServiceArgument.ofNullable(name).orElse(null);
        String service = wanted == null ? null : wanted.service();
        String in = allNamespaces && (wanted == null || wanted.namespace() == null)
                ? null
                : wanted == null ? Objects.requireNonNullElse(namespace, "default")
                : wanted.namespace(namespace, spec.commandLine());
        List<JsonNode> items = client.items(path, in, service);
        List<JsonNode> elsewhere =
                items.isEmpty() && in != null && mustExist() ? client.items(path, null, service) : List.of();
        if (service != null && items.isEmpty() && mustExist()) {
            throw new FailureException(plural + " \"" + service + "\" not found"
                    + (in == null ? "" : " in namespace " + in) + exists(elsewhere));
        }
        if (watch) {
            watch(client, items, in, service);
        } else {
            print(items, in, elsewhere.size());
        }
        return ExitCode.OK;
    }

    /** Until the daemon does not answer any more, which is a failure. */
    private void watch(AdminClient client, List<JsonNode> first, @Nullable String in, @Nullable String service)
            throws FailureException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        Table header = table(List.of());
        if (output != OutputFormat.JSON) {
            header = table(rows(first).values());
            out.print(firstLine(header));
        }
        WatchedItems watched = new WatchedItems();
        List<JsonNode> items = first;
        while (true) {
            WatchedItems.Difference difference = watched.look(rows(items));
            if (output == OutputFormat.JSON) {
                difference.shown().forEach(row -> out.println(PrintableJson.mapper().writeValueAsString(row.item())));
            } else {
                out.print(table(difference.shown()).below(header));
                table(difference.gone()).below(header).lines().forEach(line -> out.println(line + "   (gone)"));
            }
            out.flush();
            Thread.sleep(POLL);
            items = client.items(path, in, service);
        }
    }

    private static String firstLine(Table table) {
        return table.toString().lines().findFirst().orElse("") + "\n";
    }

    /** The rows by what identifies their objects, in the order of the table. */
    private Map<String, WatchedItems.Row> rows(List<JsonNode> items) {
        boolean wide = output == OutputFormat.WIDE;
        int age = headers(wide).indexOf("AGE");
        Instant now = Instant.now(Clock.systemUTC());
        Map<String, WatchedItems.Row> rows = new LinkedHashMap<>();
        for (JsonNode item : sorted(items).stream().flatMap(each -> parts(each, wide).stream()).toList()) {
            List<Object> cells = new ArrayList<>(cells(item, wide, now));
            List<Object> compare = new ArrayList<>(cells);
            if (age >= 0) {
                compare.remove(age);
            }
            rows.put(namespaceOf(item) + "/" + keyOf(item), new WatchedItems.Row(item, cells, compare));
        }
        return rows;
    }

    private Table table(Collection<WatchedItems.Row> rows) {
        List<String> headers = new ArrayList<>(headers(output == OutputFormat.WIDE));
        if (allNamespaces) {
            headers.addFirst("NAMESPACE");
        }
        Table table = new Table(headers.toArray(String[]::new));
        for (WatchedItems.Row row : rows) {
            List<Object> cells = new ArrayList<>(row.cells());
            if (allNamespaces) {
                cells.addFirst(namespaceOf(row.item()));
            }
            table.row(cells.toArray());
        }
        return table;
    }

    /** The namespaces in which there is what was not found. */
    private String exists(List<JsonNode> elsewhere) {
        List<String> namespaces = elsewhere.stream().map(this::namespaceOf).distinct().sorted().toList();
        return namespaces.isEmpty()
                ? ""
                : "; it exists in namespace "
                        + Printable.first(namespaces, NAMED) + ": -n " + namespaces.getFirst();
    }

    private void print(List<JsonNode> items, @Nullable String in, int elsewhere) {
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON) {
            JsonMapper mapper = PrintableJson.mapper();
            out.println(mapper.writerWithDefaultPrettyPrinter()
                    .writeValueAsString(Map.of("items", items)));
        } else if (items.isEmpty()) {
            spec.commandLine().getErr().println(in == null
                    ? "No resources found"
                    : "No resources found in " + Printable.of(in) + " namespace."
                            + (elsewhere == 0 ? "" : " " + elsewhere + " in other namespaces: -A shows them"));
        } else {
            out.print(table(rows(items).values()));
            out.flush();
            note(items).ifPresent(text -> spec.commandLine().getErr().println(Printable.of(text)));
        }
        out.flush();
    }

    /** In the order of the table. */
    List<JsonNode> sorted(List<JsonNode> items) {
        return items.stream().sorted(Comparator.comparing(this::namespaceOf)).toList();
    }

    /** The parts of an object that have a row each; each has the object's namespace. */
    List<JsonNode> parts(JsonNode item, boolean wide) {
        return List.of(item);
    }

    /** What no other row of its namespace has. */
    String keyOf(JsonNode item) {
        return nameOf(item);
    }

    String namespaceOf(JsonNode item) {
        return item.path("namespace").asString("");
    }

    String nameOf(JsonNode item) {
        return item.path("name").asString("");
    }

    /** A line after the table, for people. */
    Optional<String> note(List<JsonNode> items) {
        return Optional.empty();
    }

    boolean mustExist() {
        return true;
    }

    abstract List<String> headers(boolean wide);

    abstract List<Object> cells(JsonNode item, boolean wide, Instant now);

    static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(item -> texts.add(item.asString("")));
        return texts;
    }

    static String joined(List<String> texts) {
        return texts.isEmpty() ? NONE : String.join(",", texts);
    }

    static String age(JsonNode item, String field, Instant now) {
        try {
            return Age.between(Instant.parse(item.path(field).asString("")), now);
        } catch (DateTimeParseException e) {
            return "<unknown>";
        }
    }
}
