package io.sluice.simulation;

import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.simulation.Cluster.Item;
import io.sluice.simulation.Cluster.Node;
import io.sluice.simulation.Cluster.Slice;
import io.sluice.simulation.Cluster.Svc;
import io.sluice.simulation.NaiveRules.Backend;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The authors of objects: two tenants who mean well, and one who does not if the history has one. */
final class Tenants {

    static final Instant LONG_AGO = Instant.parse("2026-01-01T00:00:00Z");

    /** The Service whose datagrams are questions with one answer. */
    private static final String DNS = "dns";
    private static final List<String> NAMES = List.of("web", "db", DNS);
    private static final List<String> EXTERNAL = List.of("198.51.100.1", "198.51.100.2", "198.51.100.3");
    private static final List<String> BALANCERS = List.of("203.0.113.1", "203.0.113.2");
    private static final List<String> EXTERNAL6 = List.of("2001:db8:51::1", "2001:db8:51::2");
    private static final int PORT = 80;
    private static final int DNS_PORT = 53;

    private final World world;
    private final Consumer<Item> put;
    private final Consumer<Item> delete;
    private final Map<String, Svc> services = new TreeMap<>();
    private final Map<String, Slice> slices = new TreeMap<>();
    private int addresses = 10;
    private int pods = 1;

    Tenants(World world, Consumer<Item> put, Consumer<Item> delete) {
        this.world = world;
        this.put = put;
        this.delete = delete;
    }

    static Slice apiServers(List<String> addresses) {
        return new Slice("default", "kubernetes", "kubernetes", 6443, addresses.stream()
                .map(ip -> new Backend(ip, true, null, false, null, Set.of(), Set.of())).toList());
    }

    /** The store was replaced: their objects are those. */
    void become(List<Item> items) {
        services.clear();
        slices.clear();
        for (Item item : items) {
            switch (item) {
                case Svc svc when !svc.key().equals(Cluster.API) -> services.put(svc.key(), svc);
                case Slice slice when !slice.of().equals(Cluster.API) -> slices.put(slice.key(), slice);
                default -> {
                }
            }
        }
    }

    /** The addresses of all pods. */
    List<String> podAddresses() {
        return slices.values().stream().flatMap(slice -> slice.backends().stream()).map(Backend::address)
                .filter(ip -> ip.startsWith("10.244.") || ip.startsWith("fd00:244:")).distinct().toList();
    }

    /** Somebody changes something. */
    void change(RandomGenerator random) {
        if (world.has(FaultClass.HOSTILE_TENANT) && random.nextInt(4) == 0) {
            harm(random);
            return;
        }
        if (random.nextInt(30) == 0) {
            put.accept(
                    apiServers(random.nextBoolean() ? List.of("192.0.2.100") : List.of("192.0.2.100", "192.0.2.101")));
            return;
        }
        String namespace = random.nextBoolean() ? "blue" : "green";
        String name = NAMES.get(random.nextInt(NAMES.size()));
        Svc svc = services.get(namespace + "/" + name);
        if (svc == null) {
            create(random, namespace, name);
            return;
        }
        switch (random.nextInt(10)) {
            case 0 -> {
                services.remove(svc.key());
                delete.accept(svc);
                if (random.nextBoolean()) {
                    List.copyOf(slices.values()).stream().filter(slice -> slice.of().equals(svc.key()))
                            .forEach(this::remove);
                }
            }
            case 1 -> write(service(random, svc.namespace(), svc.name(), svc.ips(), svc.created()));
            case 2 -> slices.values().stream().filter(slice -> slice.of().equals(svc.key())).findFirst()
                    .ifPresent(this::remove);
            case 3 ->
                    put.accept(new Node(Cluster.NODE, random.nextInt(3) == 0 ? null : random.nextBoolean() ? "a" : "b",
                            List.of("192.0.2.7", "2001:db8::7")));
            default -> write(slice(random, svc, random.nextInt(svc.ips().size() > 1 ? 5 : 3) % 4 + 1));
        }
    }

    private void remove(Slice slice) {
        slices.remove(slice.key());
        delete.accept(slice);
    }

    private void write(Svc svc) {
        services.put(svc.key(), svc);
        put.accept(svc);
    }

    private void write(Slice slice) {
        slices.put(slice.key(), slice);
        put.accept(slice);
    }

    private void create(RandomGenerator random, String namespace, String name) {
        int number = addresses < 240 ? addresses++ : 10;
        String four = "10.96.0." + number;
        String six = "fd00:96::" + number;
        List<String> ips = switch (random.nextInt(6)) {
            case 0, 1 -> List.of(four, six);
            case 2 -> List.of(six, four);
            case 3 -> List.of(six);
            default -> List.of(four);
        };
        Svc svc = service(random, namespace, name, ips, now());
        boolean first = random.nextBoolean();
        if (first) {
            write(svc);
        }
        // The slices of each family are numbered on.
        write(slice(random, svc, 1));
        if (ips.size() > 1) {
            write(slice(random, svc, 3));
        }
        if (!first) {
            write(svc);
        }
    }

    private Instant now() {
        return LONG_AGO.plusNanos(world.nanoTime()).truncatedTo(java.time.temporal.ChronoUnit.SECONDS);
    }

