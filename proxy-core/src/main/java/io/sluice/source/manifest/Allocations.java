package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Manifest.FamilyPolicy;
import io.sluice.source.manifest.Manifest.PortManifest;
import io.sluice.source.manifest.ReadingLimits.Rest;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Gives Services the addresses and node ports that their manifests leave out, as an API server does.
 *
 * <p>Each is derived from namespace and name, so it is the same after a restart and in any order of the files. If two Services
 * would get the same one, a written value comes first, then an earlier allocation, then the first Service by name; the other
 * gets the next free one. An allocation is kept as long as its Service exists, so that an edit of one Service never moves
 * another. Immutable: an edit that turns out to be unusable must not have moved anything.
 */
final class Allocations {

    /**
     * The first addresses of a range are left for addresses written by hand, as the API server prefers (KEP-3070); the network
     * and the broadcast address are never allocated. In a range of fewer than 256 addresses one is left out.
     */
    private static final int RESERVED = 16;
    /** Stands in place of a port's name, which cannot be equal to it: it has no capital letters. */
    private static final String HEALTH_CHECK = "healthCheckNodePort";

    /** Comparable, so that a hash table stays fast even if names were chosen to have the same hash. */
    private record AddressKey(ServiceName service, IpFamily family) implements Comparable<AddressKey> {

        private static final Comparator<AddressKey> ORDER =
                Comparator.comparing(AddressKey::service).thenComparing(AddressKey::family);

        @Override
        public int compareTo(AddressKey other) {
            return ORDER.compare(this, other);
        }
    }

    private record PortKey(ServiceName service, String port, Protocol protocol) implements Comparable<PortKey> {

        private static final Comparator<PortKey> ORDER = Comparator.comparing(PortKey::service)
                .thenComparing(PortKey::port).thenComparing(PortKey::protocol);

        @Override
        public int compareTo(PortKey other) {
            return ORDER.compare(this, other);
        }
    }

    private record NodePort(int number, Protocol protocol) {}

    /** A node port to allocate: for which port, and its number, 0 for any. */
    private record NodePortWish(PortKey key, ServiceManifest service, int number, String place, String path) {}

    private final ManifestOptions options;
    private final Map<AddressKey, InetAddress> addresses = new HashMap<>();
    private final Map<PortKey, NodePort> nodePorts = new HashMap<>();
    private final Map<ServiceName, Instant> firstSeen = new HashMap<>();

    private Allocations(ManifestOptions options) {
        this.options = options;
    }

    /** No allocation yet. */
    static Allocations none(ManifestOptions options) {
        return new Allocations(options);
    }

    /** The allocations of exactly {@code services}; they keep those that they have now. */
    Allocations with(List<ServiceManifest> services, Instant now, Problems problems, Rest rest) {
        List<ServiceManifest> sorted = services.stream().sorted(Comparator.comparing(ServiceManifest::name)).toList();
        Allocations next = new Allocations(options);
        next.allocateAddresses(sorted, addresses, problems, rest);
        next.allocateNodePorts(sorted, nodePorts, problems);
        for (ServiceManifest service : sorted) {
            next.firstSeen.put(service.name(), firstSeen.getOrDefault(service.name(), now));
        }
        return next;
    }

    /** The Service's cluster addresses, the primary one first. */
    List<InetAddress> clusterIps(ServiceManifest service) {
        List<InetAddress> ips = new ArrayList<>();
        for (IpFamily family : families(service)) {
            InetAddress ip = addresses.get(new AddressKey(service.name(), family));
            if (ip != null) {
                ips.add(ip);
            }
        }
        return ips;
    }

    /** The port's node port, 0 for none. */
    int nodePort(ServiceManifest service, PortManifest port) {
        NodePort nodePort = nodePorts.get(new PortKey(service.name(), port.name(), port.protocol()));
        return nodePort == null ? 0 : nodePort.number();
    }

    /** The Service's health check node port, 0 for none. */
    int healthCheckNodePort(ServiceManifest service) {
        NodePort nodePort = nodePorts.get(new PortKey(service.name(), HEALTH_CHECK, Protocol.TCP));
        return nodePort == null ? 0 : nodePort.number();
    }

