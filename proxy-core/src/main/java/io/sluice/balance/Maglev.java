package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * One client address goes to one endpoint, on every node and after every restart, and when endpoints come and go few
 * clients move to another (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
 * section 3.4).
 *
 * <p>The table has 65,537 places for up to 655 endpoints, 128 KiB, and 655,373 places beyond, 1.3 MB, so that no endpoint
 * gets more than about one percent above its share. Crossing 655 moves most clients once.
 */
public final class Maglev implements Balancer {

    private static final int SMALL_TABLE = 65_537;
    private static final int LARGE_TABLE = 655_373;
    private static final int PLACES_PER_ENDPOINT = 100;
    /** The most endpoints that a table can tell apart. */
    private static final int MOST_ENDPOINTS = Character.MAX_VALUE;

    private final List<Endpoint> endpoints;
    private final char[] table;

    /** Over {@code endpoints}, sorted by address; those beyond 65,535 get no connections. */
    public Maglev(List<Endpoint> endpoints) {
        this.endpoints = List.copyOf(endpoints);
        this.table = table(this.endpoints);
    }

    private static char[] table(List<Endpoint> endpoints) {
        int count = Math.min(endpoints.size(), MOST_ENDPOINTS);
        if (count == 0) {
            return new char[0];
        }
        int places = count * PLACES_PER_ENDPOINT <= SMALL_TABLE ? SMALL_TABLE : LARGE_TABLE;
        long[] next = new long[count];
        long[] skip = new long[count];
        for (int i = 0; i < count; i++) {
            EndpointAddress address = endpoints.get(i).address();
            long hash = mix(hash(address.ip()) + address.port());
            next[i] = Long.remainderUnsigned(hash, places);
            skip[i] = Long.remainderUnsigned(mix(hash), places - 1L) + 1;
        }
        char[] table = new char[places];
        boolean[] taken = new boolean[places];
        int filled = 0;
        while (true) {
            for (int i = 0; i < count; i++) {
                while (taken[(int) next[i]]) {
                    next[i] = (next[i] + skip[i]) % places;
                }
                taken[(int) next[i]] = true;
                table[(int) next[i]] = (char) i;
                filled++;
                if (filled == places) {
                    return table;
                }
            }
        }
    }

    @Override
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    @Override
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        if (table.length == 0) {
            return -1;
        }
        long hash = mix(hash(client));
        int index = place(hash);
        if (tried.isEmpty() || !tried.contains(endpoints.get(index).address())) {
            return index;
        }
        // Further places of the same client, so that its second choice is as stable as its first.
        for (int i = 0; i < endpoints.size(); i++) {
            hash = mix(hash);
            index = place(hash);
            if (!tried.contains(endpoints.get(index).address())) {
                return index;
            }
        }
        return RandomChoice.untried(endpoints, index, tried);
    }

    private int place(long hash) {
        return table[(int) Long.remainderUnsigned(hash, table.length)];
    }

    @Override
    public int peek(InetAddress client, long now) {
        return pick(client, Set.of(), now);
    }

    @Override
    public Maglev with(List<Endpoint> others, long now) {
        return new Maglev(others);
    }

    /** Copies no octets for IPv4: the hash code of such an address is the address. */
    private static long hash(InetAddress address) {
        if (address instanceof java.net.Inet4Address) {
            return address.hashCode();
        }
        long hash = 0;
        for (byte octet : address.getAddress()) {
            hash = mix(hash ^ octet & 0xff);
        }
        return hash;
    }

    /** A bijection of 64 bits in which each bit of the input changes half of the output (SplitMix64's finisher). */
    private static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