    private Svc service(RandomGenerator random, String namespace, String name, List<String> ips, Instant created) {
        boolean outside = random.nextInt(3) == 0;
        String ip = ips.getFirst();
        int number = Integer.parseInt(ip.substring(Math.max(ip.lastIndexOf('.'), ip.lastIndexOf(':')) + 1));
        List<Protocol> protocols = switch (random.nextInt(4)) {
            case 0 -> List.of(Protocol.TCP, Protocol.UDP);
            case 1 -> List.of(Protocol.UDP);
            default -> List.of(Protocol.TCP);
        };
        List<String> external = random.nextInt(3) == 0 ? EXTERNAL6 : EXTERNAL;
        return new Svc(namespace, name, ips, protocols, name.equals(DNS) ? DNS_PORT : PORT,
                outside && random.nextBoolean() ? 30_000 + number : 0,
                outside && random.nextBoolean() ? List.of(external.get(random.nextInt(external.size()))) : List.of(),
                outside && random.nextInt(3) == 0 ? List.of(BALANCERS.get(random.nextInt(BALANCERS.size())))
                        : List.of(),
                random.nextInt(5) == 0, random.nextInt(3) == 0, random.nextInt(6) == 0, created);
    }

    private Slice slice(RandomGenerator random, Svc svc, int number) {
        Slice before = slices.get(svc.namespace() + "/" + svc.name() + "-" + number);
        boolean six = svc.ips().size() > 1 ? number > 2 : svc.has(IpFamily.IPV6);
        List<Backend> backends = new ArrayList<>(before == null ? List.of() : before.backends());
        backends.removeIf(backend -> Cluster.family(backend.address()) == IpFamily.IPV6 != six);
        int kept = backends.isEmpty() ? 0 : random.nextInt(backends.size() + 1);
        backends.subList(kept, backends.size()).clear();
        backends.replaceAll(backend -> random.nextBoolean() ? backend : changed(random, backend.address(),
                backend.node()));
        boolean hints = random.nextInt(4) == 0;
        for (int i = random.nextInt(4); i > 0; i--) {
            String ip = six ? "fd00:244::" + pods++ : "10.244." + pods / 250 + "." + (pods++ % 250 + 1);
            backends.add(changed(random, ip, random.nextInt(6) == 0 ? null
                    : random.nextBoolean() ? Cluster.NODE : Cluster.OTHER_NODE));
        }
        if (hints) {
            backends.replaceAll(b -> new Backend(b.address(), b.ready(), b.serving(), b.terminating(), b.node(),
                    Set.of(random.nextBoolean() ? "a" : "b"), Set.of()));
        }
        return new Slice(svc.namespace(), svc.name() + "-" + number, svc.name(), 8080, List.copyOf(backends));
    }

    private static Backend changed(RandomGenerator random, String ip, @Nullable String node) {
        return switch (random.nextInt(8)) {
            case 0 -> new Backend(ip, false, false, false, node, Set.of(), Set.of());
            case 1 -> new Backend(ip, false, true, true, node, Set.of(), Set.of());
            case 2 -> new Backend(ip, false, false, true, node, Set.of(), Set.of());
            case 3 -> new Backend(ip, false, true, false, node, Set.of(), Set.of());
            case 4 -> new Backend(ip, null, null, false, node, Set.of(), Set.of());
            default -> new Backend(ip, true, true, false, node, Set.of(), Set.of());
        };
    }

    /** Objects that mean other people's addresses. */
    private void harm(RandomGenerator random) {
        List<Svc> others = services.values().stream().filter(svc -> !svc.namespace().equals(Expectations.HOSTILE))
                .toList();
        if (others.isEmpty()) {
            return;
        }
        Svc victim = others.get(random.nextInt(others.size()));
        String key = Expectations.HOSTILE + "/kubernetes";
        Svc own = services.get(key);
        List<String> ips = List.of("10.96.0.250", "fd00:96::250");
        List<String> wanted = switch (random.nextInt(6)) {
            case 0 -> victim.ips();
            case 1 -> List.of("192.0.2.9", "2001:db8::9");
            case 2 -> List.of("192.0.2.100", "10.96.0.1");
            case 3 -> List.of("192.0.2.7");
            case 4 -> victim.externalIps();
            default -> List.of();
        };
        if (random.nextInt(3) > 0 || own == null) {
            write(new Svc(Expectations.HOSTILE, "kubernetes", ips, List.of(Protocol.TCP, Protocol.UDP),
                    random.nextBoolean() ? victim.port() : 443, 0, wanted,
                    random.nextBoolean() ? victim.balancerIps() : List.of(), false, false, false, now()));
        }
        String target = victim.ips().getFirst();
        List<String> endpoints = switch (random.nextInt(5)) {
            case 0 -> List.of(target);
            case 1 -> victim.balancerIps().isEmpty() ? List.of(target) : victim.balancerIps();
            case 2 -> List.of("192.0.2.66");
            case 3 -> List.of(Cluster.family(target) == IpFamily.IPV4 ? "192.0.2.7" : "2001:db8::7", target);
            default -> List.of("10.96.0.1", "10.244.200.1");
        };
        write(new Slice(Expectations.HOSTILE, "kubernetes-1", "kubernetes", random.nextBoolean() ? victim.port() : 6443,
                endpoints.stream().map(address -> new Backend(address, true, true, false, Cluster.NODE, Set.of(),
                        Set.of())).toList()));
    }
}
