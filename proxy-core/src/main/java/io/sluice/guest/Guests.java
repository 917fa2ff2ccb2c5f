package io.sluice.guest;

import io.sluice.dns.DnsServer;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.PortProxy;
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
 * Every network namespace that listens for us, and what is listened at there. {@link #open} and {@link #close} are for the
 * control thread; guests come and go on event loops.
 */
public final class Guests {

    /** Where a guest's resolv.conf points: an address that every namespace has, whatever the cluster's ranges are. */
    public static final InetSocketAddress NAMESERVER =
            new InetSocketAddress(IpAddresses.parse("127.0.0.53"), 53);

    /** How long a change waits for guests: one that is stopped must not stop the others. */
    private static final int PATIENCE_MILLIS = 250;

    /**
     * Whom an address is listened at for.
     *
     * @param kind what the address is to the Service
     */
    public record Target(PortProxy port, AddressKind kind) {}

    /**
     * What guests listen at.
     *
     * @param names where DNS is answered, UDP and TCP
     */
    record Wanted(Map<InetSocketAddress, Target> targets, Set<InetSocketAddress> names) {
        static final Wanted NOTHING = new Wanted(Map.of(), Set.of(NAMESERVER));
    }

    private final DataPath dataPath;
    private final DnsServer dns;
    private final Set<Guest> present = ConcurrentHashMap.newKeySet();
    private Wanted next = Wanted.NOTHING;
    private volatile Wanted wanted = Wanted.NOTHING;

    /** Nobody is there yet. */
    public Guests(DataPath dataPath, DnsServer dns) {
        this.dataPath = dataPath;
        this.dns = dns;
    }

    /**
     * Lets guests listen at what is new, and waits until they do, 250 ms at the most.
     *
     * @param targets by address, with the Service's own ports
     * @param names   the DNS Service's addresses
     */
    public void open(Map<InetSocketAddress, Target> targets, Set<InetSocketAddress> names) {
        Set<InetSocketAddress> allNames = new LinkedHashSet<>(names);
        allNames.add(NAMESERVER);
        // Not Map.copyOf: the addresses of neighbours have hashes in a row, which that takes quadratic time for.
        next = new Wanted(Collections.unmodifiableMap(new HashMap<>(targets)), Set.copyOf(allNames));
        if (next.equals(wanted)) {
            return;
        }
        Map<InetSocketAddress, Target> both = new LinkedHashMap<>(wanted.targets());
        both.putAll(targets);
        allNames.addAll(wanted.names());
        wanted = new Wanted(both, allNames);
        List<CompletableFuture<Void>> following = present.stream().map(Guest::follow).toList();
        CompletableFuture.allOf(following.toArray(CompletableFuture<?>[]::new))
                .completeOnTimeout(null, PATIENCE_MILLIS, TimeUnit.MILLISECONDS).join();
    }

    /** Lets guests stop to listen at what {@link #open} did not name any more. */
    public void close() {
        if (!next.equals(wanted)) {
            wanted = next;
            present.forEach(Guest::follow);
        }
    }

    /** Sends all guests away: their connections go on, new ones are refused. */
    public void stop() {
        present.forEach(Guest::leave);
    }

    /** How many are there. Any thread. */
    public int size() {
        return present.size();
    }

    // On the event loop of a guest.

    void arrived(Guest guest) {
        present.add(guest);
        guest.follow();
    }

    void left(Guest guest) {
        present.remove(guest);
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
