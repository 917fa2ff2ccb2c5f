package io.sluice.proxy;

import io.sluice.connection.ConnectionLimits;
import io.sluice.connection.HandoffResult;
import io.sluice.connection.Termination;
import io.sluice.liveness.Faults;
import io.sluice.linux.KernelSettings;
import io.sluice.linux.RawAcknowledgements;
import io.sluice.linux.SocketName;
import io.sluice.linux.TcpCalls;
import io.sluice.metrics.EndpointMeters;
import io.sluice.netlink.Conntrack;
import io.sluice.netlink.TrackedConnection;
import io.sluice.netlink.TrackedConnection.Tuple;
import io.sluice.proxy.ConnectionTaps.What;
import io.sluice.proxy.KernelConnection.Before;
import io.sluice.proxy.ProxiedConnection.AcceptedClient;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HandoffPolicy;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections that were handed to the kernel: looks every two seconds at the kernel's table, counts what has passed, and
 * finds those that have ended. It finds those of the process before as well. Any thread, but for what says otherwise.
 */
public final class KernelConnections implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(KernelConnections.class);

    private static final int PERIOD_SECONDS = 2;
    /** With a period, shorter than the kernel keeps a connection that was reset (nf_conntrack_tcp_timeout_close, 10 s). */
    private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(6);
    /** How many times as long as a look has taken the thread rests after it. */
    private static final int REST = 20;
    /** By itself the kernel forgets one of which one side has finished after a minute (nf_conntrack_tcp_timeout_close_wait). */
    private static final int KEPT_SECONDS = 120;
    private static final Path SETTINGS = Path.of("/proc/sys/net/netfilter");
    private static final long ESTABLISHED_SECONDS = 432_000;

    private final DataPath dataPath;
    private final HandoffMarks marks;
    private final boolean handsOver;
    private final Map<Tuple, KernelConnection> open = new ConcurrentHashMap<>();
    private final Map<HandoffResult, LongAdder> results = Arrays.stream(HandoffResult.values())
            .collect(Collectors.toUnmodifiableMap(Function.identity(), result -> new LongAdder()));
    private final Map<String, LongSupplier> attempts = results.entrySet().stream()
            .collect(Collectors.toUnmodifiableMap(each -> each.getKey().label(), each -> each.getValue()::sum));
    private final ScheduledExecutorService looking = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "sluice-kernel-connections");
        thread.setDaemon(true);
        return thread;
    });
    /** Guarded by itself. */
    private final RecentConnections recent;
    private final RepeatedWarning failed = new RepeatedWarning(LOG);
    private final AtomicInteger looks = new AtomicInteger();
    private volatile @Nullable InterceptedPorts ports;
    private volatile boolean roomy = true;
    private volatile long establishedSeconds = ESTABLISHED_SECONDS;
    /** What was found and is not known; it may have been handed over this moment. Only the looking thread. */
    private Set<Tuple> strangers = Set.of();
    private boolean toldOfFull;
    /** Of {@link System#nanoTime}. Only the looking thread. */
    private long restsUntil = System.nanoTime();

    /**
     * Looks at nothing yet.
     *
     * @param settings when connections are handed over, and their marks
     */
    KernelConnections(DataPath dataPath, HandoffSettings settings) {
        this.dataPath = dataPath;
        this.marks = settings.marks();
        this.handsOver = settings.policy() != HandoffPolicy.NEVER;
        this.recent = new RecentConnections(handsOver ? RecentConnections.ALL : 1);
    }

    /** Why nothing can be handed over here, in one line. */
    public static Optional<String> whyNot() {
        if (KernelSettings.number(Path.of("/proc/sys/net/ipv4/ip_forward")).orElse(0) == 0
                && KernelSettings.number(Path.of("/proc/sys/net/ipv6/conf/all/forwarding")).orElse(0) == 0) {
            return Optional.of("this node forwards no packets (net.ipv4.ip_forward)");
        }
        try {
            Conntrack.open().close();
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /** Why nothing can be handed over at once here, in one line: clients have to be told when they may send. */
    public static Optional<String> whyNotAtOnce() {
        try {
            RawAcknowledgements.open(new TcpCalls(), 0).close();
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(e.getMessage() + "; it needs CAP_NET_RAW");
        }
    }

    /** Begins to look, if anything is handed over. */
    void start() {
        if (!handsOver) {
            return;
        }
        looking.scheduleWithFixedDelay(Faults.reported("looking at the kernel's connections", this::lookUnlessResting),
                0, PERIOD_SECONDS, TimeUnit.SECONDS);
    }

    private void lookUnlessResting() {
        long begun = System.nanoTime();
        if (begun - restsUntil >= 0) {
            look();
            long took = System.nanoTime() - begun;
            restsUntil = begun + took + Math.min(REST * took, LONGEST_NANOS);
        }
    }

    /** The Services of addresses, for connections that another process has handed over. */
    void ports(InterceptedPorts all) {
        ports = all;
    }

    /** Where the kernel may be asked, which takes a while. */
    Executor executor() {
        return looking;
    }

    /** Whether the kernel's table has room: near its limit nothing is handed over. */
    boolean hasRoom() {
        return roomy;
    }

    /** After how many seconds the kernel forgets a connection of which no packet comes. */
    int establishedSeconds() {
        return Math.toIntExact(Math.min(Integer.MAX_VALUE, establishedSeconds));
    }

    /** Counts an attempt to hand a connection over. */
    void count(HandoffResult result) {
        Objects.requireNonNull(results.get(result)).increment();
    }

    /** How many attempts have ended so, by the label of their {@link HandoffResult}. */
    public Map<String, LongSupplier> attempts() {
        return attempts;
    }

    /** How many connections the kernel has. */
    public int size() {
        return open.size();
    }

    /** How many looks have begun. */
    int looks() {
        return looks.get();
    }

    /** The kernel has one more; one of the same client's port that nobody has looked at since has ended. */
    void add(KernelConnection connection) {
        KernelConnection before = open.put(connection.original(), connection);
        if (before != null) {
            ended(before, Termination.KERNEL_NORMAL);
        }
    }

    List<ConnectionView> views(int limit) {
        long now = dataPath.now();
        return open.values().stream().limit(limit).map(connection -> connection.view(now)).toList();
    }

    /** The one that is meant: an open one, else the newest that has ended; null for none. */
    @Nullable
    ConnectionDetail find(ConnectionFilter filter) {
        long now = dataPath.now();
        for (KernelConnection connection : open.values()) {
            if (connection.meant(filter)) {
                return connection.detail(now);
            }
        }
        synchronized (recent) {
            EndedConnection last = recent.newest(filter);
            return last == null
                    ? null
                    : last.detail(Instant.now().minusNanos(now - last.acceptedAt())
                            .truncatedTo(ChronoUnit.MILLIS));
        }
    }

    /** Ends those that are meant: each side is reset with its next packet. Waits for the kernel; returns their number. */
    int kill(ConnectionFilter filter) {
        List<KernelConnection> meant = open.values().stream().filter(one -> one.meant(filter)).toList();
        return meant.isEmpty() ? 0 : forget(meant, Termination.KERNEL_ORDERED);
    }

    private int forget(List<KernelConnection> all, Termination termination) {
        try (Conntrack kernel = Conntrack.open()) {
            kernel.forget(all.stream().map(KernelConnection::original).toList());
        } catch (IOException e) {
            warn(e);
            return 0;
        }
        return (int) all.stream().filter(connection -> end(connection, termination)).count();
    }

    private void warn(IOException e) {
        failed.warn("the kernel cannot be asked for the connections that it has: " + e.getMessage(), dataPath.now());
    }

    /** Whether it had not ended before. */
    private boolean end(KernelConnection connection, Termination termination) {
        if (!open.remove(connection.original(), connection)) {
            return false;
        }
        ended(connection, termination);
        return true;
    }

    private void ended(KernelConnection connection, Termination termination) {
        long now = dataPath.now();
        EndedConnection last = connection.ended(termination, now);
        synchronized (recent) {
            recent.add(last);
        }
        if (dataPath.taps().on()) {
            dataPath.taps().tell(What.CLOSED, last.detail(connection.accepted(now)), System.nanoTime());
        }
        if (dataPath.accessLog().enabled()) {
            dataPath.accessLog().log(last.forLog());
        }
    }

    private void look() {
        establishedSeconds = setting("nf_conntrack_tcp_timeout_established", ESTABLISHED_SECONDS);
        long limit = setting("nf_conntrack_max", Long.MAX_VALUE);
        roomy = setting("nf_conntrack_count", 0) < limit - limit / 10;
        if (!roomy && !toldOfFull) {
            LOG.warn("the kernel's table of connections is nearly full (net.netfilter.nf_conntrack_max = {}): no"
                    + " connection is handed over until there is room", limit);
        }
        toldOfFull = !roomy;
        try (Conntrack kernel = Conntrack.open()) {
            look(kernel);
        } catch (IOException e) {
            warn(e);
        }
    }

    private void look(Conntrack kernel) throws IOException {
        int number = looks.incrementAndGet();
        Look look = new Look(number);
        kernel.list(marks.handed(), marks.pending(), look::at);
        strangers = look.unknown;
        if (!look.ended.isEmpty()) {
            // From now on as ones that the kernel has led: nobody looks at them any more.
            kernel.mark(look.ended, marks.ended());
        }
        for (KernelConnection connection : open.values()) {
            if (connection.isMissing(number)) {
                end(connection, connection.missing());
            }
        }
        if (!look.halfClosed.isEmpty()) {
            kernel.keep(look.halfClosed, KEPT_SECONDS);
        }
        if (!look.idle.isEmpty()) {
            forget(look.idle, Termination.KERNEL_IDLE);
        }
    }

    /** What one look at the table finds. */
    private final class Look {

        private final int number;
        private final long begun = dataPath.now();
        private final ConnectionLimits limits = dataPath.limits();
        private final Set<Tuple> unknown = new HashSet<>();
        private final List<Tuple> ended = new ArrayList<>();
        private final List<KernelConnection> idle = new ArrayList<>();
        private final List<Tuple> halfClosed = new ArrayList<>();

        private Look(int number) {
            this.number = number;
        }

        private void at(TrackedConnection now) {
            KernelConnection connection = open.get(now.original());
            if (connection == null && strangers.contains(now.original())) {
                connection = adopt(now);
            }
            if (connection == null) {
                unknown.add(now.original());
                return;
            }
            connection.seen(now, begun, number);
            if (!now.isOpen()) {
                ended.add(now.original());
                end(connection, now.state() == TrackedConnection.State.RESET
                        ? Termination.KERNEL_RESET
                        : Termination.KERNEL_NORMAL);
            } else if (connection.idleNanos() >= longestIdle(now.state())) {
                idle.add(connection);
            } else if (now.state() == TrackedConnection.State.HALF_CLOSED && now.timeoutSeconds() < KEPT_SECONDS / 2) {
                halfClosed.add(now.original());
            }
        }

        private long longestIdle(TrackedConnection.State state) {
            return state == TrackedConnection.State.ESTABLISHED
                    ? limits.idleTimeout()
                    : Math.min(limits.idleTimeout(), limits.halfCloseTimeout());
        }
    }

    /** One that another process has handed over; null if its address belongs to no Service. */
    private @Nullable KernelConnection adopt(TrackedConnection found) {
        InterceptedPorts known = ports;
        InetSocketAddress listener = found.original().destination();
        InetSocketAddress client = found.original().source();
        Destination destination = known == null ? null : known.find(SocketName.of(listener));
        if (destination == null) {
            return null;
        }
        ServicePortTargets port = destination.port();
        AcceptedClient accepted = new AcceptedClient(dataPath.nextId(), port, listener, dataPath.origins().traffic(
                destination.kind().external(), client.getAddress(), listener.getAddress()), client);
        EndpointAddress endpoint =
                new EndpointAddress(found.reply().source().getAddress(), found.reply().source().getPort());
        EndpointMeters meters = meters(port, accepted, endpoint);
        port.meters().accepted();
        if (meters != null) {
            meters.opened();
        }
        KernelConnection adopted = new KernelConnection(looks(), new Before(accepted, endpoint, meters, List.of(), 0,
                !found.reply().destination().getAddress().equals(client.getAddress()), dataPath.now(), -1, 0, 0));
        add(adopted);
        return adopted;
    }

    private static @Nullable EndpointMeters meters(ServicePortTargets port, AcceptedClient accepted,
            EndpointAddress endpoint) {
        ServicePortTargets.Targets targets =
                port.targets(IpFamily.of(accepted.listener().getAddress()), accepted.traffic());
        for (int i = 0; i < targets.meters().size(); i++) {
            if (targets.pool().endpoints().get(i).address().equals(endpoint)) {
                return targets.meters().get(i);
            }
        }
        return null;
    }

    private static long setting(String name, long otherwise) {
        return KernelSettings.number(SETTINGS.resolve(name)).orElse(otherwise);
    }

    /** Looks no more; the kernel keeps the connections. */
    @Override
    public void close() {
        looking.shutdownNow();
    }
}
