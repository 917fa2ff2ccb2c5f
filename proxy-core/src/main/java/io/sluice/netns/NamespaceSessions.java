package io.sluice.netns;

import io.sluice.dns.server.DnsServer;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.service.IpAddresses;
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

    /** How long a change waits for sessions: a stopped program must not block the other ones. */
    private static final int PATIENCE_MILLIS = 250;

    /**
     * The Service port and the kind of address that a listener is for.
     *
     * @param kind the kind of the Service's address
     */
    public record Target(ServicePortTargets port, AddressKind kind) {}

    /**
     * The addresses to listen on in namespaces.
     *
     * @param names the addresses on which DNS listens, UDP and TCP
     */
    record Wanted(Map<SocketRequest, Target> targets, Set<InetSocketAddress> names) {
        static final Wanted NOTHING = new Wanted(Map.of(), Set.of(NAMESERVER));
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
        next = new Wanted(Collections.unmodifiableMap(new HashMap<>(targets)), Set.copyOf(allNames));
        if (next.equals(wanted)) {
            return;
        }
        Map<SocketRequest, Target> both = new LinkedHashMap<>(wanted.targets());
        both.putAll(targets);
        allNames.addAll(wanted.names());
        wanted = new Wanted(both, allNames);
        List<CompletableFuture<Void>> following = sessions.stream().map(NamespaceSession::follow).toList();
        CompletableFuture.allOf(following.toArray(CompletableFuture<?>[]::new))
                .completeOnTimeout(null, PATIENCE_MILLIS, TimeUnit.MILLISECONDS).join();
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
