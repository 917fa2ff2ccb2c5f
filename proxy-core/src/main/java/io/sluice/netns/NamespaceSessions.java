package io.sluice.netns;

import io.sluice.dns.server.DnsServer;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The sessions with all network namespaces, and the addresses that the proxy listens on there. {@link #open} and
 * {@link #close} are for the control thread; sessions begin and end on event loops.
 */
public final class NamespaceSessions {

    /**
     * The nameserver in a namespace's resolv.conf: an address that every namespace has, whatever the cluster's ranges are.
     */
    public static final InetSocketAddress NAMESERVER =
            new InetSocketAddress(IpAddresses.parse("127.0.0.53"), 53);

    /** Where connections to the world outside are led inside a namespace. */
    public static final InetSocketAddress WAY_OUT = new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 65_535);

    /** How long a change waits for sessions: a stopped program must not block the other ones. */
    private static final int PATIENCE_MILLIS = 250;

    /**
     * The Service port and the kind of address that a listener is for.
     *
     * @param kind the kind of the Service's address
     */
    public record Target(ServicePortTargets port, AddressKind kind) {}

    /** What a socket in a namespace is for. */
    sealed interface Purpose {

        /** A Service. */
        record ForService(Target target) implements Purpose {}

        /** DNS. */
        record ForNames() implements Purpose {}

        /** A Pod of a headless Service, whose address is another machine's in a namespace. */
        record ForPod(InetSocketAddress address) implements Purpose {}

        /** The world outside. */
        record ForOutside() implements Purpose {}
    }

    /**
     * The addresses to listen on in namespaces.
     *
     * @param names the addresses on which DNS listens, UDP and TCP
     * @param pods  loopback addresses of Pods, TCP
     */
    record Wanted(Map<SocketRequest, Target> targets, Set<InetSocketAddress> names, Set<InetSocketAddress> pods) {
        static final Wanted NOTHING = new Wanted(Map.of(), Set.of(NAMESERVER), Set.of());

        /** The purpose of each socket. Names come before Services, and these before Pods. */
        Map<SocketRequest, Purpose> purposes() {
            Map<SocketRequest, Purpose> purposes = new LinkedHashMap<>();
            for (InetSocketAddress name : names) {
                purposes.put(new SocketRequest(Protocol.UDP, name), new Purpose.ForNames());
                purposes.put(new SocketRequest(Protocol.TCP, name), new Purpose.ForNames());
            }
            purposes.put(new SocketRequest(Protocol.TCP, WAY_OUT), new Purpose.ForOutside());
            targets.forEach((request, target) -> purposes.putIfAbsent(request, new Purpose.ForService(target)));
            pods.forEach(pod -> purposes.putIfAbsent(new SocketRequest(Protocol.TCP, pod), new Purpose.ForPod(pod)));
            return purposes;
        }
    }

    private final DataPath dataPath;
    private final DnsServer dns;
    private final Set<NamespaceSession> sessions = ConcurrentHashMap.newKeySet();
    private Wanted next = Wanted.NOTHING;
    private volatile Wanted wanted = Wanted.NOTHING;

    /** No sessions yet. */
    public NamespaceSessions(DataPath dataPath, DnsServer dns) {
        this.dataPath = dataPath;
        this.dns = dns;
    }

    /**
     * Listens on new addresses in the namespaces, and waits until all sessions do, 250 ms at the most.
     *
     * @param targets by protocol and address, with the Service's own ports
     * @param names   the DNS Service's addresses
     */
    public void open(Map<SocketRequest, Target> targets, Set<InetSocketAddress> names) {
        Set<InetSocketAddress> allNames = new LinkedHashSet<>(names);
        allNames.add(NAMESERVER);
        // Not Map.copyOf: consecutive addresses have consecutive hashes, for which it takes quadratic time.
        next = new Wanted(Collections.unmodifiableMap(new HashMap<>(targets)), Set.copyOf(allNames), wanted.pods());
        if (next.equals(wanted)) {
            return;
        }
        Map<SocketRequest, Target> both = new LinkedHashMap<>(wanted.targets());
        both.putAll(targets);
        allNames.addAll(wanted.names());
        wanted = new Wanted(both, allNames, wanted.pods());
        awaitSessions();
    }

    private void awaitSessions() {
        List<CompletableFuture<Void>> following = sessions.stream().map(NamespaceSession::follow).toList();
        CompletableFuture.allOf(following.toArray(CompletableFuture<?>[]::new))
                .completeOnTimeout(null, PATIENCE_MILLIS, TimeUnit.MILLISECONDS).join();
    }

    /** Makes these loopback addresses of Pods lead out of the namespaces, and no others; waits as {@link #open} does. */
    public void pods(Set<InetSocketAddress> pods) {
        if (!pods.equals(wanted.pods())) {
            next = new Wanted(next.targets(), next.names(), Set.copyOf(pods));
            wanted = new Wanted(wanted.targets(), wanted.names(), Set.copyOf(pods));
            awaitSessions();
        }
    }

    /** Stops listening on addresses in the namespaces that the last {@link #open} did not name. */
    public void close() {
        if (!next.equals(wanted)) {
            wanted = next;
            sessions.forEach(NamespaceSession::follow);
        }
    }

    /** Ends all sessions: open connections go on, the kernel refuses new ones. */
    public void stop() {
        sessions.forEach(NamespaceSession::leave);
    }

    /** How many sessions there are. Any thread. */
    public int size() {
        return sessions.size();
    }

    // On the event loop of a session.

    void started(NamespaceSession session) {
        sessions.add(session);
        session.follow();
    }

    void ended(NamespaceSession session) {
        sessions.remove(session);
    }

    Wanted wanted() {
        return wanted;
    }

    DataPath dataPath() {
        return dataPath;
    }

    DnsServer dns() {
        return dns;
    }
}
