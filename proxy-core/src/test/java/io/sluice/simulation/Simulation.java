package io.sluice.simulation;

import io.sluice.connection.SimulatedConnections;
import io.sluice.handover.SimulatedHandover;
import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.SimulatedFlows;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.simulation.Cluster.Item;
import io.sluice.simulation.Cluster.Node;
import io.sluice.simulation.Cluster.Slice;
import io.sluice.simulation.Cluster.Svc;
import io.sluice.simulation.NaiveRules.Backend;
import io.sluice.source.kubernetes.SimulatedApiServer;
import io.sluice.source.kubernetes.SimulatedApiServer.Condition;
import io.sluice.source.kubernetes.SimulatedSource;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One history: a cluster that changes, a machine, a daemon, and all that goes wrong between them. In the end everything is
 * well again, the daemon has to be equal to the cluster, and to leave nothing behind.
 */
final class Simulation {

    /** The ranges of cluster addresses, if the daemon is told of them. */
    static final List<String> RANGES = List.of("10.96.0.0/24", "fd00:96::/112");

    static final long SECOND = 1_000_000_000L;
    /** The time within which a change of the cluster is applied while nothing is wrong. */
    private static final long SETTLES = 4 * SECOND;
    /** The time within which the daemon equals the cluster after the API server is well again. */
    static final long HEALS = 8 * 60 * SECOND;
    /** The same after the kernel is. */
    private static final long KERNEL_HEALS = 45 * SECOND;

    /** How long a daemon that ends waits for its connections, at the most. */
    private static final long DRAINS = 30 * SECOND;

    private static final Svc KUBERNETES = Svc.plain("default", "kubernetes", "10.96.0.1", 443, Tenants.LONG_AGO);

    private final World world;
    private final Plan plan;
    private final RandomGenerator random;
    private final SimulatedApiServer api;
    private final SimulatedRoutes routes = new SimulatedRoutes(List.of("192.0.2.7", "2001:db8::7"));
    private final SimulatedDisk disk = new SimulatedDisk();
    private final Pods pods;
    private final SimulatedKernel kernel;
    private final @Nullable SimulatedNetfilter netfilter;
    private final Truth ever = new Truth();
    private final Truth truth = new Truth();
    private final Expectations expectations;
    private final Tenants tenants;
    private final Troubles troubles;
    private final List<String> ranges;
    /** Those of daemons that end, or were killed. */
    private final List<SimulatedConnections> ending = new ArrayList<>();
    private final Set<String> served = new HashSet<>();
    /** How often a Service has changed, and how often an endpoint of it kept flows no more. */
    private final Map<String, Integer> changes = new HashMap<>();
    private SimulatedDaemon daemon;
    private SimulatedHandover handover;
    private @Nullable Succession succession;
    private @Nullable AppliedState seen;
    /** Every address that the API server has ever had. */
    private final Set<String> apiServers = new HashSet<>();
    private int stores;
    private long changedAt;
    private long apiWellAt;
    private long kernelWellAt;

    private Simulation(Plan plan, boolean recorded) {
        FaultLog.begin();
        this.plan = plan;
        world = new World(plan, recorded);
        random = world.random("actions");
        api = new SimulatedApiServer(world);
        pods = new Pods(world);
        netfilter = world.random("interception").nextInt(3) == 0 ? new SimulatedNetfilter(world) : null;
        kernel = new SimulatedKernel(world, pods::alive, netfilter);
        expectations = new Expectations(world, ever, truth, kernel, netfilter, routes, pods);
        tenants = new Tenants(world, this::put, this::delete);
        troubles = new Troubles(world, this);
        ranges = world.random("range").nextBoolean() ? RANGES : List.of();
        put(KUBERNETES);
        put(Tenants.apiServers(List.of("192.0.2.100")));
        put(new Node(Cluster.NODE, "a", List.of("192.0.2.7", "2001:db8::7")));
        put(new Node(Cluster.OTHER_NODE, "b", List.of("192.0.2.9", "2001:db8::9")));
        for (int i = random.nextInt(6); i > 0; i--) {
            tenants.change(random);
        }
        daemon = begin(false);
        handover = handover();
    }

    private SimulatedHandover handover() {
        SimulatedDaemon old = daemon;
        return new SimulatedHandover(world, old.reconciler().sockets(), () -> {
            if (succession != null) {
                old.process().passFlows(succession.daemon().process());
            }
        });
    }

    private SimulatedDaemon begin(boolean follows) {
        return new SimulatedDaemon(world, api, kernel, netfilter, routes, disk, ranges, pods, this::asked, follows);
    }

    /** Credentials go to the API server, and to nobody else. */
    private void asked(String server) {
        world.check(server.equals(SimulatedSource.SERVER) || apiServers.contains(server),
                () -> "the credentials went to " + server);
    }

    /** Plays a history. Returns what was kept of it. */
    static List<String> play(Plan plan, boolean recorded) {
        Simulation simulation = new Simulation(plan, recorded);
        try {
            simulation.play();
        } finally {
            simulation.kill();
        }
        return simulation.world.history();
    }

