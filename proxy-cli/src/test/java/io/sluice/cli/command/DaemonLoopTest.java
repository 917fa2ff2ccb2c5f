package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.log.LogFormat;
import io.sluice.cli.log.LogLevel;
import io.sluice.cli.log.Logging;
import java.time.Duration;
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
    private final DaemonLoop loop = new DaemonLoop(() -> calls.add("abandon start"), Duration.ofSeconds(10));

    @BeforeEach
    void quietly() {
        Logging.set(LogFormat.TEXT, LogLevel.ERROR, false);
    }

    @Test
    void each_hangup_reloads_and_the_first_stop_drains() throws InterruptedException {
        drainsAtOnce = true;
        loop.reload();
        loop.reload();
        loop.stop();

        loop.run(daemon, false);

        assertThat(calls).containsExactly("reload", "reload", "drain", "close");
    }

    @Test
    void a_second_stop_ends_at_once_while_the_first_still_drains() throws InterruptedException {
        Thread runner = Thread.ofVirtual().start(() -> {
            try {
                loop.run(daemon, false);
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
    void a_daemon_that_was_succeeded_drains_and_ends() throws InterruptedException {
        drainsAtOnce = true;
        loop.succeeded();

        loop.run(daemon, false);

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void a_daemon_that_stays_drains_and_waits_for_the_signal() throws InterruptedException {
        drainsAtOnce = true;
        loop.succeeded();
        loop.reload();
        Thread runner = Thread.ofPlatform().start(() -> {
            try {
                loop.run(daemon, true);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        while (!calls.contains("close") || runner.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }

        loop.stop();
        runner.join();

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void a_daemon_that_stays_ends_with_the_signal_that_came_while_it_drained() throws InterruptedException {
        drainsAtOnce = true;
        loop.succeeded();
        loop.stop();

        loop.run(daemon, true);

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void a_daemon_that_stays_ends_at_once_if_it_was_not_succeeded() throws InterruptedException {
        drainsAtOnce = true;
        loop.stop();

        loop.run(daemon, true);

        assertThat(calls).containsExactly("drain", "close");
    }

    @Test
    void signals_that_come_while_the_daemon_starts_act_when_it_has_started() throws InterruptedException {
        drainsAtOnce = true;
        loop.reload();
        loop.stop();

        loop.run(daemon, false);

        assertThat(calls).containsExactly("reload", "drain", "close");
    }

    @Test
    void a_start_that_takes_long_is_abandoned_when_it_is_to_stop() throws InterruptedException {
        CountDownLatch abandoned = new CountDownLatch(1);
        DaemonLoop impatient = new DaemonLoop(abandoned::countDown, Duration.ofMillis(1));
        impatient.reload();
        assertThat(abandoned.getCount()).isEqualTo(1);
        impatient.stop();

        assertThat(abandoned.await(15, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void a_second_stop_while_it_starts_abandons_the_start_at_once() {
        loop.stop();
        assertThat(calls).isEmpty();

        loop.stop();

        assertThat(calls).containsExactly("abandon start");
    }
}
