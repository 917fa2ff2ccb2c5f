package io.sluice.proxy;

import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Looks every few seconds at the connections of one event loop that have lived for a while and to one of whose peers something
 * may be under way: whether that peer is dead. Short connections and idle ones are not here. Of those whose peers are heard of
 * it looks at a few fields; only for the others the kernel is asked. Lives on the event loop.
 */
final class DeadPeerSweep {

    private static final long LONGEST_PERIOD_NANOS = TimeUnit.SECONDS.toNanos(3);
    private static final long SHORTEST_PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    /** So many looks in the shortest of all time-outs. */
    private static final int LOOKS = 15;

    /** Connections after which others have their turn, for some time. */
    private static final int AT_ONCE = 256;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final EventLoop eventLoop;
    private final List<ProxiedConnection> connections = new ArrayList<>();
    /** Those before it have not been looked at in this round. What comes to a place before it is looked at twice. */
    private int left;
    private long period = LONGEST_PERIOD_NANOS;
    private boolean scheduled;

    DeadPeerSweep(EventLoop eventLoop) {
        this.eventLoop = eventLoop;
    }

    /** @param timeoutNanos of the connection's peers */
    void add(ProxiedConnection connection, long timeoutNanos) {
        connection.sweepIndex = connections.size();
        connections.add(connection);
        period = Math.min(period, Math.max(timeoutNanos / LOOKS, SHORTEST_PERIOD_NANOS));
        if (!scheduled) {
            schedule(period);
        }
    }

    /** Nothing happens to one that is not here. */
    void remove(ProxiedConnection connection) {
        int index = connection.sweepIndex;
        if (index < 0) {
            return;
        }
        connection.sweepIndex = ProxiedConnection.NOT_SWEPT;
        ProxiedConnection last = connections.removeLast();
        if (last != connection) {
            connections.set(index, last);
            last.sweepIndex = index;
        }
    }

    private void schedule(long delayNanos) {
        scheduled = true;
        eventLoop.schedule(this::sweep, delayNanos, TimeUnit.NANOSECONDS);
    }

    private static void lookAt(ProxiedConnection connection) {
        try {
            connection.lookAtPeers();
        } catch (RuntimeException | Error e) {
            connection.fault(e);
        }
    }

    private void sweep() {
        scheduled = false;
        if (left == 0) {
            left = connections.size();
        }
        for (int looks = 0; looks < AT_ONCE && left > 0; looks++) {
            left--;
            if (left < connections.size()) {
                lookAt(connections.get(left));
            }
        }
        if (left > 0) {
            schedule(PAUSE_NANOS);
        } else if (connections.isEmpty()) {
            period = LONGEST_PERIOD_NANOS;
        } else {
            schedule(period);
        }
    }
}