    /** The history of a plan that fails, and why. */
    static String story(Plan plan) {
        Simulation simulation = new Simulation(plan, true);
        try {
            simulation.play();
        } catch (AssertionError | RuntimeException e) {
            simulation.world.note(() -> "ENDS " + e);
            return String.join("\n", simulation.world.history());
        } finally {
            simulation.kill();
        }
        return "it does not fail when it is repeated";
    }

    private void play() {
        for (int action = 0; action < plan.actions(); action++) {
            pass(random.nextLong(random.nextInt(16) == 0 ? 10 * 60 * SECOND : 20 * SECOND));
            checkIfQuiet();
            act();
        }
        troubles.end();
        if (succession != null) {
            succession.beWell();
        }
        pass((apiWellAt == 0 ? 3 * KERNEL_HEALS : HEALS) + SETTLES);
        world.check(daemon.source().current(), () -> "the view is not current in the end");
        checkIfQuiet();
        leaveNothing();
    }

    private void leaveNothing() {
        truth.now(Svc.class).forEach(this::delete);
        truth.now(Slice.class).forEach(this::delete);
        // An empty list counts after a grace, an event at once.
        pass(60 * SECOND);
        world.check(kernel.listening().isEmpty(), () -> "listeners are left: " + kernel.listening());
        world.check(daemon.process().flows() == 0, () -> "flows are left: " + daemon.process().flows());
        for (int i = 0; i < 3; i++) {
            daemon.connections().accept(0, true, false);
        }
        pass(random.nextLong(10 * SECOND));
        daemon.stop();
        end(daemon.connections());
        for (int i = 0; i < 16; i++) {
            world.run(DRAINS / 8, () -> {});
            review();
        }
        world.run(2 * DRAINS, () -> {});
        review();
        world.check(ending.isEmpty(), () -> "connections are left");
        daemon.end(false);
        world.check(routes.routes().isEmpty(), () -> "routes are left: " + routes.routes());
        world.check(netfilter == null || netfilter.left().isEmpty(),
                () -> "interception leaves " + netfilter.left());
        pass(60 * SECOND);
        world.check(daemon.source().ended(), () -> "a thread of the daemon goes on");
        pass(0);
    }

    private void kill() {
        if (succession != null) {
            succession.die();
        }
        daemon.kill();
        try {
            world.run(SECOND, () -> {});
        } catch (AssertionError e) {
            world.note(() -> "after the end: " + e.getMessage());
        }
    }

    private void pass(long nanos) {
        world.run(nanos, this::look);
    }

    @SuppressWarnings("ReferenceEquality") // each change makes a new one
    private void look() {
        AppliedState now = daemon.reconciler().state().orElse(null);
        if (now != seen) {
            seen = now;
            if (now != null) {
                world.note(() -> "applied " + now.snapshot().version() + ": Services "
                        + now.snapshot().services().size() + ", listening at " + kernel.listening().size());
            }
            checkAlways();
        }
    }

    private void review() {
        daemon.connections().review();
        ending.forEach(SimulatedConnections::review);
        ending.removeIf(connections -> connections.size() == 0);
    }

    private void checkAlways() {
        review();
        expectations.nothingInvented();
        expectations.nothingTaken(served);
    }

    private boolean quiet() {
        long now = world.nanoTime();
        return now - changedAt > SETTLES && now - apiWellAt > (apiWellAt == 0 ? 0 : HEALS)
                && now - kernelWellAt > KERNEL_HEALS && troubles.none();
    }

    private void checkIfQuiet() {
        checkAlways();
        if (quiet()) {
            world.note(() -> "all is quiet");
            expectations.allIsRight(daemon.reconciler());
            expectations.turnsAreEven();
            truth.inSync();
            if (!world.has(FaultClass.KILLED) && !world.has(FaultClass.HANDED_OVER)) {
                ever.inSync();
            }
            truth.now(Svc.class).forEach(svc -> served.add(svc.key()));
        }
        pass(0);
    }

