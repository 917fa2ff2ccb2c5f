package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What signals do, without sending any. */
@Timeout(20)
class DaemonLoopTest {

    private final List<String> calls = new CopyOnWriteArrayList<>();
    private final CountDownLatch draining = new CountDownLatch(1);
    private final CountDownLatch drained = new CountDownLatch(1);
    private boolean drainsAtOnce;

    private final DaemonLoop.Daemon daemon = new DaemonLoop.Daemon() {
        @Override
        public void reload() {
            calls.add("reload");
        }

        @Override
        public boolean drain() {
            calls.add("drain");
            draining.countDown();
            try {
                return drainsAtOnce || drained.await(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            calls.add("close");
            drained.countDown();
        }
    };
    private final DaemonLoop loop = new DaemonLoop(daemon, false);

    @BeforeEach
    void quietly() {
        Logging.set(LogFormat.TEXT, LogLevel.ERROR, false);
    }

    @Test
    void eachHangupReloadsAndTheFirstStopDrains() throws InterruptedException {
        drainsAtOnce = true;
        loop.reload();
        loop.reload();
        loop.stop();

        loop.run();

        assertThat(calls).containsExactly("reload", "reload", "drain", "close");
    }

    @Test
    void aSecondStopEndsAtOnceWhileTheFirstStillDrains() throws InterruptedException {
        Thread runner = Thread.ofVirtual().start(() -> {
            try {
                loop.run();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        loop.stop();
        draining.await();
        assertThat(calls).containsExactly("drain");

        loop.stop();
        runner.join();

        assertThat(calls).containsExactly("drain", "close", "close");
    }

    @Test
    void aDaemonThatWasSucceededDrainsAndEnds() throws InterruptedException {
        drainsAtOnce = true;
        loop.succeeded();

        loop.run();

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void aDaemonThatStaysDrainsAndWaitsForTheSignal() throws InterruptedException {
        drainsAtOnce = true;
        DaemonLoop staying = new DaemonLoop(daemon, true);
        staying.succeeded();
        staying.reload();
        Thread runner = Thread.ofPlatform().start(() -> {
            try {
                staying.run();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        while (!calls.contains("close") || runner.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }

        staying.stop();
        runner.join();

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void aDaemonThatStaysEndsWithTheSignalThatCameWhileItDrained() throws InterruptedException {
        drainsAtOnce = true;
        DaemonLoop staying = new DaemonLoop(daemon, true);
        staying.succeeded();
        staying.stop();

        staying.run();

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void aDaemonThatStaysEndsAtOnceIfItWasNotSucceeded() throws InterruptedException {
        drainsAtOnce = true;
        DaemonLoop staying = new DaemonLoop(daemon, true);
        staying.stop();

        staying.run();

        assertThat(calls).containsExactly("drain", "close");
    }
}
