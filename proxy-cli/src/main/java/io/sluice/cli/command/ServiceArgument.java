package io.sluice.cli.command;

import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * A Service as somebody types it, or copies it from the log or from kubectl: {@code api}, {@code api:http}, {@code
 * shop/api:http}, {@code svc/api}.
 *
 * @param namespace the one before the name; null for none
 * @param port      a port's name or number; null for none
 */
record ServiceArgument(@Nullable String namespace, String service, @Nullable String port) {

    /** What kubectl has before the name of a Service. These are no namespaces. */
    private static final Set<String> KINDS = Set.of("svc", "service", "services", "ep", "endpoints");

    /** Reads {@code text}; any is one. */
    static ServiceArgument of(String text) {
        int slash = text.indexOf('/');
        String first = slash < 0 ? "" : text.substring(0, slash);
        String rest = text.substring(slash + 1);
        int colon = rest.indexOf(':');
        return new ServiceArgument(slash < 0 || KINDS.contains(first) ? null : first,
                colon < 0 ? rest : rest.substring(0, colon), colon < 0 ? null : rest.substring(colon + 1));
    }

    /** The same; none for no text. */
    static Optional<ServiceArgument> ofNullable(@Nullable String text) {
        return Optional.ofNullable(text).map(ServiceArgument::of);
    }

    /**
     * The namespace of the Service: that before its name, else that of {@code -n}, else {@code default}.
     *
     * @param option the value of {@code -n}; null if it is not given
     * @throws ParameterException if the two differ
     */
    String namespace(@Nullable String option, CommandLine command) {
        if (namespace != null && option != null && !namespace.equals(option)) {
            throw new ParameterException(command, "'" + namespace + "/" + service + "' is of namespace " + namespace
                    + ", and -n says " + option + ": leave one of them out");
        }
        return namespace != null ? namespace : option != null ? option : "default";
    }
}
