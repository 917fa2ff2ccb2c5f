package io.sluice.dns.zone;

import io.sluice.dns.zone.Lookup.Apex;
import io.sluice.dns.zone.ServiceRecords.Pointer;
import io.sluice.dns.zone.ZoneNode.RecordSet;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.DClass;
import org.xbill.DNS.NSRecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.PTRRecord;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.TXTRecord;
import org.xbill.DNS.Type;

/**
 * Every name that this server answers for: the cluster domain and the two reverse zones, made from one snapshot. Immutable.
 *
 * <p>All names are in one table, each with every name above it, so that "does not exist", "exists without this
 * type" and "something is below it" (RFC 8020) need no rules of their own. A new zone takes over the records of Services
 * that have not changed.
 */
public final class Zone {

    static final String SCHEMA_VERSION = "1.1.0";

    private static final ServiceName DNS_SERVICE = new ServiceName("kube-system", "kube-dns");
    private static final long SCHEMA_TTL = 28_800;
    private static final long MAX_SOA_TTL = 300;
    private static final int REFRESH = 7_200;
    private static final int RETRY = 1_800;
    private static final int EXPIRE = 86_400;

    private final ZoneSettings settings;
    private final boolean synced;
    private final long serial;
    private final Name serviceParent;
    private final Name podParent;
    private final Apex cluster;
    private final List<Apex> reverse;
    /** Sorted, as a snapshot has them. */
    private final Map<ServiceName, ServiceRecords> services;
    private final Map<String, Set<InetAddress>> pods;
    private final Map<Name, ZoneNode> nodes;

    private Zone(ZoneSettings settings, boolean synced, long serial, Map<ServiceName, ServiceRecords> services,
            Map<String, Set<InetAddress>> pods) {
        this.settings = settings;
        this.synced = synced;
        this.serial = serial;
        this.services = services;
        this.pods = pods;
        serviceParent = DomainNames.fixedChild("svc", settings.origin());
        podParent = DomainNames.fixedChild("pod", settings.origin());
        cluster = apex(settings.origin());
        reverse = List.of(apex(DomainNames.IPV4_REVERSE), apex(DomainNames.IPV6_REVERSE));
        nodes = HashMap.newHashMap(64 + 6 * services.size());
        fixedNames();
        serviceNames();
        pointers();
    }

    /** A zone without Services yet: a name that is not in it may exist all the same. */
    public static Zone unsynced(ZoneSettings settings) {
        return new Zone(settings, false, 1, Map.of(), Map.of());
    }

    /**
     * The zone of {@code snapshot}.
     *
     * @param podAddresses by namespace; they decide which namespaces exist, and about {@link PodRecords#VERIFIED}
     */
    public Zone with(ClusterSnapshot snapshot, Map<String, Set<InetAddress>> podAddresses) {
        if (synced && pods.equals(podAddresses) && services.size() == snapshot.services().size()
                && hasAll(snapshot.services().values())) {
            return this;
        }
        Map<ServiceName, ServiceRecords> records = LinkedHashMap.newLinkedHashMap(snapshot.services().size());
        for (ServiceState state : snapshot.services().values()) {
            ServiceName name = state.service().name();
            ServiceRecords known = services.get(name);
            records.put(name, known != null && known.of(state)
                    ? known
                    : ServiceRecords.of(state, serviceParent, settings.ttl()));
        }
        return new Zone(settings, true, Math.max(serial, serial(snapshot.asOf())), records, Map.copyOf(podAddresses));
    }

