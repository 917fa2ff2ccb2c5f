package io.sluice.reconcile;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.PriorityQueue;
import java.util.concurrent.RejectedExecutionException;

/** A thread that runs when the test says, with a clock that the test moves. */
final class FakeControl implements ControlThread {
    private record Timer(long at, int order, Runnable task) {}

    final Deque<Runnable> tasks = new ArrayDeque<>();
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::at).thenComparingInt(Timer::order));
    private long now = Duration.ofHours(1).toNanos();
    private int order;
    boolean ended;

    @Override
    public void execute(Runnable task) {
        if (ended) {
            throw new RejectedExecutionException("ended");
        }
        tasks.add(task);
    }

    @Override
    public void schedule(Runnable task, long nanos) {
        timers.add(new Timer(now + nanos, order++, task));
    }

    @Override
    public long nanoTime() {
        return now;
    }

    void runOne() {
        tasks.remove().run();
    }

    void runAll() {
        while (!tasks.isEmpty()) {
            runOne();
        }
    }

    void pass(long nanos) {
        long until = now + nanos;
        runAll();
        while (!timers.isEmpty() && timers.peek().at() <= until) {
            Timer timer = timers.remove();
            now = timer.at();
            timer.task().run();
            runAll();
        }
        now = until;
    }
}
