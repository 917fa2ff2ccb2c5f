package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Manifest.FamilyPolicy;
import io.sluice.source.manifest.Manifest.PortManifest;
import io.sluice.source.manifest.Manifest.ServiceManifest;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives Services the addresses and node ports that their manifests leave out, as an API server does.
 *
 * <p>Each is derived from namespace and name, so it is the same after a restart. Where two would get the same, the first
 * by name has it and the other gets the next free one. What was given is remembered as long as the Service is there, so
 * that an edit of one never moves another. Not thread-safe.
 */
final class Allocations {

    /** The first addresses of a range are left to those who write them by hand, as the API server prefers it (KEP-3070). */
    private static final int RESERVED = 16;

    private record AddressKey(ServiceName service, IpFamily family) {}

    private record PortKey(ServiceName service, String port, Protocol protocol) {}

    private record NodePort(int number, Protocol protocol) {}

    private final ManifestOptions options;
    private final Map<AddressKey, InetAddress> addresses = new HashMap<>();
    private final Map<PortKey, NodePort> nodePorts = new HashMap<>();
    private final Map<ServiceName, Instant> firstSeen = new HashMap<>();

    Allocations(ManifestOptions options) {
        this.options = options;
    }

    /** A copy that remembers the same. */
    Allocations(Allocations other) {
        this(other.options);
        addresses.putAll(other.addresses);
        nodePorts.putAll(other.nodePorts);
        firstSeen.putAll(other.firstSeen);
    }

    /** Allocates for all of {@code services}, and forgets those that are not among them. */
    void allocate(List<ServiceManifest> services, Instant now, Problems problems) {
        List<ServiceManifest> sorted = services.stream().sorted(Comparator.comparing(ServiceManifest::name)).toList();
        allocateAddresses(sorted, problems);
        allocateNodePorts(sorted, problems);
        Set<ServiceName> present = Set.copyOf(sorted.stream().map(ServiceManifest::name).toList());
        firstSeen.keySet().retainAll(present);
        present.forEach(name -> firstSeen.putIfAbsent(name, now));
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

    Instant firstSeen(ServiceManifest service) {
        return firstSeen.getOrDefault(service.name(), Instant.EPOCH);
    }

    private static boolean hasAddress(ServiceManifest service) {
        return !service.headless() && service.externalName() == null;
    }

    /** Which families the Service wants, the primary one first (KEP-563). */
    private List<IpFamily> families(ServiceManifest service) {
        List<IpFamily> families = new ArrayList<>();
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        if (families.isEmpty()) {
            families.addAll(service.families());
        }
        if (families.isEmpty()) {
            families.add(options.serviceCidrs().isEmpty()
                    ? IpFamily.IPV4
                    : options.serviceCidrs().getFirst().family());
        }
        if (service.familyPolicy() == FamilyPolicy.SINGLE && service.clusterIps().size() < 2) {
            return families.subList(0, 1);
        }
        for (IpFamily family : IpFamily.values()) {
            if (service.familyPolicy() != FamilyPolicy.SINGLE && !families.contains(family)) {
                families.add(family);
            }
        }
        return families;
    }

    private void allocateAddresses(List<ServiceManifest> services, Problems problems) {
        Map<InetAddress, ServiceManifest> taken = new HashMap<>();
        Map<AddressKey, InetAddress> now = new HashMap<>();
        Map<AddressKey, ServiceManifest> wanted = new LinkedHashMap<>();
        for (ServiceManifest service : services) {
            for (InetAddress ip : service.clusterIps()) {
                ServiceManifest other = taken.putIfAbsent(ip, service);
                if (other != null) {
                    problems.error(service.location(), service.subject() + " spec.clusterIP",
                            IpAddresses.format(ip) + " is the address of " + other.subject() + " (" + other.location()
                                    + ") already");
                } else {
                    now.put(new AddressKey(service.name(), IpFamily.of(ip)), ip);
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
        keepGiven(wanted, taken, now);
        wanted.forEach((key, service) -> {
            Cidr range = range(key.family());
            if (range == null) {
                if (service.familyPolicy() != FamilyPolicy.PREFER_DUAL) {
                    problems.warning(service.location(), service.subject(), "wants an " + key.family().apiName()
                            + " address, but --service-cidr has no " + key.family().apiName() + " range");
                }
                return;
            }
            InetAddress ip = probe(range, key, taken);
            if (ip == null) {
                problems.error(service.location(), service.subject(),
                        "gets no address: " + range + " (--service-cidr) is full");
            } else {
                taken.put(ip, service);
                now.put(key, ip);
            }
        });
        addresses.clear();
        addresses.putAll(now);
    }

    private void keepGiven(Map<AddressKey, ServiceManifest> wanted, Map<InetAddress, ServiceManifest> taken,
            Map<AddressKey, InetAddress> now) {
        wanted.entrySet().removeIf(entry -> {
            InetAddress given = addresses.get(entry.getKey());
            Cidr range = range(entry.getKey().family());
            if (given == null || range == null || !range.contains(given)
                    || taken.putIfAbsent(given, entry.getValue()) != null) {
                return false;
            }
            now.put(entry.getKey(), given);
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

    private void allocateNodePorts(List<ServiceManifest> services, Problems problems) {
        Map<NodePort, ServiceManifest> taken = new HashMap<>();
        Map<PortKey, NodePort> now = new HashMap<>();
        Map<PortKey, ServiceManifest> wanted = new LinkedHashMap<>();
        for (ServiceManifest service : services) {
            for (PortManifest port : service.ports()) {
                PortKey key = new PortKey(service.name(), port.name(), port.protocol());
                if (!service.nodePorts()) {
                    continue;
                }
                if (port.nodePort() == 0) {
                    wanted.put(key, service);
                    continue;
                }
                NodePort explicit = new NodePort(port.nodePort(), port.protocol());
                ServiceManifest other = taken.putIfAbsent(explicit, service);
                if (other != null) {
                    problems.error(port.location(), service.subject() + " nodePort", port.nodePort()
                            + " is a node port of " + other.subject() + " (" + other.location() + ") already");
                } else {
                    now.put(key, explicit);
                }
            }
        }
        wanted.entrySet().removeIf(entry -> {
            NodePort given = nodePorts.get(entry.getKey());
            if (given == null || taken.putIfAbsent(given, entry.getValue()) != null) {
                return false;
            }
            now.put(entry.getKey(), given);
            return true;
        });
        wanted.forEach((key, service) -> {
            int size = options.nodePortMax() - options.nodePortMin() + 1;
            int start = hash(key.service() + ":" + key.port() + "/" + key.protocol())
                    .mod(BigInteger.valueOf(size)).intValueExact();
            for (int i = 0; i < size; i++) {
                NodePort candidate = new NodePort(options.nodePortMin() + (start + i) % size, key.protocol());
                if (taken.putIfAbsent(candidate, service) == null) {
                    now.put(key, candidate);
                    return;
                }
            }
            problems.error(service.location(), service.subject(), "gets no node port: --node-port-range is full");
        });
        nodePorts.clear();
        nodePorts.putAll(now);
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
