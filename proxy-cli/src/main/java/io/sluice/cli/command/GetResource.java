package io.sluice.cli.command;

import io.sluice.cli.config.ServerFlag;
import io.sluice.cli.render.Age;
import io.sluice.cli.render.Table;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
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
        print(items, in, elsewhere.size());
        return ExitCode.OK;
    }

    /** The namespaces in which there is what was not found. */
    private String exists(List<JsonNode> elsewhere) {
        List<String> namespaces = elsewhere.stream().map(this::namespaceOf).distinct().sorted().toList();
        return namespaces.isEmpty()
                ? ""
                : "; it exists in namespace "
                        + String.join(", ", namespaces.subList(0, Math.min(NAMED, namespaces.size())))
                        + (namespaces.size() > NAMED ? " and " + (namespaces.size() - NAMED) + " more" : "") + ": -n "
                        + namespaces.getFirst();
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
            boolean wide = output == OutputFormat.WIDE;
            List<String> headers = new ArrayList<>(headers(wide));
            if (allNamespaces) {
                headers.addFirst("NAMESPACE");
            }
            Table table = new Table(headers.toArray(String[]::new));
            for (JsonNode item : sorted(items)) {
                List<Object> cells = new ArrayList<>(cells(item, wide, Instant.now(Clock.systemUTC())));
                if (allNamespaces) {
                    cells.addFirst(namespaceOf(item));
                }
                table.row(cells.toArray());
            }
            out.print(table);
            out.flush();
            note(items).ifPresent(text -> spec.commandLine().getErr().println(Printable.of(text)));
        }
        out.flush();
    }

    private List<JsonNode> sorted(List<JsonNode> items) {
        return items.stream().sorted(Comparator.comparing(this::namespaceOf)).toList();
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
