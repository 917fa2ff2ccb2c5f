package io.sluice.reconcile;

import io.sluice.proxy.AddressKind;
import io.sluice.service.ProxyProtocol;
import io.sluice.nftables.DirectWay;
import java.util.Optional;
import io.sluice.balance.AffinityTable;
import io.sluice.balance.Order;
import io.sluice.balance.Orders;
import io.sluice.balance.Traffic;
import io.sluice.datagram.FlowGroup;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.PortMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.nftables.Verdict;
import io.sluice.proxy.FlowSettings;
import io.sluice.proxy.HealthListener;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.service.ServiceState.PortState;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The TCP and UDP ports of all proxied Services: their routing, their meters, and the session affinity of their clients.
 * Confined to the control thread.
 */
final class ServicePorts {

    private static final Logger LOG = LoggerFactory.getLogger(ServicePorts.class);

    private final ProxyMetrics metrics;
    private final Balancing balancing;
    private final ControlThread time;
    private final IntUnaryOperator random;
    private final OutlierDetector outliers;
    private final HealthChecker checks;
    private final SourcePreservation sources;
    private final Map<ServicePortName, RoutedPort> ports = new HashMap<>();
    private final Map<ServiceName, AtomicInteger> connections = new HashMap<>();
    private final Map<ServiceName, FlowGroup> flows = new HashMap<>();
    private final FlowSettings flowSettings;
    private final Map<ServiceName, AffinityTable> sharedAffinity = new HashMap<>();
    /** The ports whose clients are remembered, or were: of many thousand ports nearly all do without. */
    private final Set<ServicePortName> sticky = new HashSet<>();
    private final Set<ServiceName> loggedNotProxied = new HashSet<>();
    /** A line for each port that waits for its first endpoint; kept until they are logged. */
    private final List<NamedLine> waiting = new ArrayList<>();

    private volatile Orders orders = Orders.NONE;
    private Consumer<List<Order>> ordersGone = gone -> {};
    private Consumer<ServicePortName> rerouted = port -> {};

    /** Proxies no port yet. */
    ServicePorts(Surroundings around, ProxyMetrics metrics, Balancing balancing, HistoryWriter history) {
        this.metrics = metrics;
        this.balancing = balancing;
        this.time = around.time();
        this.random = around.turns();
        this.outliers = new OutlierDetector(balancing.ejection(), time, around.prober(), this::find, history);
        this.checks = new HealthChecker(balancing.checksPerSecond(), time, around.checker(), outliers::ejected,
                around.random(), history);
        this.sources = around.sources();
        this.flowSettings = around.flows();
    }

    static ServicePortName name(Service service, PortState port) {
        return new ServicePortName(service.name(), port.port().name(), port.port().protocol());
    }

    /** Every port that is proxied. */
    Collection<RoutedPort> all() {
        return Collections.unmodifiableCollection(ports.values());
    }

    @Nullable
    RoutedPort find(ServicePortName name) {
        return ports.get(name);
    }

    /** What operators have ordered by hand. Any thread. */
    Orders orders() {
        return orders;
    }

    /** Calls {@code told} with orders whose endpoints are gone. Before the first snapshot. */
    void ordersGone(Consumer<List<Order>> told) {
        ordersGone = told;
    }

    /**
     * Calls {@code told} with a port whose connections go to other endpoints although it has the same: one does not respond, or
     * does again. Before the first snapshot.
     */
    void rerouted(Consumer<ServicePortName> told) {
        rerouted = told;
    }

    /**
     * Routes the next connections as operators have ordered.
     *
     * @return whether the ports take the same kinds of traffic as before; else they may have to listen elsewhere
     */
    boolean order(Orders next) {
        Set<ServicePortName> differing = next.differing(orders);
        orders = next;
        boolean same = true;
        for (ServicePortName name : differing) {
            RoutedPort port = ports.get(name);
            if (port != null) {
                int traffic = port.traffic();
                port.order(next.of(name), outliers.ejected(name));
                same &= traffic == port.traffic();
            }
        }
        return same;
    }