    private void act() {
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> tenants.change(random);
            case 3, 4 -> {
                for (int i = random.nextInt(1, 8); i > 0; i--) {
                    tenants.change(random);
                }
            }
            case 5 -> connectAll();
            default -> troubles.one();
        }
        if (random.nextInt(3) == 0) {
            connectAll();
        }
    }

    private void connectAll() {
        for (Svc svc : truth.now(Svc.class)) {
            String ip = svc.ips().get(random.nextInt(svc.ips().size()));
            String net = Cluster.family(ip) == IpFamily.IPV4 ? "10.244.9." : "fd00:244::9:";
            for (Protocol protocol : svc.protocols()) {
                InetSocketAddress address = Place.at(protocol, ip, svc.port()).address();
                for (int i = random.nextInt(6); i > 0; i--) {
                    InetAddress client = IpAddresses.parse(net + random.nextInt(1, 5));
                    if (protocol == Protocol.TCP) {
                        connect(address, client);
                    } else {
                        speak(svc, address, new InetSocketAddress(client, 5000 + random.nextInt(8)));
                    }
                }
            }
        }
    }

    private void connect(InetSocketAddress address, InetAddress client) {
        SimulatedKernel.Connected connected = kernel.connect(address, client);
        expectations.went(address, connected);
        if (connected.port() != null && random.nextInt(3) == 0) {
            int failed = connected.attempted().size() - (connected.endpoint() == null ? 0 : 1);
            daemon.connections().accept(failed, connected.endpoint() != null, world.has(FaultClass.PODS_FAIL));
        }
    }

    private void speak(Svc svc, InetSocketAddress address, InetSocketAddress client) {
        SimulatedFlows.Sent sent = kernel.send(address, client);
        if (sent != null) {
            expectations.sent(svc, new Place(Protocol.UDP, address), sent,
                    endpoint -> stores + changes.getOrDefault(svc.key(), 0)
                            + changes.getOrDefault(svc.key() + " " + IpAddresses.format(endpoint.ip()), 0),
                    served);
        }
    }

    // What tenants and troubles do.

    void put(Item item) {
        world.note(() -> "put " + item);
        ever.put(item);
        change(item, () -> truth.put(item));
        if (item instanceof Slice slice && slice.of().equals(Cluster.API)) {
            slice.backends().forEach(backend -> apiServers.add("https://" + backend.address() + ":" + slice.port()));
        }
        api.put(item);
    }

    /** Counts changes of Services, and losses of endpoints that kept flows. */
    private void change(Item item, Runnable change) {
        if (item instanceof Slice slice) {
            Set<String> lost = keepingFlows(slice.of());
            change.run();
            lost.removeAll(keepingFlows(slice.of()));
            lost.forEach(ip -> changes.merge(slice.of() + " " + ip, 1, Integer::sum));
        } else {
            change.run();
            changes.merge(item.key(), 1, Integer::sum);
        }
        changedAt = world.nanoTime();
    }

    private Set<String> keepingFlows(String service) {
        return truth.now(Slice.class).stream().filter(slice -> slice.of().equals(service))
                .flatMap(slice -> slice.backends().stream()).filter(Backend::keepsFlows).map(Backend::address)
                .collect(Collectors.toCollection(HashSet::new));
    }

    void delete(Item item) {
        world.note(() -> "delete " + item.key());
        ever.remove(item);
        change(item, () -> truth.remove(item));
        api.delete(item);
    }

    /** The store has other objects from now on. */
    void storeIs(List<Item> items) {
        ever.become(items);
        truth.become(items);
        stores++;
        changedAt = world.nanoTime();
    }

    /** The store is an older one from now on. */
    void restored(List<Item> items) {
        world.note(() -> "the store is an older one, with " + items.size() + " objects");
        storeIs(items);
        tenants.become(items);
        apiWellAt = world.nanoTime();
        // An API server writes its own Service again.
        world.after(2 * SECOND, () -> {
            put(KUBERNETES);
            put(Tenants.apiServers(List.of("192.0.2.100")));
        });
    }

    List<String> podAddresses() {
        return tenants.podAddresses();
    }

    void nodeChanged() {
        daemon.reconciler().nodeChanged();
        kernelChanged();
    }

    void apiIs(Condition condition) {
        api.become(condition);
        apiWellAt = world.nanoTime();
    }

    void kernelChanged() {
        kernelWellAt = world.nanoTime();
    }

    void restart() {
        world.note(() -> "kill -9, and a new daemon");
        if (succession != null) {
            succession.die();
        }
        ending.add(daemon.connections());
        daemon.kill();
        served.clear();
        seen = null;
        // It asks once for all, as after any trouble.
        apiWellAt = world.nanoTime();
        kernelWellAt = world.nanoTime();
        daemon = begin(false);
        handover = handover();
    }

    /**
     * Another daemon comes to follow the one that serves.
     *
     * @param over is called when that has come to an end
     * @return false if one is about to already
     */
    boolean follow(Runnable over) {
        if (succession != null) {
            return false;
        }
        world.note(() -> "another daemon begins, to follow this one");
        succession = new Succession(world, handover, begin(true), this::succeeded, () -> {
            succession = null;
            over.run();
        });
        return true;
    }

    private void succeeded(SimulatedDaemon next) {
        world.note(() -> "the new daemon serves");
        end(daemon.connections());
        daemon.source().kill();
        daemon.end(true);
        daemon = next;
        handover = handover();
        kernelWellAt = world.nanoTime();
    }

    private void end(SimulatedConnections connections) {
        connections.drain(random.nextLong(DRAINS));
        ending.add(connections);
    }

    SimulatedApiServer api() {
        return api;
    }

    SimulatedKernel kernel() {
        return kernel;
    }

    Optional<SimulatedNetfilter> netfilter() {
        return Optional.ofNullable(netfilter);
    }

    SimulatedRoutes routes() {
        return routes;
    }

    SimulatedDisk disk() {
        return disk;
    }

    Pods pods() {
        return pods;
    }

    Truth truth() {
        return truth;
    }

}
