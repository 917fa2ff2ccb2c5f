package io.sluice.nftables;

import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * The contents of the table.
 *
 * @param sockets    each address and port of a Service, with the verdict on connections to it
 * @param clusterIps addresses that belong to Services alone: the kernel refuses TCP, UDP and SCTP to other ports of them
 * @param directWays for sockets that are proxied; without one, the kernel refuses connections while no proxy listens
 * @param sources    clients that may use a socket, of its address family; the kernel drops packets that others send from
 *                   elsewhere. All clients may use sockets that are not here
 * @param eager      TCP sockets whose connections are handed to the kernel as soon as an endpoint is connected: until then
 *                   the kernel lets their clients send nothing
 */
public record Contents(Map<ServiceSocket, Verdict> sockets, Set<InetAddress> clusterIps,
        Map<ServiceSocket, DirectWay> directWays, Map<ServiceSocket, Set<Cidr>> sources, Set<ServiceSocket> eager) {

    /** Copies all parameters. */
    public Contents {
        // Not Map.copyOf: consecutive addresses have consecutive hashes, for which it takes quadratic time.
        sockets = Collections.unmodifiableMap(new HashMap<>(sockets));
        clusterIps = Collections.unmodifiableSet(new HashSet<>(clusterIps));
        directWays = Collections.unmodifiableMap(new HashMap<>(directWays));
        Map<ServiceSocket, Set<Cidr>> outermost = new HashMap<>(sources);
        outermost.replaceAll((socket, ranges) -> outermost(ranges));
        sources = Collections.unmodifiableMap(outermost);
        eager = Collections.unmodifiableSet(new HashSet<>(eager));
    }

    /** Without sockets whose connections are handed over at once. */
    public Contents(Map<ServiceSocket, Verdict> sockets, Set<InetAddress> clusterIps,
            Map<ServiceSocket, DirectWay> directWays, Map<ServiceSocket, Set<Cidr>> sources) {
        this(sockets, clusterIps, directWays, sources, Set.of());
    }

    /** Without direct ways, and for all clients. */
    public Contents(Map<ServiceSocket, Verdict> sockets, Set<InetAddress> clusterIps) {
        this(sockets, clusterIps, Map.of(), Map.of(), Set.of());
    }

    /** The kernel takes no ranges that overlap. */
    private static Set<Cidr> outermost(Collection<Cidr> ranges) {
        Set<Cidr> all = new LinkedHashSet<>(ranges);
        all.removeIf(inner -> ranges.stream().anyMatch(
                outer -> outer.prefixLength() < inner.prefixLength() && outer.contains(inner.network())));
        return Collections.unmodifiableSet(all);
    }

    /** The same, with {@link Verdict#REFUSE} in the place of {@link Verdict#PROXY}. */
    public Contents refused() {
        Map<ServiceSocket, Verdict> refused = new HashMap<>(sockets);
        refused.replaceAll((socket, verdict) -> verdict == Verdict.DROP ? Verdict.DROP : Verdict.REFUSE);
        return new Contents(refused, clusterIps);
    }

    /** No sockets and no addresses. */
    static final Contents EMPTY = new Contents(Map.of(), Set.of());
}
