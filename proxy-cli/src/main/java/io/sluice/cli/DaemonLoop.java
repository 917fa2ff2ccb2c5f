package io.sluice.cli;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What signals do to a running daemon: SIGHUP reloads, the first SIGTERM or SIGINT drains, a second one ends at once.
 * Signals may come on any thread; {@link #run} works through them on its caller's.
 */
final class DaemonLoop {

    private static final Logger LOG = LoggerFactory.getLogger("sluice");

    /** The part of the daemon that signals act on. */
    interface Daemon {

        /** Looks at its sources again. */
        void reload();

        /** Refuses new connections and waits for the others; false if some had to be cut. */
        boolean drain();

        /** Ends at once, also while draining. */
        void close();
    }

    /** What a signal asks for. */
    enum Order {
        RELOAD, STOP, SUCCEEDED
    }

    private final Daemon daemon;
    private final boolean stays;
    private final BlockingQueue<Order> orders = new LinkedBlockingQueue<>();
    private final AtomicBoolean stopping = new AtomicBoolean();

    /**
     * For one daemon.
     *
     * @param stays whether to wait for a signal, doing nothing, after another daemon has taken over
     */
    DaemonLoop(Daemon daemon, boolean stays) {
        this.daemon = daemon;
        this.stays = stays;
    }

    /** Lets this process's signals act on the daemon. */
    void handleSignals() {
        Signals.on(this::stop, "TERM", "INT");
        Signals.on(this::reload, "HUP");
    }

    /** SIGHUP. */
    void reload() {
        orders.add(Order.RELOAD);
    }

    /** SIGTERM and SIGINT. The second time the daemon is closed on the caller's thread, whatever it is doing. */
    void stop() {
        if (stopping.compareAndSet(false, true)) {
            orders.add(Order.STOP);
        } else {
            LOG.warn("asked to stop again: ending at once");
            daemon.close();
        }
    }

    /** Another daemon has taken over: drains like a first signal, which may still come. */
    void succeeded() {
        orders.add(Order.SUCCEEDED);
    }

    /** Works until the daemon has stopped and, where it stays, a signal has come. */
    void run() throws InterruptedException {
        Order order = orders.take();
        while (order == Order.RELOAD) {
            LOG.info("reloading");
            daemon.reload();
            order = orders.take();
        }
        LOG.info("stopping: no new connections, waiting for established ones");
        if (daemon.drain()) {
            LOG.info("stopped, every connection had ended by itself");
        } else {
            LOG.warn("stopped, connections that had not ended were cut");
        }
        daemon.close();
        if (stays && order == Order.SUCCEEDED) {
            LOG.info("nothing is left to do, waiting for the signal to end");
            while (order != Order.STOP) {
                order = orders.take();
            }
        }
    }
}
