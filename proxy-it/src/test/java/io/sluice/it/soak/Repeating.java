package io.sluice.it.soak;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Does something again and again until it is closed. */
final class Repeating implements Closeable {

    /** What is done. */
    interface Action {
        void run() throws IOException, InterruptedException;
    }

    private final Thread thread;
    private volatile boolean over;

    Repeating(String name, Duration pause, Failures failures, Action action) {
        thread = Thread.ofVirtual().name(name).start(() -> {
            while (!over) {
                try {
                    action.run();
                } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
                    failures.add(name, e);
                }
                LockSupport.parkNanos(pause.toNanos());
            }
        });
    }

    /** Returns when the last time is over. */
    @Override
    public void close() throws IOException {
        over = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }
}
