package io.sluice.admin;

import io.sluice.balance.AffinityTable;
import io.sluice.balance.ClientOrigins;
import io.sluice.balance.Routing;
import io.sluice.history.Journal;
import io.sluice.liveness.Stall;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.ConnectionView;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.BalancerKind;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ResourceFreshness.WatchState;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A daemon that says what a test wants it to. */
final class ScriptedDaemon implements DaemonStatus {

    static final Instant CREATED = Instant.parse("2026-11-01T08:00:00Z");
    static final Instant APPLIED = Instant.parse("2026-11-23T10:00:00Z");
    static final NodeTopology NODE = new NodeTopology("node-a", "zone-1");
    static final Freshness FRESH = new Freshness(true, true, APPLIED, "watching config/examples", List.of());
    static final Freshness BROKEN = new Freshness(true, false, APPLIED, "an edit is broken",
            List.of(new Problem(Problem.Severity.ERROR, "svc.yaml:7", "Service default/kubia spec.ports[0].port",
                    "must be between 1 and 65535")));

    volatile @Nullable AppliedState applied;
    static final Freshness CLUSTER = new Freshness(true, true, APPLIED, "watching https://10.0.0.1:6443", List.of(),
            List.of(new ResourceFreshness("services", WatchState.WATCHING, APPLIED, "1234", 7, 1, 0, null),
                    new ResourceFreshness("endpoints", WatchState.WAITING, APPLIED, "1230", 9, 2, 5,
                            "cannot be reached")));

    volatile Freshness freshness = new Freshness(false, false, null, "starting", List.of());
    volatile List<ConnectionView> connections = List.of();
    volatile @Nullable Instant waitingSince;
    volatile boolean nodeEligible = true;
    volatile ChangeCount waiting = ChangeCount.NONE;
    volatile boolean draining;
    volatile List<Stall> stalls = List.of();
    volatile boolean successorAwaited;
    volatile Limits limits = new Limits(0, 100, 0);
    volatile ClientOrigins origins = ClientOrigins.NONE;
    final Journal journal = new Journal();

    @Override
    public Optional<AppliedState> applied() {
        return Optional.ofNullable(applied);
    }

    @Override
    public ClientOrigins origins() {
        return origins;
    }

