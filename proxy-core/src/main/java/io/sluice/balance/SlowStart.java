package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntUnaryOperator;

/**
 * Lets the share of a new endpoint grow from a tenth to the whole: the newer it is, the more often its turn is passed on to
 * the next endpoint. The first endpoints of a port have their whole share at once, and so have all while every endpoint is
 * new.
 */
public final class SlowStart implements Balancer {

    /** The smallest share, of a million. */
    private static final int LEAST = 100_000;
    private static final int WHOLE = 1_000_000;
    /** How often a turn is passed on at the most. */
    private static final int PASSES = 4;
    private static final long WARM = Long.MIN_VALUE;

    private final Balancer inner;
    private final long window;
    private final IntUnaryOperator random;
    /** When each endpoint was added, or {@link #WARM}. */
    private final long[] since;
    private final boolean anyFresh;
    private final long warmAt;

    /**
     * Over the endpoints of {@code inner}, all of them warm.
     *
     * @param window nanoseconds until a new endpoint has its whole share
     * @param random gives a number from 0 to less than its argument; called by all event loops at once
     */
    public SlowStart(Balancer inner, long window, IntUnaryOperator random) {
        this(inner, window, random, warm(inner.endpoints().size()));
    }

    private static long[] warm(int size) {
        long[] since = new long[size];
        Arrays.fill(since, WARM);
        return since;
    }

    private SlowStart(Balancer inner, long window, IntUnaryOperator random, long[] since) {
        this.inner = inner;
        this.window = window;
        this.random = random;
        this.since = since;
        boolean any = false;
        long last = 0;
        for (long came : since) {
            if (came != WARM) {
                last = any ? Math.max(last, came) : came;
                any = true;
            }
        }
        this.anyFresh = any;
        this.warmAt = last + window;
    }

    @Override
    public List<Endpoint> endpoints() {
        return inner.endpoints();
    }

    @Override
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        int index = inner.pick(client, tried, now);
        if (!anyFresh || now >= warmAt) {
            return index;
        }
        for (int i = 0; i < PASSES && index >= 0 && since[index] != WARM
                && random.applyAsInt(WHOLE) >= share(now - since[index]); i++) {
            index = inner.pick(client, tried, now);
        }
        return index;
    }

    /** The share, of a million; {@code age} in nanoseconds. */
    private int share(long age) {
        return age >= window ? WHOLE : (int) Math.max(LEAST, age * (double) WHOLE / window);
    }

    @Override
    public int peek(InetAddress client, long now) {
        int index = inner.peek(client, now);
        return anyFresh && now < warmAt && index >= 0 && since[index] != WARM ? UNFORESEEABLE : index;
    }

    @Override
    public SlowStart with(List<Endpoint> others, long now) {
        List<Endpoint> before = inner.endpoints();
        Map<EndpointAddress, Long> known = new HashMap<>();
        for (int i = 0; i < since.length; i++) {
            known.put(before.get(i).address(), now - since[i] >= window ? WARM : since[i]);
        }
        long[] next = new long[others.size()];
        for (int i = 0; i < next.length; i++) {
            next[i] = before.isEmpty() ? WARM : known.getOrDefault(others.get(i).address(), now);
        }
        return new SlowStart(inner.with(others, now), window, random, next);
    }
}
