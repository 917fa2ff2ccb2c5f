package io.sluice.cli.command;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handles signals to the daemon: SIGHUP reloads, the first SIGTERM or SIGINT drains, a second one ends at once. Signals may
 * arrive on any thread, and before there is a daemon; {@link #run} handles them on its caller's thread.
 */
public final class DaemonLoop {

    /** The part of the daemon that signals act on. */
    interface Daemon {

        /** Reads its sources again. */
        void reload();

        /** Refuses new connections and waits for established ones; false if some had to be reset. */
        boolean drain();

        /** Ends at once, also while draining. */
        void close();
    }

    /** The request of a signal. */
    enum Order {
        RELOAD, STOP, SUCCEEDED
    }

    /** How long a start may go on after SIGTERM, so that it ends in order. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(2);

    private final Runnable abandonStart;
    private final Duration startPatience;
    private final BlockingQueue<Order> orders = new LinkedBlockingQueue<>();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final CountDownLatch started = new CountDownLatch(1);
    private volatile @Nullable Daemon daemon;

    /**
     * Creates a handler for one daemon that has not started yet.
     *
     * @param abandonStart ends the process while it starts: called when SIGTERM or SIGINT has arrived and the daemon does
     *                     not start soon, or when it has arrived twice
     */
    public DaemonLoop(Runnable abandonStart) {
        this(abandonStart, START_PATIENCE);
    }

    public DaemonLoop(Runnable abandonStart, Duration startPatience) {
        this.abandonStart = abandonStart;
        this.startPatience = startPatience;
    }

    /** Handles the signals of this process from now on. */
    public void handleSignals() {
        Signals.on(this::stop, "TERM", "INT");
        Signals.onEvenIfIgnored(this::reload, "HUP", "TERM");
    }

    /** SIGHUP. */
    void reload() {
        orders.add(Order.RELOAD);
    }

    /**
     * SIGTERM and SIGINT. The second one closes the daemon on the caller's thread, whatever it is doing. A start may finish, so
     * that it is undone in order, but not for long.
     */
    void stop() {
        if (stopping.compareAndSet(false, true)) {
            orders.add(Order.STOP);
            if (daemon == null) {
                Thread.ofPlatform().name("sluice-stop").daemon().start(this::abandonUnlessStarted);
            }
            return;
        }
        log().warn("asked to stop again: ending at once");
        Daemon running = daemon;
        if (running == null) {
            abandonStart.run();
        } else {
            running.close();
        }
    }

    private void abandonUnlessStarted() {
        try {
            if (!started.await(startPatience.toMillis(), TimeUnit.MILLISECONDS)) {
                log().warn("asked to stop, and the start takes long: ending at once");
                abandonStart.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Another daemon has taken over: drains as for a first signal, which may still arrive. */
    void succeeded() {
        orders.add(Order.SUCCEEDED);
    }

    /**
     * Handles the signals of a daemon that has started; earlier ones are handled now. Returns when it has stopped and, if it
     * stays, a signal has arrived.
     *
     * @param stays whether to wait for a signal, doing nothing, after another daemon has taken over
     */
    void run(Daemon running, boolean stays) throws InterruptedException {
        daemon = running;
        started.countDown();
        Order order = orders.take();
        while (order == Order.RELOAD) {
            log().info("reloading");
            running.reload();
            order = orders.take();
        }
        log().info("stopping: no new connections, waiting for established ones");
        if (running.drain()) {
            log().info("stopped, every connection had ended by itself");
        } else {
            log().warn("stopped, connections that had not ended were cut");
        }
        running.close();
        if (stays && order == Order.SUCCEEDED) {
            log().info("nothing is left to do, waiting for the signal to end");
            while (order != Order.STOP) {
                order = orders.take();
            }
        }
    }

    /** Not a field: this class is loaded before logging is set up, and must cost no time then. */
    private static Logger log() {
        return LoggerFactory.getLogger("sluice");
    }
}
