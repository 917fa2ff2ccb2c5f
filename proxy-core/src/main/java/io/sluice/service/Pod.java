package io.sluice.service;

import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;

/**
 * A Pod as far as names and variables need it. Pods that have ended are left out.
 *
 * @param addresses    at most one of each family; empty for one that has none yet
 * @param serviceLinks {@code spec.enableServiceLinks}: whether its containers get variables of the Services of its namespace
 */
public record Pod(String namespace, String name, List<InetAddress> addresses, boolean serviceLinks) {

    /** By namespace, then by name. */
    public static final Comparator<Pod> ORDER = Comparator.comparing(Pod::namespace).thenComparing(Pod::name);

    public Pod {
        addresses = List.copyOf(addresses);
    }
}