    /** Forgets orders for endpoints of a port that are not its endpoints any more. */
    private void retainOrders(ServicePortName name, Set<EndpointAddress> endpoints) {
        if (!orders.ports().contains(name)) {
            return;
        }
        List<Order> gone = orders.all().stream()
                .filter(order -> order.port().equals(name) && !endpoints.contains(order.endpoint())).toList();
        if (!gone.isEmpty()) {
            orders = orders.without(gone::contains);
            ordersGone.accept(gone);
        }
    }

    /** Lets endpoints see the client's own address. */
    SourcePreservation sources() {
        return sources;
    }

    /** Whether the owner of {@code claim} has endpoints for connections to this address: else it does not listen there. */
    boolean usable(InetSocketAddress address, Claim claim) {
        RoutedPort port = ports.get(claim.owner());
        if (port == null) {
            return false;
        }
        IpFamily family = IpFamily.of(address.getAddress());
        return claim.kind().external()
                // Under the policy Local the cluster's own connections still go to any endpoint.
                ? port.takes(family, Traffic.EXTERNAL) || port.takes(family, Traffic.SHORT_CIRCUIT)
                : port.takes(family, Traffic.INTERNAL);
    }

    /** Whether {@code plan} gives {@code address} to a port that has endpoints for it. */
    boolean served(AddressPlan plan, InetSocketAddress address) {
        Claim claim = plan.claimed().get(address);
        return claim != null && usable(address, claim);
    }

    /** The same for datagrams. */
    boolean servedDatagrams(AddressPlan plan, InetSocketAddress address) {
        Claim claim = plan.claimedForDatagrams().get(address);
        return claim != null && usable(address, claim);
    }

    /**
     * What happens to connections to an address: they are dropped if a policy {@code Local} excludes every endpoint, so that an
     * external load balancer takes another node, and refused if there is no endpoint (kube-proxy's
     * pkg/proxy/nftables/proxier.go).
     */
    Verdict verdict(InetSocketAddress address, Claim claim) {
        if (usable(address, claim)) {
            RoutedPort port = Objects.requireNonNull(ports.get(claim.owner()));
            return claim.kind().external() && !port.takes(IpFamily.of(address.getAddress()), Traffic.EXTERNAL)
                    ? Verdict.PROXY_INSIDE
                    : Verdict.PROXY;
        }
        RoutedPort port = ports.get(claim.owner());
        if (port == null) {
            return Verdict.REFUSE;
        }
        Service service = port.service();
        TrafficPolicy policy =
                claim.kind().external() ? service.externalTrafficPolicy() : service.internalTrafficPolicy();
        return policy == TrafficPolicy.LOCAL && port.hasAny(IpFamily.of(address.getAddress()))
                ? Verdict.DROP
                : Verdict.REFUSE;
    }

    /** Which clients may use an address; empty for all. Ranges of the other family say nothing, as with kube-proxy. */
    Set<Cidr> sources(InetSocketAddress address, Claim claim) {
        RoutedPort port = ports.get(claim.owner());
        if (port == null || claim.kind() != AddressKind.LOAD_BALANCER) {
            return Set.of();
        }
        IpFamily family = IpFamily.of(address.getAddress());
        return port.service().loadBalancerSourceRanges().stream().filter(range -> range.family() == family)
                .collect(Collectors.toSet());
    }

    /**
     * How the kernel leads connections to an address while no proxy listens; empty where only the proxy can do what is asked:
     * by the PROXY protocol, or to endpoints at loopback.
     */
    Optional<DirectWay> directWay(InetSocketAddress address, Claim claim) {
        RoutedPort port = ports.get(claim.owner());
        if (port == null || port.proxyProtocol() != ProxyProtocol.NONE) {
            return Optional.empty();
        }
        IpFamily family = IpFamily.of(address.getAddress());
        Traffic traffic = !claim.kind().external()
                ? Traffic.INTERNAL
                : port.takes(family, Traffic.EXTERNAL) ? Traffic.EXTERNAL : Traffic.SHORT_CIRCUIT;
        return port.directWay(family, traffic,
                !sources.of(port.service()).has(traffic, false));
    }