    /**
     * Whether this zone has the records of all {@code states}, which are as many as its own, in the same order unless some
     * differ.
     */
    private boolean hasAll(Collection<ServiceState> states) {
        Iterator<ServiceRecords> known = services.values().iterator();
        for (ServiceState state : states) {
            if (!known.next().of(state)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a name that is not in this zone does not exist. */
    public boolean synced() {
        return synced;
    }

    /** Time to live of the records, in seconds. */
    public long ttl() {
        return settings.ttl();
    }

    /** The number of names, empty non-terminals included. */
    public int size() {
        return nodes.size();
    }

    /** The problems of Services that have no name although they should. */
    public Map<ServiceName, String> warnings() {
        Map<ServiceName, String> warnings = new HashMap<>();
        services.forEach((name, records) -> {
            if (records.warning() != null) {
                warnings.put(name, records.warning());
            }
        });
        return warnings;
    }

    /** Looks {@code name} up. Any thread. */
    public Lookup find(Name name) {
        if (name.subdomain(cluster.origin())) {
            ZoneNode node = nodes.get(name);
            if (node == null) {
                node = pod(name);
            }
            return node == null ? new Lookup.Missing(cluster, true) : new Lookup.Present(cluster, node);
        }
        for (Apex apex : reverse) {
            if (name.subdomain(apex.origin())) {
                ZoneNode node = nodes.get(name);
                return node == null
                        ? new Lookup.Missing(apex, ReverseName.inside(name, settings.ownRanges()))
                        : new Lookup.Present(apex, node);
            }
        }
        return Lookup.Outside.INSTANCE;
    }

    private void fixedNames() {
        Name origin = settings.origin();
        Name nameserver = DomainNames.fixedChild("ns", DomainNames.fixedChild("dns", origin));
        Name target = nameserver;
        ServiceRecords dnsService = services.get(DNS_SERVICE);
        if (dnsService != null && dnsService.state().service().addressed() && !dnsService.nodes().isEmpty()) {
            target = dnsService.nodes().keySet().iterator().next();
        }
        apexNode(cluster, target);
        for (Apex apex : reverse) {
            apexNode(apex, target);
        }
        add(nameserver, ServiceRecords.addressNode(nameserver, settings.nameservers(), settings.ttl()));
        Name version = DomainNames.fixedChild("dns-version", origin);
        add(version, ZoneNode.of(new TXTRecord(version, DClass.IN, SCHEMA_TTL, SCHEMA_VERSION)));
        add(serviceParent, ZoneNode.EMPTY_NON_TERMINAL);
        if (settings.pods() != PodRecords.OFF) {
            add(podParent, ZoneNode.EMPTY_NON_TERMINAL);
        }
    }

    private void apexNode(Apex apex, Name nameserver) {
        Record ns = new NSRecord(apex.origin(), DClass.IN, settings.ttl(), nameserver);
        nodes.put(apex.origin(), new ZoneNode(
                List.of(new RecordSet(Type.SOA, List.of(apex.soa())), new RecordSet(Type.NS, List.of(ns)))));
    }

    private void serviceNames() {
        Set<String> namespaces = new TreeSet<>(pods.keySet());
        services.forEach((name, records) -> {
            namespaces.add(name.namespace());
            nodes.putAll(records.nodes());
        });
        for (String namespace : namespaces) {
            namespace(namespace, serviceParent);
            if (settings.pods() != PodRecords.OFF) {
                namespace(namespace, podParent);
            }
        }
    }

    private void namespace(String namespace, Name parent) {
        Name name = DomainNames.child(namespace, parent);
        if (name != null) {
            nodes.put(name, ZoneNode.EMPTY_NON_TERMINAL);
        }
    }

    /** A cluster address gets its Service's name only; any other address one name for each Service that has it. */
    private void pointers() {
        Map<Name, List<Pointer>> byOwner = new HashMap<>();
        for (ServiceRecords records : services.values()) {
            for (Pointer pointer : records.pointers()) {
                byOwner.computeIfAbsent(pointer.owner(), n -> new ArrayList<>(1)).add(pointer);
            }
        }
        byOwner.forEach((owner, pointers) -> {
            boolean clusterIp = pointers.stream().anyMatch(Pointer::clusterIp);
            Set<Name> targets = new LinkedHashSet<>();
            pointers.stream().filter(pointer -> pointer.clusterIp() == clusterIp).map(Pointer::target).sorted()
                    .forEach(targets::add);
            List<Record> records = new ArrayList<>(targets.size());
            targets.forEach(target -> records.add(new PTRRecord(owner, DClass.IN, settings.ttl(), target)));
            add(owner, new ZoneNode(List.of(new RecordSet(Type.PTR, records))));
        });
    }

    /** Adds a name and all names above it. */
    private void add(Name name, ZoneNode node) {
        nodes.put(name, node);
        for (Name above = new Name(name, 1); !nodes.containsKey(above); above = new Name(above, 1)) {
            nodes.put(above, ZoneNode.EMPTY_NON_TERMINAL);
        }
    }

    /** {@code <address>.<namespace>.pod.<zone>}, which is computed and in no table; null if it does not exist. */
    private @Nullable ZoneNode pod(Name name) {
        if (settings.pods() == PodRecords.OFF || name.labels() != podParent.labels() + 2
                || !name.subdomain(podParent)) {
            return null;
        }
        Name namespace = new Name(name, 1);
        InetAddress address = nodes.containsKey(namespace) ? DomainNames.addressOf(name.getLabelString(0)) : null;
        if (address == null || settings.pods() == PodRecords.VERIFIED
                && !pods.getOrDefault(label(namespace), Set.of()).contains(address)) {
            return null;
        }
        return ServiceRecords.addressNode(name, List.of(address), settings.ttl());
    }

    private static String label(Name name) {
        return name.getLabelString(0).toLowerCase(Locale.ROOT);
    }

    private Apex apex(Name origin) {
        Name nameserver = DomainNames.fixedChild("ns", DomainNames.fixedChild("dns", settings.origin()));
        Name hostmaster = DomainNames.fixedChild("hostmaster", settings.origin());
        return new Apex(origin, new SOARecord(origin, DClass.IN, Math.min(settings.ttl(), MAX_SOA_TTL), nameserver,
                hostmaster, serial, REFRESH, RETRY, EXPIRE, settings.ttl()));
    }

    /** Seconds since 1970 for RFC 1982 arithmetic: 32 bits, unsigned. */
    private static long serial(Instant asOf) {
        return asOf.getEpochSecond() & 0xffff_ffffL;
    }
}
