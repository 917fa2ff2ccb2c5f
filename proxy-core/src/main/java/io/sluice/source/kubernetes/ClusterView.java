package io.sluice.source.kubernetes;

import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointChange;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.kubernetes.EndpointGroups.Address;
import io.sluice.source.kubernetes.EndpointGroups.Group;
import io.sluice.source.kubernetes.EndpointGroups.Port;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the API server has said, merged: each Service with the endpoints of all slices that name it.
 *
 * <p>Objects may come in any order; a slice that comes before its Service waits for it, and one that goes from one
 * Service to another is taken from the first. Only Services that something happened to are merged anew. Thread-safe: the
 * watches put in, one thread takes snapshots out; a snapshot shows all changes that were put in together, or none.
 */
final class ClusterView {

    /** Slices of one Service in a fixed order, so that merging them gives the same whatever came first. */
    private static final Comparator<ObjectKey> BY_NAME = Comparator.comparing(ObjectKey::name);

    /** So many dated changes are kept for one snapshot at the most: a burst takes no memory to speak of. */
    private static final int MOST_CHANGES = 10_000;

    /** The Service that the API server keeps for itself. */
    private static final ServiceName API_SERVER = new ServiceName("default", "kubernetes");

    private final String nodeName;
    private final Map<ObjectKey, Service> services = new HashMap<>();
    private final Map<ObjectKey, EndpointGroups> groups = new HashMap<>();
    private final Map<ServiceName, Map<ObjectKey, EndpointGroups>> groupsOf = new HashMap<>();
    private final Map<ServiceName, ServiceState> states = new TreeMap<>();
    private final Set<ServiceName> dirtyServices = new HashSet<>();
    private final Set<ServiceName> dirtyEndpoints = new HashSet<>();
    private final Map<ServiceName, List<EndpointChange>> changes = new HashMap<>();
    private int changesKept;
    private final Map<String, NodeFacts> nodes = new HashMap<>();
    private Set<InetSocketAddress> configuredServers = Set.of();
    private ClusterFacts facts = new ClusterFacts(false, Map.of(), Set.of(), Set.of());
    private boolean factsMayDiffer;
    private boolean changed = true;

    /** Knows nothing yet but this node's name. */
    ClusterView(String nodeName) {
        this.nodeName = nodeName;
    }

    /** What a watch puts its objects into. */
    interface Part<T> {

        /** Takes the place of everything that was known of the kind; {@code since} has what could be dated. */
        void replace(Map<ObjectKey, T> all, Map<ObjectKey, EndpointChange> since);

        /** Adds or changes objects; {@code since} has what could be dated. */
        void put(Map<ObjectKey, T> some, Map<ObjectKey, EndpointChange> since);

        /** Takes the place of everything, and nothing is dated. */
        default void replace(Map<ObjectKey, T> all) {
            replace(all, Map.of());
        }

        /** Adds or changes objects that are not dated. */
        default void put(Map<ObjectKey, T> some) {
            put(some, Map.of());
        }

        /** Removes an object; one that is not known is fine. */
        void remove(ObjectKey key);

        /** How many objects of the kind are known. */
        int size();
    }

    Part<Service> services() {
        return new Part<>() {
            @Override
            public void replace(Map<ObjectKey, Service> all, Map<ObjectKey, EndpointChange> since) {
                synchronized (ClusterView.this) {
                    gone(services, all).forEach(this::remove);
                    put(all, since);
                }
            }

            @Override
            public void put(Map<ObjectKey, Service> some, Map<ObjectKey, EndpointChange> since) {
                synchronized (ClusterView.this) {
                    some.forEach((key, service) -> {
                        if (!service.equals(services.put(key, service))) {
                            dirtyServices.add(service.name());
                        }
                    });
                }
            }

            @Override
            public void remove(ObjectKey key) {
                synchronized (ClusterView.this) {
                    Service removed = services.remove(key);
                    if (removed != null) {
                        dirtyServices.add(removed.name());
                    }
                }
            }

            @Override
            public int size() {
                synchronized (ClusterView.this) {
                    return services.size();
                }
            }
        };
    }