    Instant firstSeen(ServiceManifest service) {
        return firstSeen.getOrDefault(service.name(), Instant.EPOCH);
    }

    private static boolean hasAddress(ServiceManifest service) {
        return !service.headless() && service.externalName() == null;
    }

    /** The families of the Service, the primary one first (KEP-563). */
    private List<IpFamily> families(ServiceManifest service) {
        List<IpFamily> families = new ArrayList<>();
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        if (families.isEmpty()) {
            families.addAll(service.families());
        }
        if (families.isEmpty()) {
            families.add(options.mainFamily());
        }
        if (service.familyPolicy() == FamilyPolicy.SINGLE) {
            return families.subList(0, 1);
        }
        for (IpFamily family : IpFamily.values()) {
            if (!families.contains(family)) {
                families.add(family);
            }
        }
        return families;
    }

    private void allocateAddresses(List<ServiceManifest> services, Map<AddressKey, InetAddress> before,
            Problems problems, Rest rest) {
        Map<InetAddress, ServiceManifest> taken = new TreeMap<>(IpAddresses.ORDER);
        Set<IpFamily> full = EnumSet.noneOf(IpFamily.class);
        Map<AddressKey, ServiceManifest> wanted = new LinkedHashMap<>();
        for (ServiceManifest service : services) {
            for (InetAddress ip : service.clusterIps()) {
                ServiceManifest other = taken.putIfAbsent(ip, service);
                if (other != null) {
                    problems.error(service.clusterIpPlace(), service.subject() + " spec.clusterIP",
                            IpAddresses.format(ip) + " is the address of " + other.subject() + " ("
                                    + other.clusterIpPlace() + ") already; leave it out to have one allocated");
                } else {
                    addresses.put(new AddressKey(service.name(), IpFamily.of(ip)), ip);
                }
            }
            if (hasAddress(service)) {
                for (IpFamily family : families(service)) {
                    if (service.clusterIps().stream().noneMatch(ip -> IpFamily.of(ip) == family)) {
                        wanted.put(new AddressKey(service.name(), family), service);
                    }
                }
            }
        }
        keepGiven(wanted, before, taken);
        wanted.forEach((key, service) -> {
            if (!rest.over().isEmpty()) {
                return; // reported when the endpoints are derived
            }
            Cidr range = range(key.family());
            if (range == null) {
                if (service.familyPolicy() != FamilyPolicy.PREFER_DUAL) {
                    problems.warning(service.location(), service.subject(), "wants an " + key.family().apiName()
                            + " address, but --service-cidr has no " + key.family().apiName() + " range");
                }
                return;
            }
            InetAddress ip = full.contains(key.family()) ? null : probe(range, key, taken);
            if (ip == null) {
                full.add(key.family());
                problems.error(service.location(), service.subject(),
                        "gets no address: " + range + " (--service-cidr) is full");
            } else {
                taken.put(ip, service);
                addresses.put(key, ip);
            }
        });
    }

    private void keepGiven(Map<AddressKey, ServiceManifest> wanted, Map<AddressKey, InetAddress> before,
            Map<InetAddress, ServiceManifest> taken) {
        wanted.entrySet().removeIf(entry -> {
            InetAddress given = before.get(entry.getKey());
            Cidr range = range(entry.getKey().family());
            if (given == null || range == null || !range.contains(given)
                    || taken.putIfAbsent(given, entry.getValue()) != null) {
                return false;
            }
            addresses.put(entry.getKey(), given);
            return true;
        });
    }

    private @Nullable Cidr range(IpFamily family) {
        return options.serviceCidrs().stream().filter(c -> c.family() == family).findFirst().orElse(null);
    }

