package io.sluice.dns.zone;

import io.sluice.dns.zone.ZoneNode.RecordSet;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.CNAMERecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.SRVRecord;
import org.xbill.DNS.Type;

/**
 * The records of one Service (Kubernetes DNS-Based Service Discovery, §2.3 to §2.5). Immutable, and reused by later zones
 * while the Service does not change.
 *
 * @param state    the Service; its ports and endpoints only if it is headless
 * @param nodes    the Service's name and all names below it, empty non-terminals included
 * @param pointers its PTR records
 * @param warning  why the Service has no name although it should, for the log; null without a problem
 */
record ServiceRecords(ServiceState state, Map<Name, ZoneNode> nodes, List<Pointer> pointers, @Nullable String warning) {

    /** Keeps endpoints only if records are made from them: else old ones would stay in memory beside the new. */
    ServiceRecords {
        state = state.service().headless() ? state : new ServiceState(state.service(), List.of());
    }

    /** Whether {@code now} has the same records: endpoints have names in headless Services only. */
    boolean of(ServiceState now) {
        return state.service().equals(now.service())
                && (!now.service().headless() || state.equals(now));
    }

    /**
     * A PTR record.
     *
     * @param clusterIp whether the address is a Service's cluster address: then it gets no name of an endpoint
     */
    record Pointer(Name owner, Name target, boolean clusterIp) {}

    private record SrvTarget(int port, Name target) {}

    /**
     * The records of {@code state}.
     *
     * @param parent {@code svc.<zone>}
     * @param ttl    in seconds
     */
    static ServiceRecords of(ServiceState state, Name parent, long ttl) {
        Service service = state.service();
        Name namespace = DomainNames.child(service.name().namespace(), parent);
        Name name = namespace == null ? null : DomainNames.child(service.name().name(), namespace);
        if (name == null) {
            return new ServiceRecords(state, Map.of(), List.of(), "its name is too long for DNS");
        }
        return new Maker(name, ttl).make(state);
    }

    /** Gathers the records of one Service. */
    private static final class Maker {

        private final Name name;
        private final long ttl;
        private final Map<Name, Set<InetAddress>> addresses = new LinkedHashMap<>();
        private final Map<Name, Set<SrvTarget>> targets = new LinkedHashMap<>();
        private final Set<SrvTarget> all = new LinkedHashSet<>();
        private final Set<Pointer> pointers = new LinkedHashSet<>();

        Maker(Name name, long ttl) {
            this.name = name;
            this.ttl = ttl;
        }

        ServiceRecords make(ServiceState state) {
            Service service = state.service();
            if (service.type() == ServiceType.EXTERNAL_NAME) {
                return external(state, service.externalName());
            }
            if (service.headless()) {
                headless(state);
            } else {
                clusterIps(service);
            }
            return new ServiceRecords(state, nodes(), List.copyOf(pointers), null);
        }

        /** The API accepts an address instead of a name; it must become neither an A record nor a CNAME. */
        private ServiceRecords external(ServiceState state, @Nullable String text) {
            Name target = text == null || DomainNames.isAddress(text) ? null : DomainNames.absolute(text);
            if (target == null) {
                return new ServiceRecords(state, Map.of(), List.of(),
                        "externalName '" + text + "' is not a domain name; its DNS name does not exist");
            }
            ZoneNode node = ZoneNode.of(new CNAMERecord(name, DClass.IN, ttl, target));
            return new ServiceRecords(state, Map.of(name, node), List.of(), null);
        }

        private void clusterIps(Service service) {
            for (InetAddress ip : service.clusterIps()) {
                address(name, ip);
                pointers.add(new Pointer(DomainNames.reverse(ip), name, true));
            }
            if (!addresses.isEmpty()) {
                service.ports().forEach(port -> target(port.name(), port.protocol(), port.port(), name));
            }
        }

        private void headless(ServiceState state) {
            for (PortState port : state.ports()) {
                targets(port.port().name(), port.port().protocol(), port.endpoints());
            }
            state.portless().endpoints().stream().filter(Endpoint::ready).forEach(this::endpoint);
            state.others().forEach(port -> targets(port.name(), port.protocol(), port.endpoints()));
        }