    Part<EndpointGroups> endpoints() {
        return new Part<>() {
            @Override
            public void replace(Map<ObjectKey, EndpointGroups> all, Map<ObjectKey, EndpointChange> since) {
                synchronized (ClusterView.this) {
                    gone(groups, all).forEach(this::remove);
                    put(all, since);
                }
            }

            @Override
            public void put(Map<ObjectKey, EndpointGroups> some, Map<ObjectKey, EndpointChange> since) {
                synchronized (ClusterView.this) {
                    some.forEach((key, now) -> {
                        EndpointGroups before = groups.put(key, now);
                        if (!now.equals(before)) {
                            if (before != null && !before.service().equals(now.service())) {
                                detach(key, before);
                            }
                            groupsOf.computeIfAbsent(now.service(), n -> new TreeMap<>(BY_NAME)).put(key, now);
                            dirtyEndpoints.add(now.service());
                            keep(now.service(), since.get(key));
                        }
                    });
                }
            }

            @Override
            public void remove(ObjectKey key) {
                synchronized (ClusterView.this) {
                    EndpointGroups removed = groups.remove(key);
                    if (removed != null) {
                        detach(key, removed);
                        forget(removed.service());
                    }
                }
            }

            @Override
            public int size() {
                synchronized (ClusterView.this) {
                    return groups.size();
                }
            }
        };
    }

    /** This node's Node, and those of other nodes as far as they are watched. */
    Part<NodeFacts> node() {
        return new Part<>() {
            @Override
            public void replace(Map<ObjectKey, NodeFacts> all, Map<ObjectKey, EndpointChange> since) {
                synchronized (ClusterView.this) {
                    Set<String> gone = new HashSet<>(nodes.keySet());
                    all.keySet().forEach(key -> gone.remove(key.name()));
                    gone.forEach(name -> set(name, null));
                    put(all, since);
                }
            }

            @Override
            public void put(Map<ObjectKey, NodeFacts> some, Map<ObjectKey, EndpointChange> since) {
                synchronized (ClusterView.this) {
                    some.forEach((key, facts) -> set(key.name(), facts));
                }
            }

            @Override
            public void remove(ObjectKey key) {
                set(key.name(), null);
            }

            @Override
            public int size() {
                synchronized (ClusterView.this) {
                    return nodes.size();
                }
            }

            private void set(String name, @Nullable NodeFacts now) {
                synchronized (ClusterView.this) {
                    NodeFacts before = now == null ? nodes.remove(name) : nodes.put(name, now);
                    if (name.equals(nodeName)) {
                        changed |= !Objects.equals(zone(before), zone(now));
                    } else {
                        factsMayDiffer |= !Objects.equals(addresses(before), addresses(now));
                    }
                }
            }
        };
    }

    /** Where the API server was configured to be. */
    synchronized void configuredServers(Set<InetSocketAddress> servers) {
        factsMayDiffer |= !servers.equals(configuredServers);
        configuredServers = Set.copyOf(servers);
    }

    /** Whether the cluster is about to take this node away. */
    synchronized boolean leaving() {
        NodeFacts here = nodes.get(nodeName);
        return here != null && here.leaving();
    }

    /** Everything as it is known now, as {@code version}; null if nothing has changed since the last time. */
    synchronized @Nullable ClusterSnapshot snapshotIfChanged(long version, Instant asOf) {
        Set<ServiceName> dirty = new HashSet<>(dirtyServices);
        dirty.addAll(dirtyEndpoints);
        if (dirty.isEmpty() && !changed && !factsMayDiffer) {
            return null;
        }
        for (ServiceName name : dirty) {
            Service service = services.get(new ObjectKey(name.namespace(), name.name()));
            ServiceState now = service == null ? null : merge(service);
            changed |= !Objects.equals(states.get(name), now);
            if (now == null) {
                states.remove(name);
            } else if (!now.equals(states.get(name))) {
                states.put(name, now);
            }
        }
        if (factsMayDiffer || dirty.contains(API_SERVER)) {
            ClusterFacts known = facts;
            facts = facts();
            changed |= !facts.equals(known);
            factsMayDiffer = false;
        }
        dirtyServices.clear();
        dirtyEndpoints.clear();
        List<EndpointChange> dated = changes.values().stream().flatMap(List::stream).toList();
        changes.clear();
        changesKept = 0;
        if (!changed) {
            return null;
        }
        changed = false;
        return new ClusterSnapshot(version, asOf, new NodeTopology(nodeName, zone(nodes.get(nodeName))), states,
                List.of(), dated, facts);
    }

    private ClusterFacts facts() {
        Map<InetAddress, String> others = new HashMap<>();
        nodes.forEach((name, node) -> {
            if (!name.equals(nodeName)) {
                node.addresses().forEach(address -> others.put(address, name));
            }
        });
        Set<InetSocketAddress> servers = new HashSet<>(configuredServers);
        ServiceState server = states.get(API_SERVER);
        if (server != null) {
            server.ports().forEach(port -> port.endpoints().endpoints()
                    .forEach(e -> servers.add(new InetSocketAddress(e.address().ip(), e.address().port()))));
        }
        return new ClusterFacts(false, others, servers, Set.of());
    }

