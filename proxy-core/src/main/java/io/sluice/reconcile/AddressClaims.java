package io.sluice.reconcile;

import io.sluice.node.AddressDemand.Use;
import io.sluice.proxy.AddressKind;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.SpecialAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Assigns each address and port of this node to one Service port, and gives the reason for each claim that is refused. Pure:
 * the same snapshot and node give the same result on every node of a cluster, in any order of changes and after every restart.
 *
 * <p>Of several claims to one address and port the strongest kind wins: a cluster address or node port, which the API
 * server gives to one Service only, before a load balancer address, which a controller writes, before an external IP,
 * which any user may write (CVE-2020-8554). Among equals the older Service wins, then the first by name. An external or load
 * balancer address is refused if it belongs to something else: a special address, one of another node, of the API server, of
 * pods, another Service's cluster address, or a port of this node that the node itself needs.
 */
final class AddressClaims {

    /**
     * Ports that no external address gets where that is an address of the node, with or without a listener now: a daemon of the
     * node must find its port free when it is restarted (Kubernetes documentation, Ports and Protocols; kube-proxy's, and
     * sshd's).
     */
    private static final Map<Integer, String> NODE_PORTS = Map.ofEntries(Map.entry(22, "SSH"),
            Map.entry(2379, "etcd"), Map.entry(2380, "etcd"), Map.entry(6443, "the API server"),
            Map.entry(10_248, "kubelet"), Map.entry(10_249, "kube-proxy"), Map.entry(10_255, "kubelet"),
            Map.entry(10_256, "kube-proxy"),
            Map.entry(10_257, "kube-controller-manager"), Map.entry(10_259, "kube-scheduler"));

    /** Kubelet listens on all addresses of a node: a listener on one of them with its port keeps it from starting again. */
    private static final int KUBELET = 10_250;

    /** The Service of the API server, which may have its port on addresses where the API server itself does not listen. */
    private static final ServiceName API_SERVER = new ServiceName("default", "kubernetes");

    private static final int LAST_PORT = 65_535;

    /** A port that asks for an address, and the kind of the address. */
    record Claim(ServicePortName owner, AddressKind kind) {}

    /**
     * A claim that is refused.
     *
     * @param reason one line for a person
     */
    record Refusal(InetSocketAddress address, Claim claim, String reason) {}

    /** A Service that names an address twice is refused once. */
    private record Loser(InetSocketAddress address, ServicePortName owner) {}

    /**
     * What this node has and needs.
     *
     * @param addresses         of its interfaces
     * @param nodePortAddresses the addresses on which node ports listen
     * @param listeners         where this daemon itself listens, each with its purpose; the wildcard address for all
     * @param podRanges         the addresses of pods
     * @param portOffset        added to each port of a cluster, external or load balancer address
     */
    record Node(Set<InetAddress> addresses, List<InetAddress> nodePortAddresses,
            Map<InetSocketAddress, String> listeners, List<Cidr> podRanges, int portOffset) {}

    private final ClusterSnapshot snapshot;
    private final ClusterFacts facts;
    private final Node node;
    private final BiPredicate<Service, ServicePort> answered;
    private final Protocol protocol;
    private final Map<InetSocketAddress, Claim> claims = new LinkedHashMap<>();
    private final Map<Loser, Refusal> refusals = new LinkedHashMap<>();
    private final Set<InetSocketAddress> refusedAt = new HashSet<>();
    private final Map<InetAddress, Use> wanted = new HashMap<>();
    private final Map<InetAddress, ServiceName> clusterAddresses = new HashMap<>();
    private final Set<EndpointAddress> endpointsHere = new HashSet<>();
    private final Map<Integer, ServiceName> healthChecks = new HashMap<>();
    private final Set<InetAddress> apiServers = new HashSet<>();
    private final Set<Integer> apiServerPorts = new HashSet<>();

    private AddressClaims(ClusterSnapshot snapshot, Node node, BiPredicate<Service, ServicePort> answered,
            Protocol protocol) {
        this.snapshot = snapshot;
        this.facts = snapshot.facts();
        this.node = node;
        this.answered = answered;
        this.protocol = protocol;
    }

    /**
     * Decides all claims.
     *
     * @param answered whether this process itself answers at a port of a Service instead of proxying it
     */
    static AddressClaims of(ClusterSnapshot snapshot, Node node, BiPredicate<Service, ServicePort> answered) {
        return of(snapshot, node, answered, Protocol.TCP);
    }

    /** The same for the ports of one protocol: TCP and UDP have the same numbers for different things. */
    static AddressClaims of(ClusterSnapshot snapshot, Node node, BiPredicate<Service, ServicePort> answered,
            Protocol protocol) {
        AddressClaims decided = new AddressClaims(snapshot, node, answered, protocol);
        decided.decide();
        return decided;
    }

    /** The result without claims. */
    static AddressClaims none() {
        return new AddressClaims(new ClusterSnapshot(0, Instant.EPOCH, new NodeTopology("", null), Map.of()),
                new Node(Set.of(), List.of(), Map.of(), List.of(), 0), (service, port) -> false, Protocol.TCP);
    }

