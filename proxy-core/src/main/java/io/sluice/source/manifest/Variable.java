package io.sluice.source.manifest;

import org.jspecify.annotations.Nullable;

/**
 * A variable that the first container of a Pod has, beside those of Services.
 *
 * @param name  not empty
 * @param value may refer to variables before it, {@code $(NAME)}; empty with a fact
 * @param fact  what is known only when the Pod is there; null for none
 */
public record Variable(String name, String value, @Nullable Fact fact) {

    /** A fact about a Pod ({@code fieldRef}). */
    public enum Fact {
        /** {@code metadata.name}. */
        NAME,
        /** {@code metadata.namespace}. */
        NAMESPACE,
        /** {@code status.podIP} and {@code status.podIPs}. */
        IP,
        /** {@code status.hostIP} and {@code status.hostIPs}. */
        HOST_IP
    }
}
