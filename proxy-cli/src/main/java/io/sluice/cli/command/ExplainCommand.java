package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.ServerFlag;
import io.sluice.cli.render.Table;
import io.sluice.service.IpAddresses;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
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

/** {@code sluice explain}: shows why connections to a Service of a running daemon go where they go. */
@Command(
        name = "explain",
        header = "Show why connections to a Service go where they go.",
        description = {"", "Lists every endpoint of a Service with the rule that makes it a candidate or not, and says "
                + "where the next connection would go. Nothing is changed by asking."},
        footer = {"", "Examples:", "  sluice explain kubia",
                "  sluice explain kubia:http --from 10.1.2.3    where this client would go",
                "  sluice explain kubia -n shop --external      from outside, to a node port",
                "  sluice explain --connection 10.0.0.9:51324   open, or closed lately"})
public final class ExplainCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "SERVICE[:PORT]", arity = "0..1",
            description = "The Service, and one of its ports by name or number; as the log writes it, too: shop/api:http.")
    private @Nullable String service;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", description = "The namespace. Default: default")
    private @Nullable String namespace;

    @Option(names = "--from", paramLabel = "IP",
            description = "The client's address; matters for session affinity, maglev, and for what counts as external.")
    private @Nullable String from;

    @Option(names = "--external",
            description = "The connection comes to a node port, an external or a load balancer address, instead of the "
                    + "cluster IP.")
    private boolean external;

    @Option(names = "--connection", paramLabel = "CLIENT:PORT|NUMBER",
            description = "Show one connection instead, an open one or one of the last 10,000 that were closed: where it went, "
                    + "what was tried before, where its time went.")
    private @Nullable String connection;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "table",
            converter = OutputFormat.PlainConverter.class, completionCandidates = OutputFormat.PlainConverter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private OutputFormat output;

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        AdminClient client = AdminClient.of(spec, server.address(main.environment()));
        if (connection != null) {
            ConnectionText.print(client.connection(connection), output, spec.commandLine().getOut());
            return ExitCode.OK;
        }
        if (service == null) {
            throw new ParameterException(spec.commandLine(), "say which Service to explain, or --connection");
        }
        ServiceArgument wanted = ServiceArgument.of(service);
        Map<String, String> query = new LinkedHashMap<>();
        query.put("namespace", wanted.namespace(namespace, spec.commandLine()));
        query.put("service", wanted.service());
        if (wanted.port() != null) {
            query.put("port", wanted.port());
        }
        if (from != null) {
            try {
                query.put("from", IpAddresses.format(IpAddresses.parse(from)));
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "--from: " + e.getMessage());
            }
        }
        query.put("external", Boolean.toString(external));
        print(client.explain(query));
        return ExitCode.OK;
    }

    private void print(List<JsonNode> ports) {
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON) {
            out.println(PrintableJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(ports));
            out.flush();
            return;
        }
        boolean first = true;
        for (JsonNode port : ports) {
            if (!first) {
                out.println();
            }
            first = false;
            print(port, out);
        }
        out.flush();
    }

    private void print(JsonNode port, PrintWriter out) {
        String name = text(port, "port");
        String family = text(port, "family");
        out.println(text(port, "namespace") + '/' + text(port, "service")
                + (name.isEmpty() ? "" : ":" + name) + ' ' + port.path("portNumber").asInt() + '/'
                + text(port, "protocol") + (family.isEmpty() ? "" : ", " + family) + ", "
                + (external ? "to an address outside the cluster" : "to the cluster IP")
                + (text(port, "from").isEmpty() ? "" : ", from " + text(port, "from")));
        port.path("rules").forEach(rule -> out.println("  " + Printable.of(rule.asString(""))));
        if (!port.path("endpoints").isEmpty()) {
            Table table = new Table("ENDPOINT", "POD", "CANDIDATE", "BECAUSE");
            for (JsonNode endpoint : port.path("endpoints")) {
                table.row(endpoint.path("address").asString(""), endpoint.path("pod").asString("<none>"),
                        endpoint.path("candidate").asBoolean(false) ? "yes" : "no",
                        endpoint.path("rule").asString(""));
            }
            table.toString().lines().forEach(line -> out.println("  " + line));
        }
        port.path("refusals").forEach(refusal -> out.println("  refused: " + Printable.of(refusal.asString(""))));
        out.println("  next connection: " + text(port, "next"));
    }

    private static String text(JsonNode object, String field) {
        return Printable.of(object.path(field).asString(""));
    }
}