    @Override
    public Freshness freshness() {
        return freshness;
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public Journal journal() {
        return journal;
    }

    @Override
    public List<ConnectionView> connections() {
        return connections;
    }

    @Override
    public Optional<Instant> waitingSince() {
        return Optional.ofNullable(waitingSince);
    }

    @Override
    public ChangeCount waiting() {
        return waiting;
    }

    @Override
    public boolean nodeEligible() {
        return nodeEligible;
    }

    @Override
    public List<Stall> stalls() {
        return stalls;
    }

    @Override
    public boolean draining() {
        return draining;
    }

    @Override
    public boolean successorAwaited() {
        return successorAwaited;
    }

    @Override
    public Build build() {
        return new Build("1.2.3", CREATED);
    }

    /** Three Services: one with endpoints of both families, one that nothing matches, one that is not proxied. */
    static AppliedState threeServices() {
        Service kubia = service("kubia", ServiceType.NODE_PORT, List.of("10.96.0.1", "fd00::1"), false, null,
                TrafficPolicy.LOCAL, Map.of("tier", "web", "app", "kubia"),
                new ServicePort("http", Protocol.TCP, 80, 30080, "web", null),
                new ServicePort("dns", Protocol.SCTP, 53, 0, "53", null));
        Service empty = service("lonely", ServiceType.CLUSTER_IP, List.of("10.96.0.2"), false, null,
                TrafficPolicy.CLUSTER, Map.of("app", "nobody"),
                new ServicePort("", Protocol.TCP, 80, 0, "8080", null));
        Service external = service("outside", ServiceType.EXTERNAL_NAME, List.of(), false, "api.example.com",
                TrafficPolicy.CLUSTER, Map.of());
        EndpointSet endpoints = EndpointSet.of(List.of(endpoint("10.1.0.3", true, "node-a", "kubia-3"),
                endpoint("10.1.0.20", true, "node-b", null), endpoint("fd01::3", true, "node-b", null),
                endpoint("10.1.0.4", false, null, null)));
        EmptyReason noPod = new EmptyReason.SelectorMatchesNoPod(Map.of("app", "nobody"), 0, null, Map.of(), null);

        return applied(List.of(
                new ServiceState(kubia, List.of(new PortState(kubia.ports().get(0), endpoints, null),
                        new PortState(kubia.ports().get(1), endpoints, null))),
                new ServiceState(empty, List.of(new PortState(empty.ports().get(0), EndpointSet.EMPTY, noPod))),
                new ServiceState(external, List.of())),
                Map.of("kubia",
                        List.of(listener("10.96.0.1", 80, AddressKind.CLUSTER_IP, ListenerStatus.LISTENING, null),
                                listener("fd00::1", 80, AddressKind.CLUSTER_IP, ListenerStatus.LISTENING, null),
                                listener("127.0.0.1", 30080, AddressKind.NODE_PORT, ListenerStatus.FAILED,
                                        "in use by another program")),
                        "lonely", List
                                .of(listener("10.96.0.2", 80, AddressKind.CLUSTER_IP, ListenerStatus.NO_ENDPOINTS,
                                        null))));
    }

    /** What the reconciler would say of these Services. */
    static AppliedState applied(List<ServiceState> services, Map<String, List<ListenerState>> listeners) {
        Map<ServiceName, ServiceState> byName = new TreeMap<>();
        Map<ServicePortName, AppliedPort> ports = new HashMap<>();
        for (ServiceState state : services) {
            Service service = state.service();
            byName.put(service.name(), state);
            for (PortState port : state.ports()) {
                if (service.proxied() && port.port().protocol() == Protocol.TCP) {
                    Routing routing = Routing.NONE.next(service, port.endpoints(), NODE,
                            new Routing.Settings(BalancerKind.ROUND_ROBIN, new AffinityTable(10), List.of(), 50),
                            new Routing.Tools(address -> () -> 0, bound -> 0), 0);
                    ports.put(new ServicePortName(service.name(), port.port().name(), Protocol.TCP), new AppliedPort(
                            listeners.getOrDefault(service.name().name(), List.of()), routing));
                }
            }
        }
        return new AppliedState(new ClusterSnapshot(7, APPLIED, NODE, byName), APPLIED, Duration.ofMillis(4), ports);
    }

    static Service service(String name, ServiceType type, List<String> clusterIps, boolean headless,
            @Nullable String externalName, TrafficPolicy internal, Map<String, String> selector,
            ServicePort... ports) {
        List<InetAddress> addresses = new ArrayList<>();
        clusterIps.forEach(ip -> addresses.add(IpAddresses.parse(ip)));
        return Service.builder(new ServiceName("default", name)).type(type).clusterIps(addresses).headless(headless)
                .externalName(externalName).ports(List.of(ports)).internalTrafficPolicy(internal).selector(selector)
                .createdAt(CREATED).build();
    }

    static Endpoint endpoint(String ip, boolean ready, @Nullable String node, @Nullable String pod) {
        return Endpoint.builder(new EndpointAddress(IpAddresses.parse(ip), 8080)).ready(ready).serving(ready).node(node)
                .target(pod).build();
    }

    static ListenerState listener(String ip, int port, AddressKind kind, ListenerStatus status,
            @Nullable String problem) {
        return new ListenerState(new InetSocketAddress(IpAddresses.parse(ip), port), kind, status, problem);
    }

    static ConnectionView connection(long id, String service, Instant acceptedAt) {
        return new ConnectionView(id, new InetSocketAddress(IpAddresses.parse("10.0.0.9"), 40_000 + (int) id),
                new InetSocketAddress(IpAddresses.parse("10.96.0.1"), 80),
                new ServicePortName(new ServiceName("default", service), "http", Protocol.TCP),
                new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080), "established", acceptedAt, 78, 1024, 0);
    }
}
