package io.sluice.dns.zone;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.server.Asker;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Name;
import org.xbill.DNS.ReverseMap;

/** The zone against a naive list of records, through random changes; and that a change costs little. */
class ZoneTest {

    private static final String C = ".svc.cluster.local.";
    private static final long SEED = Long.getLong("sluice.dns.seed", 7L);
    private static final ZoneSettings SETTINGS =
            new ZoneSettings(Name.fromConstantString("cluster.local."), 5, PodRecords.OFF, List.of(), List.of());
    private static final List<String> TYPES = List.of("A", "AAAA", "SRV", "PTR", "CNAME", "TXT");

    /** One record: owner, type and data as text. */
    private record Line(String owner, String type, String data) {}

    @Test
    void answers_what_a_naive_list_of_records_answers() throws IOException {
        Random random = new Random(SEED);
        Cluster cluster = new Cluster();
        Zone zone = Zone.unsynced(SETTINGS);
        for (int step = 0; step < 60; step++) {
            for (int change = 0; change < 3; change++) {
                change(cluster, random);
            }
            ClusterSnapshot snapshot = cluster.snapshot(1_700_000_000L + step);
            zone = zone.with(snapshot, Map.of());
            compare(zone, records(snapshot), snapshot, step);
        }
    }

    @Test
    void endpoints_that_have_no_name_make_no_new_zone() {
        ClusterSnapshot before = new Cluster().clusterIp("default/kubia", "10.96.0.1", "http:80/TCP")
                .snapshot(1_700_000_000L);
        Map<ServiceName, ServiceState> services = new TreeMap<>();
        before.services().forEach((name, state) -> services.put(name, new ServiceState(state.service(),
                state.ports().stream().map(port -> new PortState(port.port(), EndpointSet.of(List.of(Endpoint.ready(
                        new EndpointAddress(IpAddresses.parse("10.1.0.1"), 80)))), null)).toList())));
        Zone zone = Zone.unsynced(SETTINGS).with(before, Map.of());

        assertThat(zone.with(new ClusterSnapshot(2, before.asOf(), before.node(), services), Map.of())).isSameAs(zone);
    }

    private static void change(Cluster cluster, Random random) {
        String name = "ns" + random.nextInt(3) + "/s" + random.nextInt(6);
        switch (random.nextInt(5)) {
            case 0 -> cluster.remove(name);
            case 1 -> cluster.externalName(name, "x" + random.nextInt(3) + ".example.com");
            case 2 -> cluster.clusterIp(name, "10.96.0." + random.nextInt(50), "http:80/TCP", "dns:53/UDP");
            case 3 -> cluster.clusterIp(name, "10.96.1." + random.nextInt(50) + ",fd00::" + random.nextInt(50),
                    "p" + random.nextInt(2) + ":81/TCP");
            default -> {
                List<String> endpoints = new ArrayList<>();
                for (int i = random.nextInt(5); i > 0; i--) {
                    endpoints.add((random.nextBoolean() ? "h" + random.nextInt(3) + '=' : "")
                            + (random.nextInt(4) == 0 ? "[fd00:1::" + random.nextInt(9) + ']' : "10.1.0."
                                    + random.nextInt(20))
                            + ":80" + (random.nextInt(3) == 0 ? "!" : ""));
                }
                cluster.headless(name, random.nextInt(4) == 0 ? ":80/TCP" : "http:80/TCP",
                        endpoints.toArray(String[]::new));
            }
        }
    }

    private static void compare(Zone zone, Set<Line> records, ClusterSnapshot snapshot, int step) throws IOException {
        Asker asker = new Asker(zone, false);
        Set<String> names = new TreeSet<>();
        records.forEach(line -> {
            for (String owner = line.owner(); owner.contains("."); owner = owner.substring(owner.indexOf('.') + 1)) {
                names.add(owner);
                names.add("nope." + owner);
            }
        });
        names.removeIf(name -> !name.endsWith(C) && !name.endsWith(".arpa."));
        names.remove("arpa.");
        names.remove("nope.arpa.");
        snapshot.services().keySet().forEach(name -> names.add(name.namespace() + C));
        for (String name : names) {
            boolean exists = records.stream().anyMatch(r -> r.owner().equals(name) || r.owner().endsWith('.' + name))
                    || snapshot.services().keySet().stream().anyMatch(s -> name.equals(s.namespace() + C));
            for (String type : TYPES) {
                String heard = DnsMessages.brief(asker.ask(name, type));
                assertThat(heard.replaceAll(" \\+SOA .*| aa", "").replaceAll("SRV 0 \\d+", "SRV 0 w"))
                        .as("seed %d, step %d: %s %s", SEED, step, name, type)
                        .isEqualTo(expected(records, name, type, exists));
            }
        }
    }

