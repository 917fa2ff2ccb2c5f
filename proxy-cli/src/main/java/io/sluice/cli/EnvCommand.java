package io.sluice.cli;

import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice env}: the variables that kubelet would give a container for the Services of its namespace. */
@Command(
        name = "env",
        header = "Print the environment variables of Services, as kubelet sets them.",
        description = {"", "What a container of a Pod that starts now would find: {NAME}_SERVICE_HOST, "
                + "{NAME}_SERVICE_PORT and the variables of Docker links, for every Service of the namespace that has a "
                + "cluster IP, and for default/kubernetes."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  eval \"$(sluice env)\"; curl $KUBIA_SERVICE_HOST:$KUBIA_SERVICE_PORT",
                "  sluice env -n shop -o dotenv > .env", "  sluice env --pod kubia-zcmpd -o json"})
final class EnvCommand implements Callable<Integer> {

    /** How the variables are written. */
    enum Format {
        /** Lines for a POSIX shell to read. */
        SHELL,
        /** {@code NAME=value} lines, as docker and many libraries read them. */
        DOTENV,
        /** One JSON object. */
        JSON,
        /** The field {@code env} of a container, in YAML. */
        K8S
    }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", defaultValue = "default",
            description = "Which namespace. Default: ${DEFAULT-VALUE}")
    private String namespace;

    @Option(names = "--pod", paramLabel = "POD",
            description = "Which Pod of it: whether it wants the variables (enableServiceLinks).")
    private @Nullable String pod;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "shell",
            converter = Word.OfEnvFormat.class, completionCandidates = Word.OfEnvFormat.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private Format output;

    @Option(names = {"-s", "--server"}, paramLabel = "ADDRESS",
            description = "Where the daemon's --metrics-bind-address is. Default: the variable "
                    + AdminClient.SERVER_VARIABLE + ", else " + AdminClient.DEFAULT_ADDRESS)
    private @Nullable String server;

    @Override
    public Integer call() throws FailureException, InterruptedException {
        SequencedMap<String, String> variables = new LinkedHashMap<>();
        AdminClient.of(spec, server, main.environment()).environment(namespace, pod).path("variables")
                .propertyStream().forEach(v -> variables.put(v.getKey(), v.getValue().asString("")));
        PrintWriter out = spec.commandLine().getOut();
        out.print(print(variables, output));
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

    /** Whether it can be part of a line that a shell is to read; nothing that a Service has is anything else. */
    private static boolean isLine(String text) {
        return Printable.of(text).equals(text);
    }

    private static String shellQuoted(String value) {
        return value.matches("[A-Za-z0-9_./:@%+,-]*") ? value : "'" + value.replace("'", "'\\''") + "'";
    }
}