        private void targets(String port, Protocol protocol, EndpointSet endpoints) {
            for (Endpoint endpoint : endpoints.endpoints()) {
                if (endpoint.ready()) {
                    Name endpointName = endpoint(endpoint);
                    if (endpointName != null) {
                        target(port, protocol, endpoint.address().port(), endpointName);
                    }
                }
            }
        }

        /** Adds the addresses of {@code endpoint}; returns its name, or null if that would be too long. */
        private @Nullable Name endpoint(Endpoint endpoint) {
            InetAddress ip = endpoint.address().ip();
            address(name, ip);
            Name own = endpoint.hostname() == null ? null : DomainNames.child(endpoint.hostname(), name);
            if (own == null) {
                own = DomainNames.child(DomainNames.addressLabel(ip), name);
            }
            if (own != null) {
                address(own, ip);
                pointers.add(new Pointer(DomainNames.reverse(ip), own, false));
            }
            return own;
        }

        private void address(Name owner, InetAddress ip) {
            addresses.computeIfAbsent(owner, n -> new LinkedHashSet<>()).add(ip);
        }

        /** Only named ports have names of their own. The Service's name has the SRV records of all ports, as in CoreDNS. */
        private void target(String port, Protocol protocol, int number, Name target) {
            all.add(new SrvTarget(number, target));
            if (port.isEmpty()) {
                return;
            }
            Name parent = DomainNames.child('_' + protocol.name().toLowerCase(Locale.ROOT), name);
            Name owner = parent == null ? null : DomainNames.child('_' + port, parent);
            if (owner != null) {
                targets.computeIfAbsent(owner, n -> new LinkedHashSet<>()).add(new SrvTarget(number, target));
            }
        }

        private Map<Name, ZoneNode> nodes() {
            Map<Name, ZoneNode> nodes = LinkedHashMap.newLinkedHashMap(addresses.size() + 2 * targets.size());
            addresses.forEach((owner, ips) -> nodes.put(owner, addressNode(owner, ips, ttl)));
            targets.forEach((owner, srvs) -> {
                nodes.put(owner, new ZoneNode(List.of(targetSet(owner, srvs))));
                nodes.putIfAbsent(new Name(owner, 1), ZoneNode.EMPTY_NON_TERMINAL);
            });
            if (!all.isEmpty()) {
                nodes.computeIfPresent(name, (owner, node) -> {
                    List<RecordSet> sets = new ArrayList<>(node.sets());
                    sets.add(targetSet(owner, all));
                    return new ZoneNode(sets);
                });
            }
            return nodes;
        }

        /** Equal weights that add up to about 100, as CoreDNS has them. */
        private RecordSet targetSet(Name owner, Set<SrvTarget> srvs) {
            int weight = Math.max(1, 100 / srvs.size());
            List<Record> records = new ArrayList<>(srvs.size());
            for (SrvTarget srv : srvs) {
                records.add(new SRVRecord(owner, DClass.IN, ttl, 0, weight, srv.port(), srv.target()));
            }
            return new RecordSet(Type.SRV, records);
        }
    }

    /** A name with an A record for each IPv4 address and an AAAA record for each IPv6 one. */
    static ZoneNode addressNode(Name owner, Iterable<InetAddress> ips, long ttl) {
        List<Record> v4 = new ArrayList<>();
        List<Record> v6 = new ArrayList<>();
        for (InetAddress ip : ips) {
            if (IpFamily.of(ip) == IpFamily.IPV4) {
                v4.add(new ARecord(owner, DClass.IN, ttl, ip));
            } else {
                v6.add(new AAAARecord(owner, DClass.IN, ttl, ip));
            }
        }
        List<RecordSet> sets = new ArrayList<>(2);
        if (!v4.isEmpty()) {
            sets.add(new RecordSet(Type.A, v4));
        }
        if (!v6.isEmpty()) {
            sets.add(new RecordSet(Type.AAAA, v6));
        }
        return new ZoneNode(sets);
    }
}
