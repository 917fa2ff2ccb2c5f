package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.EnumConverter;
import io.sluice.cli.config.ServerFlag;
import io.sluice.cli.config.SettingSources;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code sluice env}: prints the variables that kubelet would give a container for the Services of its namespace. */
@Command(
        name = "env",
        header = "Print the environment variables of Services, as kubelet sets them.",
        description = {"", "What a container of a Pod that starts now would find: {NAME}_SERVICE_HOST, "
                + "{NAME}_SERVICE_PORT and the variables of Docker links, for every Service of the namespace that has a "
                + "cluster IP, and for default/kubernetes. With --port-offset the ports are those at which the daemon "
                + "listens here."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  eval \"$(sluice env)\"; curl $KUBIA_SERVICE_HOST:$KUBIA_SERVICE_PORT",
                "  sluice env -n shop -o dotenv > .env", "  sluice env --pod kubia-zcmpd -o json"})
public final class EnvCommand implements Callable<Integer> {

    /** The format of the variables. */
    enum Format {
        /** Lines for a POSIX shell. */
        SHELL,
        /** {@code NAME=value} lines, as docker and many libraries read them. */
        DOTENV,
        /** One JSON object. */
        JSON,
        /** The field {@code env} of a container, in YAML. */
        K8S,
        /** Lines of hosts(5), in place of variables. */
        HOSTS
    }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", defaultValue = "default",
            description = "The namespace. Default: ${DEFAULT-VALUE}")
    private String namespace;

    @Option(names = "--pod", paramLabel = "POD",
            description = "A Pod of that namespace: whether it wants the variables (enableServiceLinks).")
    private @Nullable String pod;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "shell",
            converter = FormatConverter.class, completionCandidates = FormatConverter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private Format output;

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        // The variables are for programs of this machine: their ports are those at which the daemon listens.
        JsonNode known = AdminClient.of(spec, server.address(main.environment())).environment(namespace, pod,
                Map.of("ports", "served", "hosts", output == Format.HOSTS ? "1" : "0"));
        SequencedMap<String, String> variables = new LinkedHashMap<>();
        known.path("variables").propertyStream()
                .forEach(v -> variables.put(v.getKey(), v.getValue().asString("")));
        PrintWriter out = spec.commandLine().getOut();
        out.print(output == Format.HOSTS ? HostsCommand.lines(known) : print(variables, output));
        out.flush();
        return ExitCode.OK;
    }

    /** {@code variables} as text that ends with the end of a line. */
    static String print(SequencedMap<String, String> variables, Format format) {
        StringBuilder text = new StringBuilder();
        switch (format) {
            case SHELL -> variables.forEach((name, value) -> text
                    .append(!isShellName(name) ? "# no name for a shell: " : isLine(value) ? "export " : "# no line: ")
                    .append(Printable.of(name)).append('=').append(shellQuoted(Printable.of(value))).append('\n'));
            case DOTENV ->
                    variables.forEach((name, value) -> text.append(isLine(name) && isLine(value) ? "" : "# no line: ")
                            .append(Printable.of(name)).append('=').append(Printable.of(value)).append('\n'));
            case JSON -> text
                    .append(PrintableJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(variables))
                    .append('\n');
            case HOSTS -> throw new IllegalArgumentException("names are no variables");
            case K8S -> {
                text.append(variables.isEmpty() ? "env: []\n" : "env:\n");
                for (Map.Entry<String, String> variable : variables.entrySet()) {
                    text.append("- name: ").append(SettingSources.yaml(variable.getKey())).append("\n  value: ")
                            .append(PrintableJson.mapper().writeValueAsString(variable.getValue())).append('\n');
                }
            }
        }
        return text.toString();
    }

    /** A Service's name may begin with a digit, a variable of a shell may not (POSIX, 3.216 Name). */
    private static boolean isShellName(String name) {
        return name.matches("[A-Za-z_][A-Za-z0-9_]*");
    }

    /** Whether {@code text} can be part of a line for a shell; every value of a real Service can. */
    private static boolean isLine(String text) {
        return Printable.of(text).equals(text);
    }

    private static String shellQuoted(String value) {
        return value.matches("[A-Za-z0-9_./:@%+,-]*") ? value : "'" + value.replace("'", "'\\''") + "'";
    }

    /** {@code shell}, {@code dotenv}, {@code json} or {@code k8s}. */
    static final class FormatConverter extends EnumConverter<Format> {
        FormatConverter() {
            super(List.of(Format.values()));
        }
    }
}
