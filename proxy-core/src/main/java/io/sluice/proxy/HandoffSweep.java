package io.sluice.proxy;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * Looks twice a second at the connections of one event loop that may be handed to the kernel: those that are quiet are.
 * Lives on the event loop.
 */
final class HandoffSweep {

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    /** Connections after which others have their turn, for some time. */
    private static final int AT_ONCE = 64;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final EventLoop eventLoop;
    private final Queue<NativeConnection> candidates = new ArrayDeque<>();
    private int left;
    private boolean scheduled;

    HandoffSweep(EventLoop eventLoop) {
        this.eventLoop = eventLoop;
    }

    /** From now on it is looked at, until it is handed over, cannot be, or has ended. */
    void add(NativeConnection connection) {
        candidates.add(connection);
        if (!scheduled) {
            schedule(PERIOD_NANOS);
        }
    }

    private void schedule(long delayNanos) {
        scheduled = true;
        eventLoop.schedule(this::sweep, delayNanos, TimeUnit.NANOSECONDS);
    }

    private void sweep() {
        scheduled = false;
        if (left == 0) {
            left = candidates.size();
        }
        for (int looks = 0; looks < AT_ONCE && left > 0; looks++) {
            left--;
            NativeConnection connection = candidates.poll();
            if (connection != null && goesOn(connection)) {
                candidates.add(connection);
            }
        }
        if (left > 0) {
            schedule(PAUSE_NANOS);
        } else if (!candidates.isEmpty()) {
            schedule(PERIOD_NANOS);
        }
    }

    private static boolean goesOn(NativeConnection connection) {
        try {
            return connection.handOffIfQuiet();
        } catch (RuntimeException | Error e) {
            connection.fault(e);
            return false;
        }
    }
}
