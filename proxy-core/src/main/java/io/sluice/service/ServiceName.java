package io.sluice.service;

import java.util.Comparator;

/** A Service's namespace and name; ordered by namespace, then name. */
public record ServiceName(String namespace, String name) implements Comparable<ServiceName> {

    private static final Comparator<ServiceName> ORDER =
            Comparator.comparing(ServiceName::namespace).thenComparing(ServiceName::name);

    @Override
    public int compareTo(ServiceName other) {
        return ORDER.compare(this, other);
    }

    /** {@code namespace/name}, as kubectl and kube-proxy write it. */
    @Override
    public String toString() {
        return namespace + '/' + name;
    }
}
