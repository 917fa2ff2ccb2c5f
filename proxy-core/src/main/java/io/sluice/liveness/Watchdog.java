package io.sluice.liveness;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds threads that make no progress, and reports each once: in the log, to {@code /livez} and to the service manager.
 *
 * <p>Lives on a thread of its own, {@code sluice-watchdog}, which waits for no other: it reads volatile fields, and another
 * thread writes its lines and reads stacks, since the log may be what all threads wait for.
 */
public final class Watchdog implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);
    private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(1);
    private static final int FRAMES = 12;
    /** The most lines that wait to be written; more are dropped. */
    private static final int LINES = 64;

    private final Duration timeout;
    private final Duration interval;
    private final Supplier<List<? extends Watched>> threads;
    private final Consumer<List<Stall>> follower;
    private final StallDetector detector;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final ThreadPoolExecutor lines;
    private volatile List<Stall> stalls = List.of();
    private volatile Map<ThreadKind, Duration> still = Map.of();
    /** Replaced whole, on the watchdog's thread. */
    private volatile Map<ThreadKind, Long> stallsTotal = Map.of();

    /**
     * Watches nothing yet.
     *
     * @param timeout  the longest time without progress
     * @param seldom   the longest time between two looks
     * @param threads  the threads to watch, asked for at each look
     * @param follower receives the stalls at each look, on the watchdog's thread; must not wait for anything
     */
    public Watchdog(Duration timeout, Duration seldom, Supplier<List<? extends Watched>> threads,
            Consumer<List<Stall>> follower) {
        this.timeout = timeout;
        this.interval = Collections.min(List.of(timeout.dividedBy(4), seldom, LONGEST_INTERVAL));
        this.threads = threads;
        this.follower = follower;
        this.detector = new StallDetector(timeout, interval);
        this.lines = new ThreadPoolExecutor(0, 1, 10, TimeUnit.SECONDS, new ArrayBlockingQueue<>(LINES),
                Thread.ofPlatform().name("sluice-watchdog-log").daemon().factory(),
                new ThreadPoolExecutor.DiscardPolicy());
    }

    /** The time between two looks. */
    public Duration interval() {
        return interval;
    }

    /** Begins to look. */
    public void start() {
        Thread.ofPlatform().name("sluice-watchdog").daemon().start(FatalErrors.vital(this::run));
    }

    private void run() {
        try {
            while (!closed.await(interval.toNanos(), TimeUnit.NANOSECONDS)) {
                look();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        List<? extends Watched> watched = threads.get();
        List<StallDetector.Sample> samples = new ArrayList<>(watched.size());
        for (Watched each : watched) {
            Thread thread = each.thread();
            samples.add(new StallDetector.Sample(each.kind(), each.name(), each.progress(), each.busy(),
                    each.waitsFor(), thread != null && !thread.isAlive()));
        }
        List<StallDetector.Change> changes = detector.look(System.nanoTime(), Instant.now(), samples);
        stalls = detector.stalls();
        Map<ThreadKind, Duration> longest = new EnumMap<>(ThreadKind.class);
        watched.forEach(each -> longest.merge(each.kind(), detector.still(each.name()),
                (a, b) -> a.compareTo(b) < 0 ? b : a));
        still = longest;
        for (StallDetector.Change change : changes) {
            if (!change.over()) {
                Map<ThreadKind, Long> counted = new EnumMap<>(ThreadKind.class);
                counted.putAll(stallsTotal);
                counted.merge(change.stall().kind(), 1L, Long::sum);
                stallsTotal = counted;
            }
            Thread thread = watched.stream().filter(each -> each.name().equals(change.stall().thread())).findFirst()
                    .<@Nullable Thread>map(Watched::thread).orElse(null);
            lines.execute(() -> log(change, thread));
        }
        follower.accept(stalls);
    }

    private void log(StallDetector.Change change, @Nullable Thread thread) {
        Stall stall = change.stall();
        String who = stall.thread() + " (" + stall.kind().words() + ")";
        if (change.over()) {
            LOG.info("{} makes progress again, after {} s", who, change.lasted().toSeconds());
        } else if (stall.ended()) {
            LOG.error("{} has ended, which it should not; /livez fails until the process is started again", who);
        } else if (stall.waitsFor() != null) {
            LOG.error("{} has been waiting for {} since {} (for more than {} s); the last good state stays in force",
                    who,
                    stall.waitsFor(), stall.since().truncatedTo(ChronoUnit.SECONDS), timeout.toSeconds());
        } else {
            StackTraceElement[] stack = thread == null ? new StackTraceElement[0] : thread.getStackTrace();
            LOG.error("{} has made no progress since {} (for more than {} s); /livez fails until it does. It is at {}",
                    who,
                    stall.since().truncatedTo(ChronoUnit.SECONDS), timeout.toSeconds(),
                    stack.length == 0 ? "an unknown place" : FatalErrors.oneLine(stack, FRAMES));
        }
    }

    /** Threads that make no progress now. Any thread. */
    public List<Stall> stalls() {
        return closed.getCount() == 0 ? List.of() : stalls;
    }

    /** For how long the slowest thread of this kind has made no progress, at the last look. Any thread. */
    public Duration still(ThreadKind kind) {
        return still.getOrDefault(kind, Duration.ZERO);
    }

    /** How many stalls there were. Any thread. */
    public long stallsTotal(ThreadKind kind) {
        return stallsTotal.getOrDefault(kind, 0L);
    }

    /** Stops watching; forgets the stalls of the last look. */
    @Override
    public void close() {
        closed.countDown();
        lines.shutdown();
    }
}
