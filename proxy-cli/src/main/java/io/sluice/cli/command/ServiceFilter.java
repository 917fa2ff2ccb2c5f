package io.sluice.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Of which Services something is shown: of one, of a namespace, or of all. */
final class ServiceFilter {

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Parameters(paramLabel = "SERVICE", arity = "0..1", description = "Only this Service.")
    private @Nullable String service;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", description = "The namespace. Default: default")
    private @Nullable String namespace;

    @Option(names = {"-A", "--all-namespaces"}, description = "Every namespace.")
    private boolean allNamespaces;

    /** The same as a query to the daemon's API; the caller may add to it. */
    Map<String, String> query() {
        Map<String, String> query = new LinkedHashMap<>();
        ServiceArgument wanted = ServiceArgument.ofNullable(service).orElse(null);
        if (wanted != null) {
            query.put("service", wanted.service());
        }
        if (!allNamespaces) {
            query.put("namespace", wanted != null
                    ? wanted.namespace(namespace, spec.commandLine())
                    : namespace != null ? namespace : "default");
        }
        return query;
    }
}
