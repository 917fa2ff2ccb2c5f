package io.sluice.it.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Descriptors;
import io.sluice.proxy.Transport;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The daemon for as long as {@code -Dsluice.soak.seconds=} says, an hour in the profile {@code nightly}. The transport,
 * the connections and the faults follow from a seed that is part of a failure's message; {@code -Dsluice.soak.seed=}
 * runs them again.
 */
class SoakIT {

    private static final Duration TIME = Duration.ofSeconds(Long.getLong("sluice.soak.seconds", 10));
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int FAULTS_AT_ONCE = 4;
    /** What pools of the event loops keep open once they were needed. */
    private static final long MORE_DESCRIPTORS = 32;
    /** A heap of 256 MiB, and as much for buffers and what the Java virtual machine takes for itself. */
    private static final long MEBIBYTES = 512;

    /** When in its round a fault begins, and for how long it is there. */
    private record Planned(Fault fault, Duration after, Duration lasts, long seed) {

        static Planned of(Fault fault, RandomGenerator random) {
            return new Planned(fault, Duration.ofMillis(random.nextInt(700)),
                    Duration.ofMillis(800 + random.nextInt(1_500)), random.nextLong());
        }

        @Override
        public String toString() {
            return fault + " after " + after.toMillis() + " ms for " + lasts.toMillis() + " ms";
        }

        void run(SoakedDaemon daemon) {
            try {
                LockSupport.parkNanos(after.toNanos());
                Closeable begun = fault.begin(daemon, random(seed));
                LockSupport.parkNanos(lasts.toNanos());
                begun.close();
            } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
                daemon.failures().add(fault.toString(), e);
            }
        }
    }

    @Test
    @Timeout(value = 6, unit = TimeUnit.HOURS)
    void no_connection_is_lost_and_nothing_is_left_behind_while_faults_come_and_go() throws Exception {
        long seed = Long.getLong("sluice.soak.seed", System.nanoTime());
        RandomGenerator random = random(seed);
        List<Transport> transports = Stream.of(Transport.EPOLL, Transport.IO_URING, Transport.NIO)
                .filter(Transport::available).toList();
        Transport transport = transports.get(random.nextInt(transports.size()));
        String run = "-Dsluice.soak.seed=" + seed + " (" + transport + ")";
        Failures failures = new Failures();
        CheckedLoad load = new CheckedLoad(failures);
        try (SoakedDaemon daemon = new SoakedDaemon(transport, load, failures)) {
            failures.withLog(() -> daemon.process().lines());
            daemon.probe();
            long descriptors = Descriptors.all(daemon.process().pid());
            load.start(daemon.checked(), random.nextLong());
            Closeable probes = new Repeating("/livez", Duration.ofMillis(100), failures, daemon::probe);
            try {
                soak(run, daemon, random);
            } finally {
                probes.close();
                load.stop();
            }
            failures.during("the end");
            failures.expectNone(run);
            load.awaitServers();
            failures.expectNone(run);
            assertThat(load.exchanges()).as(run).isPositive();
            nothingIsLeft(run, daemon, descriptors);
            assertThat(daemon.process().signal("TERM").exitCode()).as(run).isZero();
            assertThat(daemon.process().lines()).as(run + ": stack traces").noneMatch(line -> line.startsWith("\tat "));
        }
    }

    /** Every fault comes once before any comes again. */
    private static void soak(String run, SoakedDaemon daemon, RandomGenerator random) throws InterruptedException {
        Deque<Fault> next = new ArrayDeque<>();
        long end = System.nanoTime() + TIME.toNanos();
        for (int round = 1; System.nanoTime() < end; round++) {
            if (next.isEmpty()) {
                List<Fault> all = new ArrayList<>(List.of(Fault.values()));
                Collections.shuffle(all, Random.from(random));
                next.addAll(all);
            }
            List<Planned> several = new ArrayList<>();
            while (several.size() < FAULTS_AT_ONCE && !next.isEmpty()) {
                several.add(Planned.of(next.remove(), random));
            }
            daemon.failures().during("round " + round + " of " + several);
            List<Thread> running = several.stream().map(fault -> Thread.ofVirtual().start(() -> fault.run(daemon)))
                    .toList();
            for (Thread fault : running) {
                fault.join();
            }
            assertThat(daemon.process().running()).as(run + ": the process runs after " + several).isTrue();
            daemon.failures().expectNone(run);
        }
    }

    private static void nothingIsLeft(String run, SoakedDaemon daemon, long descriptors) {
        await(run).atMost(PATIENCE).untilAsserted(() -> {
            assertThat(daemon.process().admin("/api/v1/connections?limit=0")).contains("\"total\":0");
            assertThat(daemon.metric("sluice_buffered_bytes")).as("buffered bytes").isZero();
            assertThat(daemon.metric("sluice_source_current")).as("the manifests are current").isEqualTo(1);
            assertThat(Descriptors.all(daemon.process().pid())).as("descriptors")
                    .isLessThanOrEqualTo(descriptors + MORE_DESCRIPTORS);
            assertThat(daemon.residentMebibytes()).as("MiB in memory").isLessThanOrEqualTo(MEBIBYTES);
        });
    }

    private static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}
