package io.sluice.source.kubernetes;

import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.TriggerTime;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.ServiceMap;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.EndpointMerge;
import io.sluice.source.EndpointSubset;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The objects of the API server, merged: each Service with the endpoints of all slices that name it.
 *
 * <p>Objects may arrive in any order; a slice that arrives before its Service waits for it, and a slice that moves from one
 * Service to another is removed from the first. Only changed Services are merged again. Thread-safe: the reflectors put
 * objects in, one thread takes snapshots out; a snapshot has all changes that were put in by one call, or none.
 */
final class ClusterView {

    /** A fixed order of the slices of one Service, so that the order of arrival does not change the merged endpoints. */
    private static final Comparator<ObjectKey> BY_NAME = Comparator.comparing(ObjectKey::name);

    /** The most trigger times that one snapshot has, so that a burst takes little memory. */
    private static final int MOST_CHANGES = 10_000;

    /** The Service of the API server. */
    private static final ServiceName API_SERVER = new ServiceName("default", "kubernetes");

    private final String nodeName;
    private final Map<ObjectKey, Service> services = new HashMap<>();
    private final Map<ObjectKey, EndpointSubsets> slices = new HashMap<>();
    private final Map<ServiceName, Map<ObjectKey, EndpointSubsets>> slicesOf = new HashMap<>();
    private ServiceMap states = ServiceMap.EMPTY;
    private final Set<ServiceName> dirtyServices = new HashSet<>();
    private final Set<ServiceName> dirtyEndpoints = new HashSet<>();
    private final Map<ServiceName, List<TriggerTime>> changes = new HashMap<>();
    private int changesKept;
    private final Map<String, NodeFacts> nodes = new HashMap<>();
    private Set<InetSocketAddress> configuredServers = Set.of();
    private ClusterFacts facts = new ClusterFacts(false, Map.of(), Set.of(), Set.of());
    private boolean factsMayDiffer;
    private boolean changed = true;

    /** Creates an empty view of the node {@code nodeName}. */
    ClusterView(String nodeName) {
        this.nodeName = nodeName;
    }

    /** A view of objects that were saved. */
    static ClusterView of(String nodeName, Contents contents) {
        ClusterView view = new ClusterView(nodeName);
        Map<ObjectKey, Service> services = new HashMap<>();
        contents.services().forEach(
                service -> services.put(new ObjectKey(service.name().namespace(), service.name().name()), service));
        view.services().put(services);
        view.endpoints().put(contents.slices());
        Map<ObjectKey, NodeFacts> nodes = new HashMap<>();
        contents.nodes().forEach((name, node) -> nodes.put(new ObjectKey("", name), node));
        view.node().put(nodes);
        return view;
    }

    /** Receives the objects of one kind from a reflector. */
    interface Part<T> {

        /** Replaces all objects of the kind; {@code since} has their trigger times as far as known. */
        void replace(Map<ObjectKey, T> all, Map<ObjectKey, TriggerTime> since);

        /** Adds or replaces objects; {@code since} has their trigger times as far as known. */
        void put(Map<ObjectKey, T> some, Map<ObjectKey, TriggerTime> since);

        /** Replaces all objects, without trigger times. */
        default void replace(Map<ObjectKey, T> all) {
            replace(all, Map.of());
        }

        /** Adds or replaces objects, without trigger times. */
        default void put(Map<ObjectKey, T> some) {
            put(some, Map.of());
        }

        /** Removes an object if the view has it. */
        void remove(ObjectKey key);

        /** How many objects of the kind the view has. */
        int size();
    }

