package io.sluice.cli.up;

import io.sluice.daemon.StartException;
import io.sluice.env.HostNames;
import io.sluice.env.ServiceEnvironment;
import io.sluice.linux.ProcessGroups;
import io.sluice.liveness.ReportingExecutor;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Pod;
import io.sluice.service.ServiceName;
import io.sluice.source.probe.LocalReadiness;
import io.sluice.text.Printable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the programs running, until it stops: starts them, passes their output on, starts again what has ended. One thread of
 * its own, {@code sluice-up}, does all of that; {@link #stop} and {@link #kill} may be called by others.
 */
final class ProgramSupervisor {

    private static final Duration GRACE = Duration.ofSeconds(10);
    private static final Duration AFTER_KILL = Duration.ofSeconds(2);
    private static final int LOOK_MILLIS = 500;
    private static final int WAIT_MILLIS = 20;

    /** What the daemon knows when a program starts. */
    record Surroundings(ClusterSnapshot snapshot, int portOffset, String clusterDomain) {}

    /** One replica; confined to the thread. */
    private static final class Child {

        private Replica replica;
        private @Nullable Process process;
        private @Nullable ScheduledFuture<?> next;
        private boolean replaced;
        private Restarts restarts = Restarts.NONE;
        private boolean running;
        private boolean shownReady;
        private long startedNanos;

        Child(Replica replica) {
            this.replica = replica;
        }
    }

    private final List<Child> children = new ArrayList<>();
    private final ProgramLauncher launcher;
    private final LocalReadiness readiness;
    private final Map<String, String> environment;
    private final Supplier<Surroundings> surroundings;
    private final BiConsumer<Replica, String> output;
    private final ProgramEdits edits;
    private final Consumer<String> notices;
    private final ReportingExecutor thread = new ReportingExecutor("sluice-up");
    /** The leaders of the groups that may have processes. */
    private final Set<Long> groups = new HashSet<>();
    private boolean stopping;
    private long shownVersion = -1;

    /**
     * Starts nothing yet.
     *
     * @param environment what programs inherit
     * @param output      takes lines; any thread
     * @param edits       of the programs' file
     * @param notices     takes lines that are of no program
     */
    ProgramSupervisor(List<Replica> replicas, ProgramLauncher launcher, LocalReadiness readiness,
            Map<String, String> environment, Supplier<Surroundings> surroundings,
            BiConsumer<Replica, String> output, ProgramEdits edits, Consumer<String> notices) {
        replicas.forEach(replica -> children.add(new Child(replica)));
        this.launcher = launcher;
        this.readiness = readiness;
        this.environment = environment;
        this.surroundings = surroundings;
        this.output = output;
        this.edits = edits;
        this.notices = notices;
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /** Starts all programs soon. */
    void start() {
        thread.execute(() -> {
            names();
            children.forEach(this::run);
        });
        thread.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look() {
        names();
        follow();
        Map<ServiceName, String> notReady = readiness.notReady();
        for (Child child : children) {
            String why = notReady.get(child.replica.pod());
            if (child.running && (why == null) != child.shownReady) {
                child.shownReady = why == null;
                output.accept(child.replica, why == null ? "-- is ready" : "-- is not ready: " + why);
            }
        }
    }

    /** Starts the programs anew that an edit of their file has changed. */
    private void follow() {
        try {
            edits.look().ifPresent(this::replace);
        } catch (StartException e) {
            String.valueOf(e.getMessage()).lines()
                    .forEach(line -> notices.accept(line + "; the programs stay as they are"));
        }
    }

    private void replace(ProgramPlan plan) {
        Map<ServiceName, Replica> planned = new HashMap<>();
        plan.replicas().forEach(replica -> planned.put(replica.pod(), replica));
        boolean others = planned.size() != children.size();
        for (Child child : children) {
            Replica now = planned.get(child.replica.pod());
            if (now == null || !now.address().equals(child.replica.address())) {
                others = true;
            } else if (!now.program().runsAs(child.replica.program())) {
                child.replica = now;
                startAnew(child);
            }
        }
        if (others) {
            notices.accept(
                    "other workloads, replicas and ports of the programs' file count with the next start of sluice up");
        }
    }

    private void startAnew(Child child) {
        output.accept(child.replica, "-- has been edited, and starts anew");
        child.restarts = Restarts.NONE;
        ScheduledFuture<?> waiting = child.next;
        Process process = child.process;
        if (child.running && process != null) {
            child.replaced = true;
            ProcessGroups.signal(process.pid(), ProcessGroups.SIGTERM);
            thread.schedule(() -> {
                if (process.isAlive()) {
                    ProcessGroups.signal(process.pid(), ProcessGroups.SIGKILL);
                }
            }, GRACE.toMillis(), TimeUnit.MILLISECONDS);
        } else {
            if (waiting != null) {
                waiting.cancel(false);
            }
            run(child);
        }
    }

    /** The names of Services follow what the daemon has applied. */
    private void names() {
        Surroundings now = surroundings.get();
        if (now.snapshot().version() == shownVersion) {
            return;
        }
        TreeSet<String> namespaces = new TreeSet<>();
        children.forEach(child -> namespaces.add(child.replica.pod().namespace()));
        try {
            for (String namespace : namespaces) {
                launcher.names(namespace, HostNames.text(
                        HostNames.of(now.snapshot(), namespace, now.clusterDomain())));
            }
            shownVersion = now.snapshot().version();
        } catch (IOException e) {
            throw new IllegalStateException("the names of Services cannot be written", e);
        }
    }

    private void run(Child child) {
        if (isStopping()) {
            return;
        }
        Surroundings now = surroundings.get();
        Replica replica = child.replica;
        boolean links = now.snapshot().pods().stream()
                .filter(pod -> pod.namespace().equals(replica.pod().namespace())
                        && pod.name().equals(replica.pod().name()))
                .findFirst().map(Pod::serviceLinks).orElse(true);
        Map<String, String> services =
                ServiceEnvironment.here(now.snapshot(), replica.pod().namespace(), links, now.portOffset()).variables();
        child.startedNanos = System.nanoTime();
        try {
            Process process = launcher.start(replica, ProgramEnvironment.of(environment, services, replica));
            remember(process.pid());
            child.process = process;
            Thread.ofVirtual().name("sluice-up-output").start(() -> read(replica, process));
            process.onExit().thenRun(() -> execute(() -> ended(child, process)));
            child.running = true;
            readiness.started(replica.pod());
        } catch (IOException e) {
            again(child, "cannot be started: " + Printable.of(String.valueOf(e.getMessage()), 500));
        }
    }

    private void read(Replica replica, Process process) {
        try {
            ProgramOutput.copy(process.getInputStream(), line -> output.accept(replica, line));
        } catch (IOException e) {
            output.accept(replica,
                    "its output cannot be read any more: " + Printable.of(String.valueOf(e.getMessage())));
        }
    }

    private void ended(Child child, Process process) {
        if (isStopping()) {
            return;
        }
        // What it leaves behind would hold its port.
        ProcessGroups.signal(process.pid(), ProcessGroups.SIGKILL);
        forget(process.pid());
        if (child.replaced) {
            child.replaced = false;
            child.running = false;
            child.shownReady = false;
            readiness.stopped(child.replica.pod(), "its program starts anew");
            run(child);
            return;
        }
        if (child.replica.once() && process.exitValue() == 0) {
            child.running = false;
            output.accept(child.replica, "-- has done its work");
            readiness.stopped(child.replica.pod(), "its program has done its work");
            return;
        }
        again(child, Restarts.ended(process.exitValue()));
    }

    private void again(Child child, String what) {
        Duration ran = Duration.ofNanos(System.nanoTime() - child.startedNanos);
        child.restarts = child.restarts.after(ran);
        child.running = false;
        child.shownReady = false;
        Duration delay = child.restarts.delay();
        output.accept(child.replica, String.format(Locale.ROOT, "-- %s after %.1f s; starts again in %d s", what,
                ran.toMillis() / 1000.0, delay.toSeconds()));
        readiness.stopped(child.replica.pod(), "its program " + what);
        try {
            child.next = thread.schedule(() -> run(child), delay.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            stopping(); // it ends
        }
    }

    private void execute(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException e) {
            stopping(); // it ends
        }
    }

    private synchronized boolean isStopping() {
        return stopping;
    }

    private synchronized void stopping() {
        stopping = true;
    }

    /** A process that started while {@link #stop} looked is ended as the others are. */
    private synchronized void remember(long leader) {
        groups.add(leader);
        if (stopping) {
            ProcessGroups.signal(leader, ProcessGroups.SIGKILL);
        }
    }

    private synchronized void forget(long leader) {
        groups.remove(leader);
    }

    private synchronized Set<Long> living() {
        groups.removeIf(leader -> !ProcessGroups.signal(leader, 0));
        return Set.copyOf(groups);
    }

    /**
     * Ends all programs and everything that they have started: SIGTERM, and after 10 s SIGKILL. Returns when they have ended, or
     * after 2 s more.
     */
    void stop() {
        stopping();
        living().forEach(leader -> ProcessGroups.signal(leader, ProcessGroups.SIGTERM));
        if (!waited(GRACE)) {
            living().forEach(leader -> ProcessGroups.signal(leader, ProcessGroups.SIGKILL));
            waited(AFTER_KILL);
        }
        thread.shutdownNow();
    }

    /** Ends all of them at once; does not wait. */
    void kill() {
        stopping();
        living().forEach(leader -> ProcessGroups.signal(leader, ProcessGroups.SIGKILL));
        thread.shutdownNow();
    }

    /** Whether all have ended by then. */
    private boolean waited(Duration patience) {
        long latest = System.nanoTime() + patience.toNanos();
        while (!living().isEmpty()) {
            if (System.nanoTime() > latest) {
                return false;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }
}
