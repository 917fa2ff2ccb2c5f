package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ClusterFacts;
import io.sluice.service.Endpoint;
import io.sluice.service.EmptyReason;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState.PortState;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointRulesTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    private static String statusPod(String name, String extraMetadata, String status) {
        return """
                ---
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  labels: {app: kubia}
                  %s
                spec:
                  nodeName: node-1
                  initContainers: [{name: sidecar, restartPolicy: Always, ports: [{name: admin, containerPort: 9000}]}]
                  containers: [{name: c, ports: [{name: http, containerPort: 8080}, {name: http, containerPort: 5353, protocol: UDP}]}]
                status: %s
                """.formatted(name, extraMetadata, status);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            a ready pod is an endpoint            |                                          | {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}  | 10.0.0.1:8080
            an unready pod is a not ready one     |                                          | {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: 'False'}]} | 10.0.0.1:8080 not ready
            no Ready condition is not ready       |                                          | {phase: Running, podIP: 10.0.0.1}                                               | 10.0.0.1:8080 not ready
            a pending pod with an IP counts       |                                          | {phase: Pending, podIP: 10.0.0.1}                                               | 10.0.0.1:8080 not ready
            a terminating pod serves              | deletionTimestamp: 2026-01-01T00:00:00Z  | {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}  | 10.0.0.1:8080 serving terminating
            a succeeded pod is left out           |                                          | {phase: Succeeded, podIP: 10.0.0.1}                                             | ""
            a failed pod is left out              |                                          | {phase: Failed, podIP: 10.0.0.1}                                                | ""
            a pod without an IP is left out       |                                          | {phase: Pending}                                                                | ""
            the first address of a family counts  |                                          | {phase: Running, podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}], conditions: [{type: Ready, status: 'True'}]}    | 10.0.0.1:8080
            only the Service's family counts       |                                          | {phase: Running, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}], conditions: [{type: Ready, status: 'True'}]} | "10.0.0.1:8080"
            """)
    void the_state_of_a_pod_decides_whether_it_is_an_endpoint(String rule, String metadata, String status,
            String expected) {
        LoadedManifests loaded = files
                .load(ManifestFiles.SERVICE + statusPod("p", metadata == null ? "" : metadata, status));
        assertThat(String.join(", ", ManifestFiles.endpoints(loaded, "kubia"))).isEqualTo(expected);
    }

    @Test
    void publish_not_ready_addresses_makes_even_a_terminating_pod_ready() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE + "  publishNotReadyAddresses: true\n"
                + statusPod("p", "deletionTimestamp: 2026-01-01T00:00:00Z", "{phase: Running, podIP: 10.0.0.1}"));
        Endpoint endpoint =
                ManifestFiles.service(loaded, "kubia").ports().getFirst().endpoints().endpoints().getFirst();
        assertThat(endpoint.ready()).isTrue();
        assertThat(endpoint.serving()).isFalse();
        assertThat(endpoint.terminating()).isTrue();
    }

    @Test
    void a_named_target_port_is_looked_up_in_each_pod_by_name_and_protocol_and_in_sidecars() {
        String service = """
                apiVersion: v1
                kind: Service
                metadata: {name: kubia}
                spec:
                  selector: {app: kubia}
                  ports:
                  - {name: web, port: 80, targetPort: http}
                  - {name: admin, port: 81, targetPort: admin}
                  - {name: none, port: 82, targetPort: nothing}
                """;
        String other = """
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: q, labels: {app: kubia}, annotations: {sluice.io/pod-ip: 10.0.0.2}}
                spec: {containers: [{name: c, ports: [{name: http, containerPort: 9090}]}]}
                """;
        LoadedManifests loaded = files.load(service
                + statusPod("p", "", "{podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}") + other);
        var ports = ManifestFiles.service(loaded, "kubia").ports();
        assertThat(ManifestFiles.endpoints(ports.get(0))).containsExactly("10.0.0.1:8080", "10.0.0.2:9090");
        assertThat(ManifestFiles.endpoints(ports.get(1))).containsExactly("10.0.0.1:9000");
        assertThat(ports.get(2).endpoints().isEmpty()).isTrue();
        assertThat(ports.get(2).whyEmpty()).isInstanceOf(EmptyReason.TargetPortNotFound.class);
    }

    @Test
    void pods_of_another_namespace_or_with_other_labels_are_no_endpoints() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE
                + ManifestFiles.pod("a", "10.0.0.1").replace("name: a", "name: a\n  namespace: other")
                + ManifestFiles.pod("b", "10.0.0.2").replace("app: kubia", "app: kubia-v2"));
        assertThat(ManifestFiles.endpoints(loaded, "kubia")).isEmpty();
        assertThat(why(loaded)).isEqualTo(
                "selector app=kubia matches 0 of 1 pod; it would match in namespace other");
    }

    @Test
    void the_annotation_gives_an_address_and_can_take_the_readiness_back() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1")
                + ManifestFiles.pod("b", "10.0.0.2").replace("\"}", "\", sluice.io/ready: \"false\"}"));
        assertThat(ManifestFiles.endpoints(loaded, "kubia")).containsExactly("10.0.0.1:8080",
                "10.0.0.2:8080 not ready");
    }

    @Test
    void endpoints_and_slices_written_by_hand_are_merged_by_address() {
        LoadedManifests loaded = files.load("""
                apiVersion: v1
                kind: Service
                metadata: {name: db}
                spec: {ports: [{port: 5432}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: db}
                subsets:
                - addresses: [{ip: 10.1.0.2}, {ip: 10.1.0.1}]
                  notReadyAddresses: [{ip: 10.1.0.3}]
                  ports: [{port: 15432}]
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: db-1, labels: {kubernetes.io/service-name: db}}
                addressType: IPv4
                endpoints:
                - addresses: [10.1.0.3]
                - {addresses: [10.1.0.4], conditions: {ready: false, serving: true, terminating: true}}
                ports: [{port: 15432}]
                """);
        assertThat(ManifestFiles.endpoints(loaded, "db")).containsExactly("10.1.0.1:15432", "10.1.0.2:15432",
                "10.1.0.3:15432", "10.1.0.4:15432 serving terminating");
        assertThat(loaded.problems()).isEmpty();
    }

    @Test
    void slices_of_the_controller_count_only_where_the_pods_are_not_given() {
        String slice = """
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata:
                  name: kubia-abc
                  labels: {kubernetes.io/service-name: kubia, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}
                addressType: IPv4
                endpoints: [{addresses: [10.9.9.9]}]
                ports: [{name: "", port: 8080}]
                """;
        assertThat(ManifestFiles.endpoints(files.load(ManifestFiles.SERVICE + slice), "kubia"))
                .containsExactly("10.9.9.9:8080");
        assertThat(ManifestFiles.endpoints(
                files.load(ManifestFiles.SERVICE + slice + ManifestFiles.pod("a", "10.0.0.1")), "kubia"))
                .containsExactly("10.0.0.1:8080");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"PreferClose,true,false", "PreferSameZone,true,false", "PreferSameNode,true,true", "Other,false,false"})
    void traffic_distribution_writes_hints(String distribution, boolean zoneHint, boolean nodeHint) {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE + "  trafficDistribution: " + distribution + "\n"
                + statusPod("p", "", "{podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}") + """
                        ---
                        apiVersion: v1
                        kind: Node
                        metadata: {name: node-1, labels: {topology.kubernetes.io/zone: eu-1}}
                        """);
        Endpoint endpoint =
                ManifestFiles.service(loaded, "kubia").ports().getFirst().endpoints().endpoints().getFirst();
        assertThat(endpoint.zone()).isEqualTo("eu-1");
        assertThat(endpoint.zoneHints()).isEqualTo(zoneHint ? Set.of("eu-1") : Set.of());
        assertThat(endpoint.nodeHints()).isEqualTo(nodeHint ? Set.of("node-1") : Set.of());
        assertThat(loaded.snapshot().node().zone()).isEqualTo("eu-1");
    }

    @Test
    void why_a_service_is_empty() {
        assertThat(why(files.load(ManifestFiles.SERVICE))).isEqualTo("selector app=kubia matches 0 of 0 pods");
        assertThat(why(files.load(
                ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1").replace("app: kubia", "app: kubia-v2"))))
                .isEqualTo("selector app=kubia matches 0 of 1 pod; nearest is pod a with app=kubia-v2");
        assertThat(why(files.load(ManifestFiles.SERVICE + statusPod("p", "", "{podIP: 10.0.0.1}"))))
                .isEqualTo("1 endpoint, not ready: p");
        assertThat(why(files.load(ManifestFiles.SERVICE + statusPod("p", "", "{phase: Pending}"))))
                .isEqualTo("1 pod is selected but left out: p has no IP");
        assertThat(why(files.load(ManifestFiles.SERVICE.replace("  selector: {app: kubia}\n", ""))))
                .isEqualTo("no selector, and no Endpoints or EndpointSlice is written for it");
        assertThat(why(files.load(ManifestFiles.SERVICE.replace("  selector: {app: kubia}\n", "") + """
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: kubia}
                subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{name: web, port: 80}]}]
                """))).isEqualTo("its endpoints have no port named '', only 'web'");
    }

    @Test
    void endpoints_without_their_service_are_warned_about() {
        LoadedManifests loaded = files.load("""
                apiVersion: v1
                kind: Endpoints
                metadata: {name: nobody}
                subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 80}]}]
                """);
        assertThat(loaded.problems()).singleElement().hasToString(
                directory
                        + "/all.yaml:3: Endpoints default/nobody: belongs to Service default/nobody, which is not there");
    }

    private static String why(LoadedManifests loaded) {
        EmptyReason reason = ManifestFiles.service(loaded, "kubia").ports().getFirst().whyEmpty();
        return reason == null ? "" : reason.describe();
    }

    @Test
    void a_hostname_counts_only_with_the_services_own_subdomain() {
        String pod = ManifestFiles.pod("a", "10.0.0.1").replace("spec: {", "spec: {hostname: h, subdomain: kubia, ");
        String stranger = ManifestFiles.pod("b", "10.0.0.2").replace("spec: {", "spec: {hostname: h, subdomain: x, ");
        List<Endpoint> endpoints = ManifestFiles.service(files.load(ManifestFiles.SERVICE + pod + stranger), "kubia")
                .ports().getFirst().endpoints().endpoints();
        assertThat(endpoints).extracting(Endpoint::hostname).containsExactly("h", null);
    }

    private static final String DB = """
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {ports: [{port: 5432}]}
            """;

    private static String endpoints(String metadata, String ip) {
        return """
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: db, %s}
                subsets: [{addresses: [{ip: '%s'}], ports: [{port: 5432}]}]
                """.formatted(metadata, ip);
    }

    private static String slice(String managedBy, String type, String ip) {
        return """
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: db-1, labels: {kubernetes.io/service-name: db, endpointslice.kubernetes.io/managed-by: %s}}
                addressType: %s
                endpoints: [{addresses: ['%s']}]
                ports: [{port: 5432}]
                """.formatted(managedBy, type, ip);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"Endpoints count, namespace: default, 10.1.0.1:5432",
            "those that are not to be mirrored do not, labels: {endpointslice.kubernetes.io/skip-mirror: 'true'}, ''",
            "locks do not, annotations: {control-plane.alpha.kubernetes.io/leader: x}, ''"})
    void endpoints_are_mirrored_as_the_controller_does(String rule, String metadata, String expected) {
        LoadedManifests loaded = files.load(DB + endpoints(metadata, "10.1.0.1"));
        assertThat(String.join(",", ManifestFiles.endpoints(loaded, "db"))).isEqualTo(expected);
        assertThat(loaded.problems()).isEmpty();
    }

    @Test
    void a_mirrored_slice_gives_way_to_the_endpoints_that_it_was_made_of() {
        String mirrored = slice("endpointslicemirroring-controller.k8s.io", "IPv4", "10.1.0.9");
        assertThat(ManifestFiles.endpoints(files.load(DB + mirrored), "db")).containsExactly("10.1.0.9:5432");
        assertThat(ManifestFiles.endpoints(files.load(DB + endpoints("namespace: default", "10.1.0.1") + mirrored),
                "db")).containsExactly("10.1.0.1:5432");
    }

    @Test
    void a_slice_of_ones_own_counts_beside_pods() {
        String own = slice("somebody", "IPv4", "10.9.9.9").replace("service-name: db", "service-name: kubia")
                .replace("5432", "8080");
        assertThat(ManifestFiles.endpoints(
                files.load(ManifestFiles.SERVICE + own + ManifestFiles.pod("a", "10.0.0.1")), "kubia"))
                .containsExactly("10.0.0.1:8080", "10.9.9.9:8080");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            one family takes the Pods' addresses of it | ipFamilies: [IPv4]               | 10.0.0.1:8080
            the other takes the others                 | ipFamilies: [IPv6]               | [fd00::1]:8080
            both take both                             | ipFamilyPolicy: RequireDualStack | 10.0.0.1:8080,[fd00::1]:8080
            headless without families takes the first  | clusterIP: None                  | 10.0.0.1:8080
            headless of the other                      | clusterIP: None, ipFamilies: [IPv6] | [fd00::1]:8080
            headless with a policy of two takes both   | clusterIP: None, ipFamilyPolicy: PreferDualStack | 10.0.0.1:8080,[fd00::1]:8080
            """)
    void pods_give_addresses_of_the_families_of_the_service(String rule, String spec, String expected) {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE + "  " + spec.replace(", ", "\n  ") + "\n"
                + ManifestFiles.pod("a", "10.0.0.1, fd00::1"));
        assertThat(String.join(",", ManifestFiles.endpoints(loaded, "kubia"))).isEqualTo(expected);
    }

    @Test
    void an_empty_headless_service_has_a_reason() {
        assertThat(why(files.load(ManifestFiles.SERVICE + "  clusterIP: None\n" + ManifestFiles.pod("a", "fd00::1"))))
                .isEqualTo("1 pod is selected but left out: a has no IPv4 address");
    }

    @Test
    void why_a_service_of_one_family_is_empty() {
        assertThat(why(files.load(ManifestFiles.SERVICE + ManifestFiles.pod("a", "fd00::1"))))
                .isEqualTo("1 pod is selected but left out: a has no IPv4 address");
        EmptyReason why =
                ManifestFiles.service(files.load(DB + slice("me", "IPv6", "fd00::1")), "db").ports().getFirst()
                        .whyEmpty();
        assertThat(why.describe()).isEqualTo("1 endpoint, but none with an IPv4 address as the Service has");
    }

    @Test
    void why_a_service_with_misplaced_or_empty_endpoints_is_empty() {
        assertThat(ManifestFiles.service(files.load(DB + endpoints("namespace: other", "10.1.0.1")), "db").ports()
                .getFirst().whyEmpty()).isEqualTo(new EmptyReason.WrittenElsewhere("other"));
        assertThat(ManifestFiles.service(files.load(DB + slice("me", "IPv4", "10.1.0.1")
                .replace("[{addresses: ['10.1.0.1']}]", "[]")), "db").ports().getFirst().whyEmpty())
                .isEqualTo(new EmptyReason.NoAddressWritten());
    }

    @Test
    void the_nearest_pod_is_the_one_whose_label_is_misspelt_least() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE
                + ManifestFiles.pod("far", "10.0.0.1").replace("app: kubia", "app: something-else")
                + ManifestFiles.pod("near", "10.0.0.2").replace("app: kubia", "app: kubai")
                + ManifestFiles.pod("none", "10.0.0.3").replace("app: kubia", "other: kubia"));
        assertThat(why(loaded)).isEqualTo("selector app=kubia matches 0 of 3 pods; nearest is pod near with app=kubai");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            an address that is none        | sluice.io/pod-ip: "10.0.0.1"    | sluice.io/pod-ip: "10.0.0"                | 6: Pod default/a metadata.annotations.sluice.io/pod-ip: '10.0.0' is not an IP address
            two addresses of one family    | sluice.io/pod-ip: "10.0.0.1"    | sluice.io/pod-ip: "10.0.0.1,10.0.0.2"     | 6: Pod default/a metadata.annotations.sluice.io/pod-ip: may hold one IPv4 and one IPv6 address
            a misspelt annotation          | sluice.io/pod-ip: "10.0.0.1"    | sluice.io/pod-ip: "10.0.0.1", sluice.io/redy: "false" | 6: Pod default/a metadata.annotations.sluice.io/redy: is not an annotation of a Pod: there are sluice.io/pod-ip, sluice.io/endpoint, sluice.io/process and sluice.io/ready
            a readiness that is none       | sluice.io/pod-ip: "10.0.0.1"    | sluice.io/pod-ip: "10.0.0.1", sluice.io/ready: "no"   | 6: Pod default/a metadata.annotations.sluice.io/ready: 'no' must be "true" or "false"
            neither status nor annotation  | sluice.io/pod-ip: "10.0.0.1"    | a: "b"                                    | 4: Pod default/a: has no status and so no IP, it is left out: say where it is with --endpoint default/a=HOST:PORT, or with the annotation sluice.io/pod-ip: 127.0.1.1
            a misspelt field               | spec: {containers               | spec: {container                          | 7: Pod default/a spec.container: has no effect; did you mean containers?
            a port out of range            | containerPort: 8080             | containerPort: 80800                      | 7: Pod default/a spec.containers[0].ports[0].containerPort: '80800' must be a whole number between 1 and 65535
            """)
    void problems_of_pods_are_told(String rule, String from, String to, String problem) {
        String pod = ManifestFiles.pod("a", "10.0.0.1").substring("---\n".length());
        assertThat(files.load(pod.replace(from, to)).problems()).singleElement()
                .hasToString(directory + "/all.yaml:" + problem);
    }

    @Test
    void an_empty_status_as_a_dry_run_writes_it_is_none() {
        LoadedManifests loaded = files.load(ManifestFiles.pod("a", "10.0.0.1")
                .replace("annotations: {sluice.io/pod-ip: \"10.0.0.1\"}", "uid: x") + "status: {}\n");
        assertThat(loaded.problems()).singleElement().asString().contains("has no status and so no IP");
    }

    @Test
    void topology_mode_auto_is_said_to_have_no_effect_on_endpoints_made_here() {
        String auto = ManifestFiles.SERVICE.replace("{name: kubia}",
                "{name: kubia, annotations: {service.kubernetes.io/topology-mode: Auto}}");
        assertThat(files.load(auto + ManifestFiles.pod("a", "10.0.0.1")).problems()).singleElement().asString()
                .contains("topology mode Auto has no effect");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            its own address               | 127.120.1.50 | 8080  | true
            its own node port at loopback | 127.0.0.1    | 30080 | true
            another port of its address   | 127.120.1.50 | 8081  | false
            another Service's address     | 127.120.1.51 | 8080  | false
            """)
    void an_endpoint_that_leads_back_to_its_service_is_warned_of(String what, String ip, int port, boolean warned) {
        LoadedManifests loaded = files.load("""
                apiVersion: v1
                kind: Service
                metadata: {name: mirror}
                spec: {type: NodePort, clusterIP: 127.120.1.50, ports: [{port: 8080, nodePort: 30080}]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: other}
                spec: {clusterIP: 127.120.1.51, ports: [{port: 8080}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: mirror}
                subsets: [{addresses: [{ip: %s}], ports: [{port: %d}]}]
                """.formatted(ip, port));
        assertThat(loaded.problems().stream().map(Object::toString)
                .filter(problem -> problem.contains("Service default/mirror: the endpoint " + ip + ":" + port
                        + " leads back to the Service itself")))
                .hasSize(warned ? 1 : 0);
    }

    @Test
    void other_nodes_and_services_without_a_date_are_facts_of_the_snapshot() {
        ClusterFacts facts = files.load(ManifestFiles.SERVICE + """
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: dated, creationTimestamp: "2026-01-31T12:00:00Z"}
                spec: {ports: [{port: 80}]}
                ---
                apiVersion: v1
                kind: Node
                metadata: {name: node-1}
                status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
                ---
                apiVersion: v1
                kind: Node
                metadata: {name: node-2}
                status: {addresses: [{type: Hostname, address: node-2}, {type: ExternalIP, address: 192.0.2.2}]}
                """).snapshot().facts();
        assertThat(facts).isEqualTo(new ClusterFacts(true, Map.of(IpAddresses.parse("192.0.2.2"), "node-2"), Set.of(),
                Set.of(new ServiceName("default", "kubia"))));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            {}                                                   | 127.0.0.9:8080
            {ready: false}                                       | 127.0.0.9:8080 serving
            {ready: false, terminating: true}                    | 127.0.0.9:8080 serving terminating
            {ready: false, serving: false, terminating: true}    | 127.0.0.9:8080 not ready terminating
            """)
    void a_condition_that_a_slice_does_not_have_means_ready_serving_and_not_terminating(String conditions,
            String endpoint) {
        assertThat(ManifestFiles.endpoints(files.load("""
                apiVersion: v1
                kind: Service
                metadata: {name: kubia}
                spec: {ports: [{port: 80}]}
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: kubia-1, labels: {kubernetes.io/service-name: kubia}}
                addressType: IPv4
                endpoints: [{addresses: [127.0.0.9], conditions: %s}]
                ports: [{port: 8080}]
                """.formatted(conditions)), "kubia")).containsExactly(endpoint);
    }

    @Test
    void endpoints_without_subsets_hold_no_address() {
        PortState port = ManifestFiles.service(files.load("""
                apiVersion: v1
                kind: Service
                metadata: {name: kubia}
                spec: {ports: [{port: 80}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: kubia}
                """), "kubia").ports().getFirst();
        assertThat(port.whyEmpty()).isEqualTo(new EmptyReason.NoAddressWritten());
    }

    @ParameterizedTest(name = "topology-aware-hints {0}, topology-mode {1}: Auto is in force: {2}")
    @CsvSource({"Auto, , true", ", Auto, true", "auto, Disabled, true", "disabled, Auto, false", "'', Auto, false",
            "aUto, , false"})
    void of_both_topology_annotations_the_older_one_wins_as_with_kube_proxy(String hints, String mode, boolean auto) {
        String annotations = (hints == null ? "" : "service.kubernetes.io/topology-aware-hints: '" + hints + "', ")
                + (mode == null ? "" : "service.kubernetes.io/topology-mode: '" + mode + "'");
        String service =
                ManifestFiles.SERVICE.replace("{name: kubia}", "{name: kubia, annotations: {" + annotations + "}}");
        assertThat(files.load(service + ManifestFiles.pod("a", "10.0.0.1")).problems().stream()
                .filter(problem -> problem.toString().contains("topology mode Auto has no effect")))
                .hasSize(auto ? 1 : 0);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            without ports                        | selector: {app: kubia}                            | 10.0.0.1, 10.0.0.2
            with a port that no Pod declares     | selector: {app: kubia}, ports: [{port: 80, targetPort: nowhere}] | 10.0.0.1, 10.0.0.2
            with a port that Pods declare        | selector: {app: kubia}, ports: [{port: 80, targetPort: http}]    | ""
            with slices that name other ports    | ports: [{name: web, port: 80}]                    | 10.0.0.3, 10.0.0.4
            with slices that name some           | ports: [{name: http, port: 80}]                   | 10.0.0.4
            """)
    void a_headless_service_has_all_its_endpoints(String rule, String spec, String expected) {
        LoadedManifests loaded = files.load("apiVersion: v1\nkind: Service\nmetadata: {name: kubia}\n"
                + "spec: {clusterIP: None, " + spec + "}\n" + ManifestFiles.pod("a", "10.0.0.1")
                + ManifestFiles.pod("b", "10.0.0.2") + (spec.contains("selector") ? "" : """
                        ---
                        apiVersion: discovery.k8s.io/v1
                        kind: EndpointSlice
                        metadata: {name: kubia-1, labels: {kubernetes.io/service-name: kubia}}
                        addressType: IPv4
                        ports: [{name: http, port: 8080}]
                        endpoints: [{addresses: [10.0.0.3]}]
                        ---
                        apiVersion: discovery.k8s.io/v1
                        kind: EndpointSlice
                        metadata: {name: kubia-2, labels: {kubernetes.io/service-name: kubia}}
                        addressType: IPv4
                        endpoints: [{addresses: [10.0.0.4]}, {addresses: [10.0.0.3]}]
                        """));

        assertThat(String.join(", ", ManifestFiles.service(loaded, "kubia").portless().endpoints().stream()
                .map(endpoint -> IpAddresses.format(endpoint.address().ip())).toList())).isEqualTo(expected);
    }

    @Test
    void only_a_headless_service_has_endpoints_without_a_port() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE.replace("8080", "nowhere")
                + ManifestFiles.pod("a", "10.0.0.1"));

        assertThat(ManifestFiles.service(loaded, "kubia").portless().isEmpty()).isTrue();
    }
}