    Part<Service> services() {
        return new Part<>() {
            @Override
            public void replace(Map<ObjectKey, Service> all, Map<ObjectKey, TriggerTime> since) {
                synchronized (ClusterView.this) {
                    gone(services, all).forEach(this::remove);
                    put(all, since);
                }
            }

            @Override
            public void put(Map<ObjectKey, Service> some, Map<ObjectKey, TriggerTime> since) {
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

    Part<EndpointSubsets> endpoints() {
        return new Part<>() {
            @Override
            public void replace(Map<ObjectKey, EndpointSubsets> all, Map<ObjectKey, TriggerTime> since) {
                synchronized (ClusterView.this) {
                    gone(slices, all).forEach(this::remove);
                    put(all, since);
                }
            }

            @Override
            public void put(Map<ObjectKey, EndpointSubsets> some, Map<ObjectKey, TriggerTime> since) {
                synchronized (ClusterView.this) {
                    some.forEach((key, now) -> {
                        EndpointSubsets before = slices.put(key, now);
                        if (!now.equals(before)) {
                            if (before != null && !before.service().equals(now.service())) {
                                detach(key, before);
                            }
                            slicesOf.computeIfAbsent(now.service(), n -> new TreeMap<>(BY_NAME)).put(key, now);
                            dirtyEndpoints.add(now.service());
                            keep(now.service(), since.get(key));
                        }
                    });
                }
            }

            @Override
            public void remove(ObjectKey key) {
                synchronized (ClusterView.this) {
                    EndpointSubsets removed = slices.remove(key);
                    if (removed != null) {
                        detach(key, removed);
                        forget(removed.service());
                    }
                }
            }

            @Override
            public int size() {
                synchronized (ClusterView.this) {
                    return slices.size();
                }
            }
        };
    }

    /** The Node of this node, and the other Nodes if they are watched. */
    Part<NodeFacts> node() {
        return new Part<>() {
            @Override
            public void replace(Map<ObjectKey, NodeFacts> all, Map<ObjectKey, TriggerTime> since) {
                synchronized (ClusterView.this) {
                    Set<String> gone = new HashSet<>(nodes.keySet());
                    all.keySet().forEach(key -> gone.remove(key.name()));
                    gone.forEach(name -> set(name, null));
                    put(all, since);
                }
            }

            @Override
            public void put(Map<ObjectKey, NodeFacts> some, Map<ObjectKey, TriggerTime> since) {
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

    /** Sets the addresses of the configured API server. */
    synchronized void configuredServers(Set<InetSocketAddress> servers) {
        factsMayDiffer |= !servers.equals(configuredServers);
        configuredServers = Set.copyOf(servers);
    }

    /** Whether the cluster is about to delete this node. */
    synchronized boolean leaving() {
        NodeFacts here = nodes.get(nodeName);
        return here != null && here.leaving();
    }

    /** The facts about this node; null if the cluster has no such Node. */
    synchronized @Nullable NodeFacts own() {
        return nodes.get(nodeName);
    }

    /** What the view knows about nodes besides this node's Node; each question reads all endpoints at the most. */
    OwnNode.Endpoints endpointsOfNodes() {
        return new OwnNode.Endpoints() {
            @Override
            public Set<String> nodeNames() {
                synchronized (ClusterView.this) {
                    Set<String> names = new HashSet<>(nodes.keySet());
                    addresses().map(EndpointSubset.Address::node).filter(Objects::nonNull).forEach(names::add);
                    return names;
                }
            }

            @Override
            public Set<String> hintedZones() {
                synchronized (ClusterView.this) {
                    Set<String> zones = new HashSet<>();
                    addresses().forEach(address -> zones.addAll(address.zoneHints()));
                    return zones;
                }
            }

            private Stream<EndpointSubset.Address> addresses() {
                return slices.values().stream().flatMap(slice -> slice.subsets().stream())
                        .flatMap(subset -> subset.addresses().stream());
            }
        };
    }

    /** A snapshot of the view as {@code version}; null if nothing has changed since the last one. */
    synchronized @Nullable ClusterSnapshot snapshotIfChanged(long version, Instant asOf) {
        Set<ServiceName> dirty = new HashSet<>(dirtyServices);
        dirty.addAll(dirtyEndpoints);
        if (dirty.isEmpty() && !changed && !factsMayDiffer) {
            return null;
        }
        Map<ServiceName, ServiceState> put = new HashMap<>();
        List<ServiceName> removed = new ArrayList<>();
        for (ServiceName name : dirty) {
            Service service = services.get(new ObjectKey(name.namespace(), name.name()));
            ServiceState before = states.get(name);
            ServiceState now = service == null ? null : merge(service);
            if (now != null && !now.equals(before)) {
                put.put(name, now);
            } else if (now == null && before != null) {
                removed.add(name);
            }
        }
        changed |= !put.isEmpty() || !removed.isEmpty();
        states = states.with(put, removed);
        if (factsMayDiffer || dirty.contains(API_SERVER)) {
            ClusterFacts known = facts;
            facts = facts();
            changed |= !facts.equals(known);
            factsMayDiffer = false;
        }
        dirtyServices.clear();
        dirtyEndpoints.clear();
        List<TriggerTime> dated = changes.values().stream().flatMap(List::stream).toList();
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

    /** How many Services have changed since the last snapshot. */
    synchronized ChangeCount waiting() {
        return new ChangeCount(dirtyServices.size(), dirtyEndpoints.size());
    }

    private void keep(ServiceName service, @Nullable TriggerTime change) {
        if (change != null && changesKept < MOST_CHANGES) {
            changes.computeIfAbsent(service, n -> new ArrayList<>(1)).add(change);
            changesKept++;
        }
    }

    /** A deletion has no trigger time: the annotation is of the change before (kube-proxy, EndpointSliceUpdate). */
    private void forget(ServiceName service) {
        List<TriggerTime> forgotten = changes.remove(service);
        changesKept -= forgotten == null ? 0 : forgotten.size();
    }

    /** The objects themselves, for the state file. */
    synchronized Contents contents() {
        return new Contents(List.copyOf(services.values()), Map.copyOf(slices), Map.copyOf(nodes));
    }

    /** All objects at one moment; {@code nodes} by name. */
    record Contents(List<Service> services, Map<ObjectKey, EndpointSubsets> slices, Map<String, NodeFacts> nodes) {}

    private static @Nullable String zone(@Nullable NodeFacts facts) {
        return facts == null ? null : facts.zone();
    }

    private static List<InetAddress> addresses(@Nullable NodeFacts facts) {
        return facts == null ? List.of() : facts.addresses();
    }

    private static <T> List<ObjectKey> gone(Map<ObjectKey, T> before, Map<ObjectKey, T> now) {
        return before.keySet().stream().filter(key -> !now.containsKey(key)).toList();
    }

    private void detach(ObjectKey key, EndpointSubsets from) {
        Map<ObjectKey, EndpointSubsets> others = slicesOf.get(from.service());
        if (others != null) {
            others.remove(key);
            if (others.isEmpty()) {
                slicesOf.remove(from.service());
            }
        }
        dirtyEndpoints.add(from.service());
    }

    private ServiceState merge(Service service) {
        List<EndpointSubset> written = new ArrayList<>();
        slicesOf.getOrDefault(service.name(), Map.of()).values().forEach(slice -> written.addAll(slice.subsets()));
        Set<IpFamily> families = EnumSet.noneOf(IpFamily.class);
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        List<PortState> ports = new ArrayList<>(service.ports().size());
        for (ServicePort port : service.ports()) {
            EndpointMerge merge = new EndpointMerge(service, port, families);
            written.forEach(merge::add);
            ports.add(merge.state(() -> EndpointMerge.portNotWritten(port.name(), written)
                    .orElseGet(() -> new EmptyReason.NoneInCluster(service.selector()))));
        }
        return EndpointMerge.withPortless(service, ports, List.of(), written);
    }
}