    private static String expected(Set<Line> records, String name, String type, boolean exists) {
        Set<String> found = new TreeSet<>();
        for (Line line : records) {
            if (line.owner().equals(name) && (line.type().equals(type) || line.type().equals("CNAME"))) {
                found.add(line.type() + ' ' + line.data());
            }
        }
        boolean apex = name.equals("in-addr.arpa.") || name.equals("ip6.arpa.");
        return !found.isEmpty() ? String.join("; ", found) : exists || apex ? "NODATA" : "NXDOMAIN";
    }

    /** The specification, read from top to bottom, without any thought of speed. */
    private static Set<Line> records(ClusterSnapshot snapshot) {
        Set<Line> lines = new HashSet<>();
        Set<InetAddress> clusterIps = new HashSet<>();
        snapshot.services().values().forEach(state -> clusterIps.addAll(state.service().clusterIps()));
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            String name = service.name().name() + '.' + service.name().namespace() + C;
            if (service.externalName() != null) {
                lines.add(new Line(name, "CNAME", service.externalName() + '.'));
            }
            for (InetAddress ip : service.clusterIps()) {
                lines.add(new Line(name, type(ip), ip.getHostAddress()));
                lines.add(new Line(ReverseMap.fromAddress(ip).toString(), "PTR", name));
                for (ServicePort port : service.ports()) {
                    lines.add(new Line(name, "SRV", "0 w " + port.port() + ' ' + name));
                    lines.add(new Line(srv(port, name), "SRV", "0 w " + port.port() + ' ' + name));
                }
            }
            if (service.headless()) {
                for (PortState port : state.ports()) {
                    for (Endpoint endpoint : port.endpoints().endpoints()) {
                        if (endpoint.ready()) {
                            InetAddress ip = endpoint.address().ip();
                            String label = endpoint.hostname() == null ? dashes(ip) : endpoint.hostname();
                            String own = label + '.' + name;
                            lines.add(new Line(name, type(ip), ip.getHostAddress()));
                            lines.add(new Line(own, type(ip), ip.getHostAddress()));
                            if (!clusterIps.contains(ip)) {
                                lines.add(new Line(ReverseMap.fromAddress(ip).toString(), "PTR", own));
                            }
                            lines.add(new Line(name, "SRV", "0 w " + endpoint.address().port() + ' ' + own));
                            if (!port.port().name().isEmpty()) {
                                lines.add(new Line(srv(port.port(), name), "SRV",
                                        "0 w " + endpoint.address().port() + ' ' + own));
                            }
                        }
                    }
                }
            }
        }
        return lines;
    }

    private static String srv(ServicePort port, String name) {
        return '_' + port.name() + "._" + port.protocol().name().toLowerCase(Locale.ROOT) + '.' + name;
    }

    private static String type(InetAddress ip) {
        return ip.getAddress().length == 4 ? "A" : "AAAA";
    }

    private static String dashes(InetAddress ip) {
        String text = IpAddresses.format(ip).replace('.', '-').replace(':', '-');
        return text.endsWith("-") ? text + '0' : text;
    }

    @Test
    void records_of_services_that_did_not_change_are_taken_over() throws IOException {
        Cluster cluster = new Cluster();
        for (int i = 0; i < 10_000; i++) {
            cluster.clusterIp("ns" + i % 50 + "/service-" + i, "10.96." + i / 250 + '.' + i % 250, "http:80/TCP");
        }
        Zone before = Zone.unsynced(SETTINGS).with(cluster.snapshot(), Map.of());
        ClusterSnapshot changed = cluster.clusterIp("ns0/service-0", "10.97.0.1", "http:80/TCP").snapshot();
        Zone after = before.with(changed, Map.of());

        Name untouched = Name.fromConstantString("service-1.ns1" + C);
        assertThat(after.size()).as("97.10.in-addr.arpa and 0.97.10.in-addr.arpa are new")
                .isEqualTo(before.size() + 2);
        assertThat(((Lookup.Present) after.find(untouched)).node())
                .isSameAs(((Lookup.Present) before.find(untouched)).node());
        assertThat(DnsMessages.brief(new Asker(after, false).ask("service-0.ns0" + C, "A")))
                .isEqualTo("A 10.97.0.1 aa");
        assertThat(DnsMessages.brief(new Asker(before, false).ask("service-0.ns0" + C, "A")))
                .isEqualTo("A 10.96.0.0 aa");
    }
}
