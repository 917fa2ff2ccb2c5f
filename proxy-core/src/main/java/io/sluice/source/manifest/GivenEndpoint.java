package io.sluice.source.manifest;

import io.sluice.service.ServiceName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the processes of one workload are, as {@code --endpoint} says: {@code [NAMESPACE/]NAME[:PORT]=ADDRESS[,ADDRESS...]}.
 *
 * @param target    what stands before the equals sign
 * @param addresses one for each Pod; at least one
 */
public record GivenEndpoint(Target target, List<ProcessAddress> addresses) {

    /**
     * The workload, or one of its ports.
     *
     * @param namespace     empty if it is not said
     * @param name          the workload's
     * @param containerPort the name or the number of the container port that the addresses stand for; empty for the main one
     */
    public record Target(String namespace, String name, String containerPort) {

        /** As it is written on the command line. */
        @Override
        public String toString() {
            return (namespace.isEmpty() ? "" : namespace + "/") + name
                    + (containerPort.isEmpty() ? "" : ":" + containerPort);
        }
    }

    public GivenEndpoint {
        addresses = List.copyOf(addresses);
    }

    /**
     * Reads what was given, separated at the commas: a word without an equals sign is another address of the target before it.
     *
     * @throws IllegalArgumentException if a word cannot be understood; the message names it and what may be written
     */
    public static List<GivenEndpoint> parse(List<String> words) {
        Map<Target, List<ProcessAddress>> given = new LinkedHashMap<>();
        List<ProcessAddress> addresses = null;
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals >= 0) {
                addresses =
                        given.computeIfAbsent(target(word.substring(0, equals).strip(), word), t -> new ArrayList<>());
            }
            if (addresses == null) {
                throw notUnderstood(word);
            }
            addresses.add(ProcessAddress.parse(word.substring(equals + 1).strip()));
            if (addresses.size() > ProcessAddress.MAX) {
                throw new IllegalArgumentException(
                        "'" + word + "' is one of more than " + ProcessAddress.MAX + " addresses");
            }
        }
        return given.entrySet().stream().map(e -> new GivenEndpoint(e.getKey(), e.getValue())).toList();
    }

    private static Target target(String text, String word) {
        int slash = text.indexOf('/');
        int colon = text.indexOf(':', slash + 1);
        Target target = new Target(text.substring(0, Math.max(0, slash)),
                text.substring(slash + 1, colon < 0 ? text.length() : colon),
                colon < 0 ? "" : text.substring(colon + 1));
        if (!FieldRules.isDnsName(target.name) || slash >= 0 && !FieldRules.isDnsLabel(target.namespace)
                || colon >= 0 && target.containerPort.isEmpty()) {
            throw notUnderstood(word);
        }
        return target;
    }

    private static IllegalArgumentException notUnderstood(String word) {
        return new IllegalArgumentException("'" + word + "' is not NAMESPACE/NAME=HOST:PORT, such as"
                + " shop/api=127.0.0.1:3000");
    }

    /** Whether it is about the object {@code object}, as far as is said. */
    boolean names(ServiceName object) {
        return object.name().equals(target.name)
                && (target.namespace.isEmpty() || target.namespace.equals(object.namespace()));
    }
}