    /** The claim that holds each address, in the order of the Services' names. */
    Map<InetSocketAddress, Claim> claims() {
        return Collections.unmodifiableMap(claims);
    }

    /** The claims that are refused. */
    List<Refusal> refusals() {
        return List.copyOf(refusals.values());
    }

    /** Every address that should be this node's, with or without a listener now. */
    Map<InetAddress, Use> wanted() {
        return Collections.unmodifiableMap(wanted);
    }

    /** The Service whose cluster address {@code address} is. */
    Optional<ServiceName> clusterAddress(InetAddress address) {
        return Optional.ofNullable(clusterAddresses.get(address));
    }

    /** Whether a decision may change when such an endpoint comes or goes. */
    boolean affects(EndpointAddress endpoint) {
        InetSocketAddress address = new InetSocketAddress(endpoint.ip(), endpoint.port());
        return clusterAddresses.containsKey(endpoint.ip()) || claims.containsKey(address)
                || refusedAt.contains(address);
    }

    /** Refuses the claims of addresses that the node does not make its own, for the reasons given. */
    void refuse(Map<InetAddress, String> addresses) {
        claims.entrySet().removeIf(entry -> {
            String reason = addresses.get(entry.getKey().getAddress());
            if (reason != null) {
                refuse(entry.getKey(), entry.getValue(), reason);
            }
            return reason != null;
        });
    }

