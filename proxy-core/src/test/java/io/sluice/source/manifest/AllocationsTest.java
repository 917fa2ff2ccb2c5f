package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.Activity;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AllocationsTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    private static String service(String name, String spec) {
        return """
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: %s}
                spec:
                  ports: [{port: 80}]
                  %s
                """.formatted(name, spec);
    }

    private static List<String> ips(LoadedManifests loaded, String name) {
        return ManifestFiles.service(loaded, name).service().clusterIps().stream().map(IpAddresses::format).toList();
    }

    @Test
    void an_address_is_derived_from_the_name_and_the_same_in_any_company_and_after_a_restart() {
        List<String> alone = ips(files.load(service("kubia", "")), "kubia");
        List<String> inCompany = ips(files.load(service("a", "") + service("kubia", "") + service("z", "")), "kubia");
        assertThat(alone).hasSize(1).isEqualTo(inCompany);
        assertThat(Cidr.parse("127.120.0.0/16").contains(IpAddresses.parse(alone.getFirst()))).isTrue();
    }

    @Test
    void a_thousand_services_get_a_thousand_addresses_and_a_full_range_is_an_error() {
        files.write("all.yaml",
                IntStream.range(0, 300).mapToObj(i -> service("s" + i, "")).collect(Collectors.joining()));
        LoadedManifests all = files.load();
        Set<InetAddress> distinct = new HashSet<>();
        all.snapshot().services().values().forEach(s -> distinct.addAll(s.service().clusterIps()));
        assertThat(distinct).hasSize(300);

        LoadedManifests tooMany = ManifestSource.load(new ManifestOptions(List.of(directory.toString()),
                List.of(Cidr.parse("127.120.0.0/24")), 30_000, 32_767, "node"));
        assertThat(tooMany.problems()).isNotEmpty().allSatisfy(
                p -> assertThat(p.message()).isEqualTo("gets no address: 127.120.0.0/24 (--service-cidr) is full"));
        assertThat(tooMany.problems()).hasSize(300 - (256 - 16 - 1));
    }

    @Test
    void a_new_service_that_would_get_a_given_address_gets_the_next_and_moves_nobody() {
        ManifestOptions small =
                new ManifestOptions(List.of(directory.toString()), List.of(Cidr.parse("127.120.0.0/29")),
                        30_000, 32_767, "node");
        SnapshotBuilder running =
                new SnapshotBuilder(small, new InputReader(small.inputs(), System.in, new Activity("a test")));
        files.write("all.yaml", service("m", "") + service("n", ""));
        LoadedManifests before = running.build(Instant.EPOCH);
        running.commit();
        files.write("all.yaml", service("a", "") + service("b", "") + service("m", "") + service("n", ""));
        LoadedManifests after = running.build(Instant.EPOCH);
        assertThat(after.problems()).isEmpty();
        for (String name : List.of("m", "n")) {
            assertThat(ips(after, name)).isEqualTo(ips(before, name));
        }
    }

    @Test
    void a_broken_edit_that_hides_a_service_does_not_lose_its_address() {
        ManifestOptions small = new ManifestOptions(List.of(directory.toString()),
                List.of(Cidr.parse("127.120.0.0/29")), 30_000, 32_767, "node");
        SnapshotBuilder running =
                new SnapshotBuilder(small, new InputReader(small.inputs(), System.in, new Activity("a test")));
        String four = service("a", "") + service("b", "") + service("c", "") + service("d", "");
        files.write("all.yaml", four);
        LoadedManifests before = running.build(Instant.EPOCH);
        running.commit();
        files.write("all.yaml", four.replaceFirst("port: 80", "port: x"));
        assertThat(running.build(Instant.EPOCH.plusSeconds(1)).hasErrors()).isTrue();
        files.write("all.yaml", four);
        assertThat(running.build(Instant.EPOCH.plusSeconds(2)).snapshot().services())
                .isEqualTo(before.snapshot().services());
    }

    @Test
    void an_explicit_address_is_honoured_and_a_clash_names_both() {
        LoadedManifests loaded = files
                .load(service("a", "clusterIP: 10.120.9.43") + service("b", "clusterIP: 10.120.9.43"));
        assertThat(ips(loaded, "a")).containsExactly("10.120.9.43");
        assertThat(loaded.problems()).singleElement().hasToString(directory + "/all.yaml:14: Service default/b"
                + " spec.clusterIP: 10.120.9.43 is the address of Service default/a (" + directory
                + "/all.yaml:7) already; leave it out to have one allocated");
    }

    @Test
    void families_follow_the_policy() {
        assertThat(ips(files.load(service("s", "ipFamilyPolicy: PreferDualStack")), "s")).hasSize(2)
                .satisfies(ips -> assertThat(ips.get(0)).startsWith("127.120."),
                        ips -> assertThat(ips.get(1)).startsWith("fd00:120::"));
        assertThat(ips(files.load(service("s", "ipFamilies: [IPv6]")), "s")).singleElement().asString()
                .startsWith("fd00:120::");
        assertThat(ips(files.load(service("s", "clusterIP: None")), "s")).isEmpty();
        assertThat(ips(files.load(service("s", "type: ExternalName\n  externalName: example.com")), "s")).isEmpty();
    }

    @Test
    void node_ports_are_allocated_honoured_and_checked() {
        LoadedManifests loaded = files.load(service("a", "type: NodePort")
                + service("b", "type: NodePort").replace("{port: 80}", "{port: 80, nodePort: 30123}")
                + service("c", "type: LoadBalancer\n  allocateLoadBalancerNodePorts: false") + service("d", ""));
        assertThat(nodePort(loaded, "a")).isBetween(30_000, 32_767).isNotEqualTo(30_123);
        assertThat(nodePort(loaded, "b")).isEqualTo(30_123);
        assertThat(nodePort(loaded, "c")).isZero();
        assertThat(nodePort(loaded, "d")).isZero();
        assertThat(files.load(service("b", "type: NodePort").replace("{port: 80}", "{port: 80, nodePort: 30123}")
                + service("c", "type: NodePort").replace("{port: 80}", "{port: 80, nodePort: 30123}")).problems())
                .singleElement().satisfies(p -> assertThat(p.message()).startsWith("30123 is a node port of Service"));
    }

    private static int nodePort(LoadedManifests loaded, String name) {
        Service service = ManifestFiles.service(loaded, name).service();
        return service.ports().getFirst().nodePort();
    }

    @Test
    void a_load_balancer_with_local_traffic_gets_a_health_check_node_port_of_its_own() {
        String local = "type: LoadBalancer\n  externalTrafficPolicy: Local";
        LoadedManifests loaded = files.load(service("a", local)
                + service("b", local + "\n  healthCheckNodePort: 32001") + service("c", "type: LoadBalancer"));
        assertThat(loaded.problems()).isEmpty();
        assertThat(healthCheck(loaded, "a")).isBetween(30_000, 32_767).isNotEqualTo(32_001)
                .isNotEqualTo(nodePort(loaded, "a"));
        assertThat(healthCheck(loaded, "b")).isEqualTo(32_001);
        assertThat(healthCheck(loaded, "c")).isZero();
        assertThat(files.load(service("a", local + "\n  healthCheckNodePort: 32001")
                + service("b", local + "\n  healthCheckNodePort: 32001")).problems()).singleElement().asString()
                .contains("Service default/b spec.healthCheckNodePort: 32001 is a node port of Service default/a");
    }

    private static int healthCheck(LoadedManifests loaded, String name) {
        return ManifestFiles.service(loaded, name).service().healthCheckNodePort();
    }

    @Test
    void allocations_do_not_depend_on_the_order_of_the_manifests() {
        List<String> services = IntStream.range(0, 200).mapToObj(i -> service("s" + i, "type: NodePort")).toList();
        LoadedManifests forth = files.load(String.join("", services));
        LoadedManifests back = files.load(String.join("", services.reversed()));
        forth.snapshot().services().keySet().forEach(name -> {
            assertThat(ips(back, name.name())).isEqualTo(ips(forth, name.name()));
            assertThat(nodePort(back, name.name())).isEqualTo(nodePort(forth, name.name()));
        });
    }

    @Test
    void without_a_range_of_its_family_a_service_has_no_address_and_a_warning() {
        files.write("all.yaml", service("six", "ipFamilies: [IPv6]") + service("both",
                "ipFamilyPolicy: RequireDualStack") + service("prefer", "ipFamilyPolicy: PreferDualStack"));
        LoadedManifests loaded = ManifestSource.load(new ManifestOptions(List.of(directory.toString()),
                List.of(Cidr.parse("127.120.0.0/16")), 30_000, 32_767, "node"));
        assertThat(ips(loaded, "six")).isEmpty();
        assertThat(ips(loaded, "both")).hasSize(1);
        assertThat(ips(loaded, "prefer")).hasSize(1);
        assertThat(loaded.hasErrors()).isFalse();
        assertThat(loaded.problems()).hasSize(2).allSatisfy(
                p -> assertThat(p.message()).isEqualTo("wants an IPv6 address, but --service-cidr has no IPv6 range"));
    }

    @Test
    void the_first_addresses_of_a_range_and_its_ends_are_never_given() {
        files.write("all.yaml",
                IntStream.range(0, 239).mapToObj(i -> service("s" + i, "")).collect(Collectors.joining()));
        LoadedManifests loaded = ManifestSource.load(new ManifestOptions(List.of(directory.toString()),
                List.of(Cidr.parse("127.120.0.0/24")), 30_000, 32_767, "node"));
        assertThat(loaded.problems()).isEmpty();
        assertThat(loaded.snapshot().services().values())
                .allSatisfy(
                        s -> assertThat(s.service().clusterIps().getFirst().getAddress()[3] & 0xff).isBetween(16, 254));
    }
}
