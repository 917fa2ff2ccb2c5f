package io.sluice.balance;

import io.sluice.balance.AffinityTable.Entry;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The endpoints over which connections of one port, one address family and one or several kinds of traffic are spread, and
 * their balancer: every endpoint is picked here. Any thread, without a lock; replaced whole with each change.
 */
public final class EndpointPool {

    /** A pool without endpoints. */
    public static final EndpointPool NONE = new EndpointPool(List.of(), new RoundRobin(List.of(), 0), null);

    /**
     * {@code sessionAffinity: ClientIP}.
     *
     * @param timeout   nanoseconds since the client's last new connection
     * @param byService whether all ports share the table, so that a client stays with a Pod instead of with an address and
     *                  port
     */
    record Stickiness(AffinityTable table, long timeout, boolean byService) {}

    private final List<Endpoint> candidates;
    private final Balancer balancer;
    private final @Nullable Stickiness stickiness;

    EndpointPool(List<Endpoint> candidates, Balancer balancer, @Nullable Stickiness stickiness) {
        this.candidates = candidates;
        this.balancer = balancer;
        this.stickiness = stickiness;
    }

    /**
     * The candidates without ejected ones. At most {@code maxShare} percent are left out, but at least one, and never the last
     * candidate.
     *
     * @param ejected in the order in which they are left out
     */
    static List<Endpoint> usable(List<Endpoint> candidates, List<EndpointAddress> ejected, int maxShare) {
        if (ejected.isEmpty() || candidates.size() < 2) {
            return candidates;
        }
        int most = Math.min(candidates.size() - 1, Math.max(1, candidates.size() * maxShare / 100));
        Set<EndpointAddress> known = new HashSet<>();
        candidates.forEach(e -> known.add(e.address()));
        Set<EndpointAddress> aside = new HashSet<>();
        for (EndpointAddress address : ejected) {
            if (aside.size() < most && known.contains(address)) {
                aside.add(address);
            }
        }
        return aside.isEmpty()
                ? candidates
                : candidates.stream().filter(e -> !aside.contains(e.address())).toList();
    }

    /** The endpoints that may take connections by the rules of Kubernetes, sorted by address. */
    List<Endpoint> candidates() {
        return candidates;
    }

    /** The endpoints that take connections now: the candidates that respond. {@link #pick} returns an index into them. */
    public List<Endpoint> endpoints() {
        return balancer.endpoints();
    }

    Balancer balancer() {
        return balancer;
    }

    @Nullable
    Stickiness stickiness() {
        return stickiness;
    }

    boolean same(List<Endpoint> otherCandidates, List<Endpoint> usable, @Nullable Stickiness other) {
        return candidates.equals(otherCandidates) && balancer.endpoints().equals(usable)
                && Objects.equals(stickiness, other);
    }

    /**
     * Chooses an endpoint for a new connection.
     *
     * @param tried endpoints that this connection has tried and must not go to again
     * @param now   nanoseconds of a monotonic clock
     * @return an index into {@link #endpoints()}, or -1 if there is none that was not tried
     */
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        Stickiness sticky = stickiness;
        if (sticky == null) {
            return balancer.pick(client, tried, now);
        }
        Entry entry = sticky.table().find(client, sticky.timeout(), now);
        int index = entry == null ? -1 : locate(entry, sticky.byService());
        if (entry != null && index >= 0
                && (tried.isEmpty() || !tried.contains(endpoints().get(index).address()))) {
            entry.seen(now);
            return index;
        }
        index = balancer.pick(client, tried, now);
        if (index >= 0) {
            sticky.table().remember(client, endpoints().get(index), now);
        }
        return index;
    }

    /** The index of the endpoint that the client has to stay with; -1 if there is none. */
    int stays(InetAddress client, long now) {
        return stickiness == null ? -1 : known(stickiness, client, now);
    }

    /** What {@link #pick} would return now; changes nothing. */
    int peek(InetAddress client, long now) {
        int index = stays(client, now);
        return index >= 0 ? index : balancer.peek(client, now);
    }

    private int known(Stickiness sticky, InetAddress client, long now) {
        Entry entry = sticky.table().find(client, sticky.timeout(), now);
        return entry == null ? -1 : locate(entry, sticky.byService());
    }

    private int locate(Entry entry, boolean byService) {
        List<Endpoint> endpoints = endpoints();
        int last = entry.index();
        if (last < endpoints.size() && endpoints.get(last).address().equals(entry.address())) {
            return last;
        }
        int index = search(entry.address());
        if (index < 0) {
            return byService ? samePod(entry, -index - 1) : -1;
        }
        entry.index(index);
        return index;
    }

    /** As {@link java.util.Collections#binarySearch} does. */
    private int search(EndpointAddress address) {
        List<Endpoint> endpoints = endpoints();
        int low = 0;
        int high = endpoints.size() - 1;
        while (low <= high) {
            int middle = low + high >>> 1;
            int order = endpoints.get(middle).address().compareTo(address);
            if (order == 0) {
                return middle;
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -low - 1;
    }

    /** Endpoints of one IP address are neighbours: looks around {@code at} for the same Pod with another port. */
    private int samePod(Entry entry, int at) {
        List<Endpoint> endpoints = endpoints();
        int first = at;
        while (first > 0 && endpoints.get(first - 1).address().ip().equals(entry.address().ip())) {
            first--;
        }
        for (int i = first; i < endpoints.size()
                && endpoints.get(i).address().ip().equals(entry.address().ip()); i++) {
            if (Objects.equals(endpoints.get(i).target(), entry.pod())) {
                return i;
            }
        }
        return -1;
    }
}