    private void decide() {
        for (InetSocketAddress server : facts.apiServers()) {
            apiServers.add(server.getAddress());
            if (node.addresses().contains(server.getAddress()) && !server.getAddress().isLoopbackAddress()) {
                apiServerPorts.add(server.getPort());
            }
        }
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            if (service.proxied()) {
                service.clusterIps().forEach(ip -> clusterAddresses.merge(ip, service.name(),
                        (a, b) -> before(a, b) ? a : b));
            }
            if (service.healthCheckNodePort() != 0 && service.exclusion() == null) {
                healthChecks.putIfAbsent(service.healthCheckNodePort(), service.name());
            }
            if (!facts.ownManifests()) {
                state.ports().stream().filter(port -> port.port().protocol() == protocol).forEach(port -> port
                        .endpoints().endpoints().stream()
                        .filter(e -> node.addresses().contains(e.address().ip()))
                        .forEach(e -> endpointsHere.add(e.address())));
            }
        }
        for (ServiceState state : snapshot.services().values()) {
            if (state.service().proxied()) {
                wants(state.service());
                state.ports().stream()
                        .filter(port -> port.port().protocol() == protocol
                                && !answered.test(state.service(), port.port()))
                        .forEach(port -> claimAll(state.service(), port));
            }
        }
    }

    /** An address is the node's as long as its Service has any port that is served here. */
    private void wants(Service service) {
        if (service.ports().stream()
                .noneMatch(p -> p.protocol() != Protocol.SCTP || answered.test(service, p))) {
            return;
        }
        service.clusterIps().forEach(ip -> wanted.merge(ip, Use.CLUSTER, AddressClaims::stronger));
        wants(service, service.loadBalancerIps(), Use.LOAD_BALANCER);
        wants(service, service.externalIps(), Use.EXTERNAL);
    }

    private void wants(Service service, List<InetAddress> addresses, Use use) {
        addresses.stream().filter(ip -> objection(service.name(), ip).isEmpty())
                .forEach(ip -> wanted.merge(ip, use, AddressClaims::stronger));
    }

    private static Use stronger(Use a, Use b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    private void claimAll(Service service, PortState state) {
        ServicePortName owner = new ServicePortName(service.name(), state.port().name(), state.port().protocol());
        int port = state.port().port() + node.portOffset();
        claim(service.clusterIps(), port, new Claim(owner, AddressKind.CLUSTER_IP));
        claim(service.externalIps(), port, new Claim(owner, AddressKind.EXTERNAL_IP));
        claim(service.loadBalancerIps(), port, new Claim(owner, AddressKind.LOAD_BALANCER));
        if (state.port().nodePort() != 0) {
            claim(node.nodePortAddresses(), state.port().nodePort(), new Claim(owner, AddressKind.NODE_PORT));
        }
    }

    private void claim(List<InetAddress> addresses, int port, Claim claim) {
        if (port > LAST_PORT) {
            return;
        }
        for (InetAddress ip : addresses) {
            InetSocketAddress address = new InetSocketAddress(ip, port);
            Optional<String> objection = objection(address, claim);
            if (objection.isPresent()) {
                refuse(address, claim, objection.get());
            } else {
                contend(address, claim);
            }
        }
    }

    private void contend(InetSocketAddress address, Claim claim) {
        Claim other = claims.get(address);
        if (other == null) {
            claims.put(address, claim);
            return;
        }
        boolean wins = wins(claim, other);
        if (wins) {
            claims.put(address, claim);
        }
        if (!other.owner().equals(claim.owner())) {
            Claim winner = wins ? claim : other;
            Claim loser = wins ? other : claim;
            refuse(address, loser, display(address) + " is claimed by " + winner.owner() + " as well, which has it: "
                    + (rank(winner.kind()) < rank(loser.kind())
                            ? "there it is a " + winner.kind().displayName()
                            : "that Service is older, or the first by name"));
        }
    }

    private boolean wins(Claim claim, Claim other) {
        int rank = Integer.compare(rank(claim.kind()), rank(other.kind()));
        return rank != 0 ? rank < 0 : before(claim.owner().service(), other.owner().service());
    }

    private static int rank(AddressKind kind) {
        return switch (kind) {
            case CLUSTER_IP, NODE_PORT -> 0;
            case LOAD_BALANCER -> 1;
            case EXTERNAL_IP -> 2;
        };
    }

    /** Whether {@code a} comes before {@code b}, two different Services. */
    private boolean before(ServiceName a, ServiceName b) {
        int age = since(a).compareTo(since(b));
        return age != 0 ? age < 0 : a.compareTo(b) < 0;
    }

    /** A missing creation time counts as later than any other. */
    private Instant since(ServiceName name) {
        ServiceState state = snapshot.services().get(name);
        return state == null || facts.undated().contains(name) ? Instant.MAX : state.service().createdAt();
    }

    private void refuse(InetSocketAddress address, Claim claim, String reason) {
        refusedAt.add(address);
        refusals.putIfAbsent(new Loser(address, claim.owner()), new Refusal(address, claim, reason));
    }

    /** Why a Service cannot have this address and port; empty if it can. */
    private Optional<String> objection(InetSocketAddress address, Claim claim) {
        String here = listener(address);
        if (here != null) {
            return Optional.of(display(address) + " is refused: this daemon itself answers there (" + here + ")");
        }
        if (protocol == Protocol.TCP && !facts.ownManifests() && (address.getPort() == KUBELET
                || apiServerPorts.contains(address.getPort()) && !claim.owner().service().equals(API_SERVER))) {
            return Optional.of(display(address) + " is refused: "
                    + (address.getPort() == KUBELET ? "kubelet" : "the API server")
                    + " has to be able to listen at this port of all addresses of this node");
        }
        boolean outside = claim.kind() == AddressKind.EXTERNAL_IP || claim.kind() == AddressKind.LOAD_BALANCER;
        if (!outside) {
            return Optional.empty();
        }
        return objection(claim.owner().service(), address.getAddress()).or(() -> portObjection(address))
                .map(reason -> IpAddresses.format(address.getAddress()) + " is refused as an address from outside: "
                        + reason);
    }

    private @Nullable String listener(InetSocketAddress address) {
        for (Map.Entry<InetSocketAddress, String> listener : node.listeners().entrySet()) {
            InetSocketAddress own = listener.getKey();
            if (own.getPort() == address.getPort()
                    && (own.getAddress().isAnyLocalAddress() || own.getAddress().equals(address.getAddress()))) {
                return listener.getValue();
            }
        }
        return null;
    }

    /** Why an address cannot be an external or load balancer one of {@code service}, at any port. */
    private Optional<String> objection(ServiceName service, InetAddress ip) {
        Optional<String> special = SpecialAddresses.kind(ip);
        if (special.isPresent() && !(facts.ownManifests() && ip.isLoopbackAddress())) {
            return Optional.of("it is " + special.get());
        }
        ServiceName other = clusterAddresses.get(ip);
        if (other != null && !other.equals(service)) {
            return Optional.of("it is the cluster address of " + other);
        }
        if (node.addresses().contains(ip)) {
            return Optional.empty();
        }
        String machine = facts.nodes().get(ip);
        if (machine != null) {
            return Optional.of("it is the address of node " + machine);
        }
        if (apiServers.contains(ip) && other == null) {
            return Optional.of("the API server answers there");
        }
        return facts.ownManifests()
                ? Optional.empty()
                : node.podRanges().stream().filter(range -> range.contains(ip)).findFirst()
                        .map(range -> "it is in " + range + ", the range of pods");
    }

    /** Why the node needs a port of its own addresses itself. */
    private Optional<String> portObjection(InetSocketAddress address) {
        ServiceName checked = protocol == Protocol.TCP ? healthChecks.get(address.getPort()) : null;
        if (checked != null && node.nodePortAddresses().contains(address.getAddress())) {
            return Optional.of("port " + address.getPort() + " is the health check node port of " + checked);
        }
        if (facts.ownManifests() || !node.addresses().contains(address.getAddress())) {
            return Optional.empty();
        }
        String daemon = protocol == Protocol.TCP ? NODE_PORTS.get(address.getPort()) : null;
        if (daemon != null) {
            return Optional.of("port " + address.getPort() + " of a node is kept for " + daemon);
        }
        return endpointsHere.contains(new EndpointAddress(address.getAddress(), address.getPort()))
                ? Optional.of("port " + address.getPort() + " of this node is an endpoint")
                : Optional.empty();
    }

    static String display(InetSocketAddress address) {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }
}