    /**
     * Routes the connections of every port to its endpoints.
     *
     * @param answered whether this process itself answers at a port instead of proxying it
     * @param emptied  takes a line for each port that has no endpoint any more
     * @return ports that are gone, to be {@link #remove removed} after their listeners
     */
    Set<ServicePortName> route(ClusterSnapshot snapshot, BiPredicate<Service, ServicePort> answered,
            List<NamedLine> emptied) {
        if (sources.provide(snapshot)) {
            ports.values().forEach(this::preserve);
        }
        Set<ServicePortName> gone = new HashSet<>(ports.keySet());
        for (ServiceState service : snapshot.services().values()) {
            if (service.service().proxied()) {
                for (PortState state : service.ports()) {
                    if (state.port().protocol() != Protocol.SCTP && !answered.test(service.service(), state.port())) {
                        ServicePortName name = name(service.service(), state);
                        gone.remove(name);
                        RoutedPort port = ports.get(name);
                        route(port == null ? add(name, service.service(), state) : port, service.service(), state,
                                snapshot.node(), emptied);
                    }
                }
                logNotProxied(service.service(), answered);
            }
        }
        logWaiting();
        return gone;
    }

    /**
     * Routes the connections of ports whose endpoints have changed; the cost depends on these alone.
     *
     * @param emptied takes a line for each port that has no endpoint any more
     * @return whether the ports take the same kinds of traffic as before; else they may have to listen elsewhere
     */
    boolean routeEndpoints(List<ServiceState> changed, NodeTopology node, List<NamedLine> emptied) {
        boolean same = true;
        for (ServiceState service : changed) {
            for (PortState state : service.ports()) {
                RoutedPort port = ports.get(name(service.service(), state));
                if (port != null) {
                    int traffic = port.traffic();
                    route(port, service.service(), state, node, emptied);
                    same &= traffic == port.traffic();
                }
            }
        }
        logWaiting();
        return same;
    }

    /** Forgets ports that are gone, and the shared state of Services that are gone. */
    void remove(Set<ServicePortName> gone, ClusterSnapshot snapshot) {
        for (ServicePortName name : gone) {
            RoutedPort port = ports.remove(name);
            if (port != null) {
                port.retire();
                sticky.remove(name);
                outliers.forget(name);
                checks.forget(name);
                retainOrders(name, Set.of());
            }
        }
        connections.keySet().retainAll(snapshot.services().keySet());
        flows.keySet().retainAll(snapshot.services().keySet());
        sharedAffinity.keySet().retainAll(snapshot.services().keySet());
        loggedNotProxied.retainAll(snapshot.services().keySet());
    }

    /** Forgets clients whose last connection is older than their Service's affinity timeout. */
    void sweepAffinity() {
        long now = time.nanoTime();
        sticky.removeIf(name -> {
            RoutedPort port = Objects.requireNonNull(ports.get(name));
            port.sweep(port.ownAffinity(), now);
            AffinityTable shared = sharedAffinity.get(name.service());
            if (shared != null) {
                port.sweep(shared, now);
            }
            return !port.remembersClients() && port.ownAffinity().size() == 0;
        });
    }

    /** Leaves the routing of all ports as it is: no endpoint is checked, ejected or taken back any more. */
    void stop() {
        outliers.stop();
        checks.stop();
    }