    /** What has come since the last snapshot. */
    synchronized ChangeCount waiting() {
        return new ChangeCount(dirtyServices.size(), dirtyEndpoints.size());
    }

    private void keep(ServiceName service, @Nullable EndpointChange change) {
        if (change != null && changesKept < MOST_CHANGES) {
            changes.computeIfAbsent(service, n -> new ArrayList<>(1)).add(change);
            changesKept++;
        }
    }

    /** With a deletion comes no time: the annotation is of the change before (so kube-proxy, EndpointSliceUpdate). */
    private void forget(ServiceName service) {
        List<EndpointChange> forgotten = changes.remove(service);
        changesKept -= forgotten == null ? 0 : forgotten.size();
    }

    /** The objects themselves, for the state file. */
    synchronized Contents contents() {
        return new Contents(List.copyOf(services.values()), Map.copyOf(groups), Map.copyOf(nodes));
    }

    /** All objects at one moment; {@code nodes} by name. */
    record Contents(List<Service> services, Map<ObjectKey, EndpointGroups> groups, Map<String, NodeFacts> nodes) {}

    private static @Nullable String zone(@Nullable NodeFacts facts) {
        return facts == null ? null : facts.zone();
    }

    private static List<InetAddress> addresses(@Nullable NodeFacts facts) {
        return facts == null ? List.of() : facts.addresses();
    }

    private static <T> List<ObjectKey> gone(Map<ObjectKey, T> before, Map<ObjectKey, T> now) {
        return before.keySet().stream().filter(key -> !now.containsKey(key)).toList();
    }

    private void detach(ObjectKey key, EndpointGroups from) {
        Map<ObjectKey, EndpointGroups> others = groupsOf.get(from.service());
        if (others != null) {
            others.remove(key);
            if (others.isEmpty()) {
                groupsOf.remove(from.service());
            }
        }
        dirtyEndpoints.add(from.service());
    }

    private ServiceState merge(Service service) {
        Collection<EndpointGroups> written = groupsOf.getOrDefault(service.name(), Map.of()).values();
        Set<IpFamily> families = EnumSet.noneOf(IpFamily.class);
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        List<PortState> ports = new ArrayList<>(service.ports().size());
        for (ServicePort port : service.ports()) {
            List<Endpoint> found = new ArrayList<>();
            for (EndpointGroups slice : written) {
                for (Group group : slice.groups()) {
                    add(group, port, found);
                }
            }
            EndpointSet set = EndpointSet.of(found);
            boolean counts = service.proxied() && port.protocol() == Protocol.TCP;
            ports.add(new PortState(port, set, counts ? whyEmpty(service, port, set, families, written) : null));
        }
        return new ServiceState(service, ports);
    }

    private static void add(Group group, ServicePort port, List<Endpoint> found) {
        for (Port written : group.ports()) {
            if (written.name().equals(port.name()) && written.protocol() == port.protocol()) {
                for (Address a : group.addresses()) {
                    found.add(new Endpoint(new EndpointAddress(a.ip(), written.number()), a.ready(), a.serving(),
                            a.terminating(), a.node(), a.zone(), a.zoneHints(), a.nodeHints(), a.hostname(),
                            a.target()));
                }
            }
        }
    }

    private static @Nullable EmptyReason whyEmpty(Service service, ServicePort port, EndpointSet set,
            Set<IpFamily> families, Collection<EndpointGroups> written) {
        List<Endpoint> ofFamily =
                set.endpoints().stream().filter(e -> families.contains(e.address().family())).toList();
        if (ofFamily.stream().anyMatch(e -> e.ready() || e.serving() && e.terminating())) {
            return null;
        }
        if (!ofFamily.isEmpty()) {
            return new EmptyReason.NoneReady(ofFamily.size(), ofFamily.stream().map(ClusterView::nameOf).toList());
        }
        if (!set.isEmpty()) {
            return new EmptyReason.OtherFamilyOnly(set.endpoints().size(), families.iterator().next());
        }
        TreeSet<String> names = new TreeSet<>();
        boolean addresses = false;
        for (EndpointGroups slice : written) {
            for (Group group : slice.groups()) {
                addresses |= !group.addresses().isEmpty();
                group.ports().forEach(p -> names.add(p.name()));
            }
        }
        return addresses
                ? new EmptyReason.PortNotWritten(port.name(), List.copyOf(names))
                : new EmptyReason.NoneInCluster(service.selector());
    }

    private static String nameOf(Endpoint endpoint) {
        String target = endpoint.target();
        return target == null ? endpoint.address().toString() : target;
    }
}
