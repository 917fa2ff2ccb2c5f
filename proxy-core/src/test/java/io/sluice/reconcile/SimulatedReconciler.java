package io.sluice.reconcile;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.Ejections;
import io.sluice.balance.PreservedTraffic;
import io.sluice.dns.zone.Lookup;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.Zone;
import io.sluice.dns.zone.ZoneSettings;
import io.sluice.history.Journal;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.node.ServiceAddresses;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.ProbeAnswer;
import io.sluice.proxy.ProbeResult;
import io.sluice.proxy.SimulatedFlows;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.BalancerKind;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import io.sluice.simulation.SimulatedExecutor;
import io.sluice.simulation.World;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Name;
import org.xbill.DNS.TextParseException;

/** The reconciler of a simulated daemon: the real one, over a simulated kernel, with its real claims, listeners and routing. */
public final class SimulatedReconciler {

    /** Whoever does not answer is out for ten seconds at first, a minute at the most. */
    public static final Ejections.Rules EJECTION = new Ejections.Rules(Duration.ofSeconds(10), Duration.ofSeconds(60),
            50);

    private static final long SECOND = 1_000_000_000L;

    private final SimulatedExecutor control;
    private final Reconciler reconciler;
    private Zone zone;

    /**
     * Applies nothing yet.
     *
     * @param netfilter intercepts connections; null if processes listen at the addresses of Services
     * @param alive     whether an endpoint takes connections
     */
    public SimulatedReconciler(World world, SimulatedKernel.ProcessSockets kernel,
            @Nullable SimulatedNetfilter netfilter, SimulatedRoutes routes, ServiceAddresses addresses,
            Predicate<EndpointAddress> alive) {
        control = new SimulatedExecutor(world);
        zone = Zone.unsynced(new ZoneSettings(origin(), 5, PodRecords.OFF, List.of(), List.of()));
        List<Cidr> pods = List.of(Cidr.parse("10.244.0.0/16"), Cidr.parse("fd00:244::/64"));
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        Surroundings around = new Surroundings(control, new Time(world, control), new Reader(routes), kernel::origins,
                ports -> netfilter != null
                        ? new InterceptionSet(new SimulatedGround(kernel, netfilter), ports, true, pods, control)
                        : new ListenerSet(kernel::listen, new DatagramSet(kernel::receive, ports), ports),
                new NoSources(), (endpoint, proxyProtocol) -> later(world,
                        () -> alive.test(endpoint) ? ProbeResult.ANSWERED : ProbeResult.SILENT),
                (endpoint, check, proxyProtocol) -> later(world, () -> new ProbeAnswer(ProbeResult.ANSWERED, "")),
                SimulatedFlows.SETTINGS, filter -> {}, world.random("checks"), world.random("turns")::nextInt);
        reconciler = new Reconciler(around, new ProxyMetrics(registry, 1_000, 0, Runnable::run),
                new SyncMetrics(registry), addresses, netfilter != null, 0,
                new Balancing(BalancerKind.ROUND_ROBIN, pods, 1_000, EJECTION), new Journal());
        reconciler.followers().add(new Names());
    }

    private static <T> CompletableFuture<T> later(World world, java.util.function.Supplier<T> answer) {
        CompletableFuture<T> asked = new CompletableFuture<>();
        world.after(SECOND / 100, () -> asked.complete(answer.get()));
        return asked;
    }

    private static Name origin() {
        try {
            return Name.fromString("cluster.local.");
        } catch (TextParseException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes a snapshot of the source. */
    public void submit(ClusterSnapshot snapshot) {
        CompletableFuture<Void> _ = reconciler.submit(snapshot);
    }

    /** What is applied. */
    public Optional<AppliedState> state() {
        return reconciler.state();
    }

    /** Whether DNS gives out a Service's name, with this address. */
    public boolean knowsName(String namespace, String service, String ip) {
        try {
            Name name = Name.fromString(service + "." + namespace + ".svc.cluster.local.");
            return zone.find(name) instanceof Lookup.Present present && present.node().toString()
                    .contains(IpAddresses.parse(ip).getHostAddress());
        } catch (TextParseException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** The kernel says that addresses or routes of the node have changed. */
    public void nodeChanged() {
        reconciler.nodeChanged(java.util.EnumSet.allOf(io.sluice.node.NodeWatch.Change.class));
    }

    /** Who owns the sockets while one daemon follows another. */
    public SocketOwnership sockets() {
        return reconciler.sockets();
    }

    /**
     * The last connection has ended: what was set up in the kernel is removed.
     *
     * @param othersServe another process goes on with it
     */
    public void end(boolean othersServe) {
        reconciler.end(false, othersServe);
    }

    /** The process is killed. */
    public void kill() {
        control.kill();
    }

    /** The process is asked to end. */
    public void stop() {
        CompletableFuture<Void> _ = reconciler.stop();
    }

    /** Whether the reconciler says of an address that it is open, or why it is not. */
    public Optional<ListenerState> listener(InetSocketAddress address) {
        return state().flatMap(applied -> applied.ports().values().stream().flatMap(port -> port.listeners().stream())
                .filter(listener -> listener.address().equals(address)).findFirst());
    }

    private record Time(World world, SimulatedExecutor control) implements ControlThread {
        @Override
        public void schedule(Runnable task, long nanos) {
            control.schedule(task, nanos, java.util.concurrent.TimeUnit.NANOSECONDS);
        }

        @Override
        public void execute(Runnable task) {
            control.execute(task);
        }

        @Override
        public long nanoTime() {
            return world.nanoTime();
        }
    }

    private record Reader(SimulatedRoutes routes) implements NodeAddresses {
        @Override
        public Collection<InetAddress> addresses() {
            return routes.addresses();
        }

        @Override
        public List<Cidr> networks() {
            return List.of(Cidr.parse("192.0.2.0/24"), Cidr.parse("2001:db8::/64"));
        }

        @Override
        public List<InetAddress> nodePorts() {
            return routes.addresses().stream().filter(ip -> !ip.isLoopbackAddress())
                    .sorted(IpAddresses.ORDER).toList();
        }
    }

    /** Endpoints see the proxy's address. */
    private static final class NoSources implements SourcePreservation {
        @Override
        public boolean provide(ClusterSnapshot snapshot) {
            return false;
        }

        @Override
        public PreservedTraffic of(Service service) {
            return PreservedTraffic.NONE;
        }

        @Override
        public PreservedTraffic ofDatagrams(Service service) {
            return PreservedTraffic.NONE;
        }

        @Override
        public boolean inUse() {
            return false;
        }

        @Override
        public void close(boolean keep) {
            // Nothing was set up.
        }
    }

    /** As {@link DnsFollower}, without sockets. */
    private final class Names implements AppliedFollower {
        @Override
        public void publish(ClusterSnapshot snapshot, ChangeScope scope) {
            if (scope.concernsNames()) {
                zone = zone.with(snapshot, snapshot.podAddresses());
            }
        }
    }
}