    private RoutedPort add(ServicePortName name, Service service, PortState state) {
        PortMeters meters = metrics.port(name);
        AtomicInteger count = connections.computeIfAbsent(name.service(), n -> new AtomicInteger());
        HealthListener health = (endpoint, failure) -> outliers.unanswered(name, endpoint, failure);
        ServicePortTargets targets = name.protocol() == Protocol.UDP
                ? new ServicePortTargets(name, meters, count, health,
                        flows.computeIfAbsent(name.service(), n -> new FlowGroup()), flowSettings)
                : new ServicePortTargets(name, meters, count, health);
        RoutedPort port = new RoutedPort(name, targets, meters, service, state, balancing, time, random,
                each -> rerouted.accept(each));
        ports.put(name, port);
        return port;
    }

    private void route(RoutedPort port, Service service, PortState state, NodeTopology node, List<NamedLine> emptied) {
        if (port.follows(service, state, node)) {
            return;
        }
        PortState before = port.state();
        if (state.whyEmpty() != null && !state.whyEmpty().equals(before.whyEmpty())) {
            (port.hadEndpoints() ? emptied : waiting).add(NamedLine.of(port.name(),
                    port.name() + " has no endpoint, connections are refused: " + state.whyEmpty().describe()));
        } else if (state.whyEmpty() == null && before.whyEmpty() != null) {
            NamedLine.of(port.name(), port.name() + " has endpoints again").log(LOG.atInfo());
        }
        Set<EndpointAddress> present = addresses(state.endpoints());
        outliers.retain(port.name(), present);
        retainOrders(port.name(), present);
        AffinityTable affinity = ServiceAnnotations.of(service).affinityByService()
                ? sharedAffinity.computeIfAbsent(service.name(), n -> new AffinityTable(balancing.affinityClients()))
                : port.ownAffinity();
        if (service.sessionAffinity() instanceof SessionAffinity.ClientIp) {
            sticky.add(port.name());
        }
        port.route(service, state, node, affinity, outliers.ejected(port.name()), orders.of(port.name()),
                checks.of(port.name(), service));
        checks.follow(port);
        preserve(port);
        retireMissing(port.name(), before.endpoints(), state.endpoints());
    }

    private void preserve(RoutedPort port) {
        port.preserve(port.name().protocol() == Protocol.UDP
                ? sources.ofDatagrams(port.service())
                : sources.of(port.service()));
    }

    /** A Service is often created before its Pods: that is no warning, and one line for all of them. */
    private void logWaiting() {
        if (!waiting.isEmpty()) {
            NamedLine first = waiting.getFirst();
            new NamedLine(first.service(), first.port(), null, first.message() + (waiting.size() == 1
                    ? ""
                    : "; more ports that wait for endpoints: " + (waiting.size() - 1)
                            + ", 'sluice get services -A -o wide' lists them"))
                    .log(LOG.atInfo());
            waiting.clear();
        }
    }

    private void retireMissing(ServicePortName name, EndpointSet before, EndpointSet now) {
        if (before.isEmpty() || before.equals(now)) {
            return;
        }
        Set<EndpointAddress> kept = addresses(now);
        for (Endpoint endpoint : before.endpoints()) {
            if (!kept.contains(endpoint.address())) {
                metrics.find(name, endpoint.address()).ifPresent(EndpointMeters::retire);
            }
        }
    }

    private static Set<EndpointAddress> addresses(EndpointSet endpoints) {
        Set<EndpointAddress> addresses = new HashSet<>();
        endpoints.endpoints().forEach(e -> addresses.add(e.address()));
        return addresses;
    }

    private void logNotProxied(Service service, BiPredicate<Service, ServicePort> answered) {
        List<String> others = service.ports().stream()
                .filter(p -> p.protocol() == Protocol.SCTP && !answered.test(service, p))
                .map(p -> p.port() + "/" + p.protocol()).toList();
        if (!others.isEmpty() && loggedNotProxied.add(service.name())) {
            LOG.info("{}: {} not proxied, only TCP and UDP are", service.name(),
                    String.join(", ", others) + (others.size() == 1 ? " is" : " are"));
        }
    }
}