    private static @Nullable InetAddress probe(Cidr range, AddressKey key, Map<InetAddress, ServiceManifest> taken) {
        BigInteger first = BigInteger.valueOf(range.size().bitLength() > 8 ? RESERVED : 1);
        BigInteger usable = range.size().subtract(first).subtract(BigInteger.ONE);
        if (usable.signum() <= 0) {
            return null;
        }
        BigInteger start = hash(key.service().toString()).mod(usable);
        for (int i = 0; BigInteger.valueOf(i).compareTo(usable) < 0; i++) {
            InetAddress ip = range.address(first.add(start.add(BigInteger.valueOf(i)).mod(usable)));
            if (!taken.containsKey(ip)) {
                return ip;
            }
        }
        return null;
    }

    private static List<NodePortWish> nodePortWishes(ServiceManifest service) {
        List<NodePortWish> wishes = new ArrayList<>();
        for (PortManifest port : service.ports()) {
            if (service.nodePorts() || port.nodePort() != 0) {
                wishes.add(new NodePortWish(new PortKey(service.name(), port.name(), port.protocol()), service,
                        port.nodePort(), port.location(), port.path()));
            }
        }
        if (service.healthCheck()) {
            wishes.add(new NodePortWish(new PortKey(service.name(), HEALTH_CHECK, Protocol.TCP), service,
                    service.healthCheckNodePort(), service.healthCheckPlace(), "spec.healthCheckNodePort"));
        }
        return wishes;
    }

    private void allocateNodePorts(List<ServiceManifest> services, Map<PortKey, NodePort> before, Problems problems) {
        Map<NodePort, NodePortWish> taken = new HashMap<>();
        Set<Protocol> full = EnumSet.noneOf(Protocol.class);
        List<NodePortWish> wanted = new ArrayList<>();
        for (ServiceManifest service : services) {
            for (NodePortWish wish : nodePortWishes(service)) {
                if (wish.number() == 0) {
                    wanted.add(wish);
                } else {
                    giveExplicit(wish, taken, problems);
                }
            }
        }
        wanted.removeIf(wish -> {
            NodePort given = before.get(wish.key());
            if (given == null || !inRange(given.number()) || taken.putIfAbsent(given, wish) != null) {
                return false;
            }
            nodePorts.put(wish.key(), given);
            return true;
        });
        for (NodePortWish wish : wanted) {
            NodePort free = full.contains(wish.key().protocol()) ? null : probe(wish.key(), taken);
            if (free == null) {
                full.add(wish.key().protocol());
                problems.error(wish.place(), wish.service().subject() + " " + wish.path(),
                        "gets no node port: " + range() + " (--node-port-range) is full");
            } else {
                taken.put(free, wish);
                nodePorts.put(wish.key(), free);
            }
        }
    }

    private void giveExplicit(NodePortWish wish, Map<NodePort, NodePortWish> taken, Problems problems) {
        String subject = wish.service().subject() + " " + wish.path();
        NodePort explicit = new NodePort(wish.number(), wish.key().protocol());
        NodePortWish other = taken.get(explicit);
        if (!inRange(wish.number())) {
            problems.error(wish.place(), subject, wish.number() + " is outside " + range() + " (--node-port-range)");
        } else if (other != null) {
            problems.error(wish.place(), subject, wish.number() + " is a node port of " + other.service().subject()
                    + " (" + other.place() + ") already; leave it out to have one allocated");
        } else {
            taken.put(explicit, wish);
            nodePorts.put(wish.key(), explicit);
        }
    }

    private boolean inRange(int nodePort) {
        return nodePort >= options.nodePortMin() && nodePort <= options.nodePortMax();
    }

    private String range() {
        return options.nodePortMin() + "-" + options.nodePortMax();
    }

    private @Nullable NodePort probe(PortKey key, Map<NodePort, NodePortWish> taken) {
        int size = options.nodePortMax() - options.nodePortMin() + 1;
        int start = hash(key.service() + ":" + key.port() + "/" + key.protocol()).mod(BigInteger.valueOf(size))
                .intValueExact();
        for (int i = 0; i < size; i++) {
            NodePort candidate = new NodePort(options.nodePortMin() + (start + i) % size, key.protocol());
            if (!taken.containsKey(candidate)) {
                return candidate;
            }
        }
        return null;
    }

    private static BigInteger hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return new BigInteger(1, digest).shiftRight(192);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
