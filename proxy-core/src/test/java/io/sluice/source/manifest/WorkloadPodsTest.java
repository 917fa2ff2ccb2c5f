package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.Pod;
import io.sluice.service.ServiceState;
import io.sluice.source.Activity;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Pods that workloads make where somebody says where their processes are, and the endpoints that come of them. */
class WorkloadPodsTest {

    private static final String API = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              replicas: 3
              selector: {matchLabels: {app: api}}
              template:
                metadata: {labels: {app: api}}
                spec:
                  containers:
                    - name: api
                      image: example/api
                      ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9102}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: api}
            spec:
              selector: {app: api}
              ports: [{name: web, port: 80, targetPort: http}, {name: metrics, port: 9102}]
            """;
    private static final String DB = """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db}
            spec:
              serviceName: db
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec: {containers: [{name: postgres, image: postgres, ports: [{containerPort: 5432}]}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
            """;

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    private static List<String> told(LoadedManifests loaded) {
        return loaded.problems().stream().map(problem -> problem.severity() + " " + problem).toList();
    }

    /** The endpoints of each port of {@code service}, with a bar between the ports. */
    private static String endpoints(LoadedManifests loaded, String service) {
        return String.join(" | ", ManifestFiles.service(loaded, service).ports().stream()
                .map(port -> String.join(" ", ManifestFiles.endpoints(port))).toList());
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = ';', value = {
            "api=127.0.0.1:3000; 127.0.0.1:3000 | 127.0.0.1:9102",
            "default/api=127.0.0.1:3000; 127.0.0.1:3000 | 127.0.0.1:9102",
            "api=127.0.1.1,127.0.1.2; 127.0.1.1:8080 127.0.1.2:8080 | 127.0.1.1:9102 127.0.1.2:9102",
            "api=3000,3001; 127.0.0.1:3000 127.0.0.1:3001 | 127.0.0.1:9102",
            "api=3000,api:metrics=4000; 127.0.0.1:3000 | 127.0.0.1:4000",
            "api:metrics=4000,api=3000; 127.0.0.1:3000 | 127.0.0.1:4000",
            "api:9102=127.0.0.2:4000,api=3000; 127.0.0.1:3000 | 127.0.0.2:4000",
            "api:metrics=127.0.0.2:4000; 127.0.0.2:8080 | 127.0.0.2:4000"})
    void a_deployment_is_where_the_command_line_says(String given, String endpoints) {
        LoadedManifests loaded = files.load(API, given.split(","));

        assertThat(endpoints(loaded, "api")).isEqualTo(endpoints);
        assertThat(told(loaded)).isEmpty();
    }

    @ParameterizedTest(name = "{0} with {1} makes {2}")
    @CsvSource(delimiter = ';', value = {"Deployment; apps/v1; api-1 api-2", "DaemonSet; apps/v1; api-1 api-2",
            "ReplicaSet; apps/v1; api-1 api-2", "StatefulSet; apps/v1; api-0 api-1", "Job; batch/v1; api-1 api-2",
            "ReplicationController; v1; api-1 api-2"})
    void every_kind_makes_pods_with_names(String kind, String version, String pods) {
        LoadedManifests loaded = files.load(
                API.replace("kind: Deployment", "kind: " + kind).replace("apps/v1", version), "api=3000", "3001");

        assertThat(loaded.snapshot().pods()).extracting(Pod::name).containsExactly(pods.split(" "));
        assertThat(ManifestFiles.service(loaded, "api").ports().getFirst().endpoints().endpoints())
                .extracting(Endpoint::target).containsExactly(pods.split(" "));
        assertThat(told(loaded)).isEmpty();
    }

    @Test
    void an_only_container_port_is_where_the_process_is_whatever_a_service_asks_for() {
        String service = DB.replace("clusterIP: None, ", "").replace("[{port: 5432}]", "[{port: 1, targetPort: 77}]");

        assertThat(endpoints(files.load(service, "db=[::1]:6000", "127.0.0.1:6001"), "db")).isEqualTo("127.0.0.1:6001");
    }

    @Test
    void pods_of_a_stateful_set_have_ordinals_and_host_names() {
        LoadedManifests loaded = files.load(DB.replace("serviceName: db", "serviceName: db\n  ordinals: {start: 5}"),
                "db=127.0.1.1", "127.0.1.2");
        ServiceState db = ManifestFiles.service(loaded, "db");

        assertThat(db.ports().getFirst().endpoints().endpoints()).extracting(Endpoint::hostname)
                .containsExactly("db-5", "db-6");
        assertThat(told(loaded)).isEmpty();
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(delimiter = ';', value = {
            "sluice.io/endpoint: 127.0.0.1:3000; 127.0.0.1:3000 | 127.0.0.1:9102",
            "sluice.io/endpoint: 'localhost:3000, localhost:3001'; 127.0.0.1:3000 127.0.0.1:3001 | 127.0.0.1:9102",
            "sluice.io/endpoint: \"3000\"; 127.0.0.1:3000 | 127.0.0.1:9102",
            "sluice.io/pod-ip: 127.0.1.1; 127.0.1.1:8080 | 127.0.1.1:9102",
            "'sluice.io/pod-ip: 127.0.1.1, sluice.io/ready: \"false\"'; 127.0.1.1:8080 not ready | 127.0.1.1:9102 not ready"})
    void annotations_of_the_template_or_of_the_workload_say_it_too(String annotation, String endpoints) {
        String annotations = ", annotations: {" + annotation + "}}";
        for (String labels : List.of("{labels: {app: api}}", "{name: api}")) {
            LoadedManifests loaded = files.load(
                    API.replaceFirst(Pattern.quote(labels), labels.replaceFirst("}$", annotations)));

            assertThat(endpoints(loaded, "api")).isEqualTo(endpoints);
            assertThat(told(loaded)).isEmpty();
        }
    }

    @Test
    void the_command_line_comes_before_the_template_and_that_before_the_workload() {
        String both = API.replace("{name: api}\nspec:\n  replicas",
                "{name: api, annotations: {sluice.io/endpoint: \"1\"}}\nspec:\n  replicas")
                .replace("{labels: {app: api}}", "{labels: {app: api}, annotations: {sluice.io/endpoint: \"2\"}}");

        assertThat(endpoints(files.load(both), "api")).startsWith("127.0.0.1:2 ");
        assertThat(endpoints(files.load(both, "api=3"), "api")).startsWith("127.0.0.1:3 ");
        assertThat(endpoints(files.load(both, "api:metrics=3"), "api")).isEqualTo("127.0.0.1:2 | 127.0.0.1:3");
    }

    @Test
    void a_pod_is_where_the_command_line_says() {
        String pod = ManifestFiles.pod("a", "10.0.0.1").replaceAll("(?m)^  annotations.*\n", "");

        assertThat(endpoints(files.load(ManifestFiles.SERVICE + pod, "a=3000"), "kubia")).isEqualTo("127.0.0.1:3000");
        assertThat(endpoints(files.load(ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"), "a=3000"), "kubia"))
                .isEqualTo("127.0.0.1:3000");
        assertThat(told(files.load(ManifestFiles.SERVICE + pod))).singleElement().asString()
                .contains("Pod default/a: has no status and so no IP, it is left out: say where it is with --endpoint"
                        + " default/a=HOST:PORT, or with the annotation sluice.io/pod-ip: 127.0.1.1");
    }

    @Test
    void a_pod_says_in_an_annotation_that_its_process_has_another_port() {
        String pod =
                ManifestFiles.pod("a", "X").replace("sluice.io/pod-ip: \"X\"", "sluice.io/endpoint: localhost:3000");

        assertThat(endpoints(files.load(ManifestFiles.SERVICE + pod), "kubia")).isEqualTo("127.0.0.1:3000");
    }

    @Test
    void pods_that_are_written_stay_and_give_way_to_the_command_line() {
        String pod = """
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: api-7f9c-x2x4b, labels: {app: api, pod-template-hash: 7f9c}}
                spec: {containers: [{name: api, ports: [{name: http, containerPort: 8080}]}]}
                status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: "True"}]}
                """;
        LoadedManifests written = files.load(API + pod);

        assertThat(endpoints(written, "api")).isEqualTo("10.0.0.1:8080 | 10.0.0.1:9102");
        assertThat(told(written)).isEmpty();
        assertThat(endpoints(files.load(API + pod, "api=3000"), "api")).isEqualTo("127.0.0.1:3000 | 127.0.0.1:9102");
    }

    @Test
    void endpoints_of_a_cluster_count_where_its_workloads_are_given_without_pods() {
        String slice = """
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata:
                  name: api-x
                  labels: {kubernetes.io/service-name: api, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}
                addressType: IPv4
                endpoints: [{addresses: [10.0.0.9]}]
                ports: [{name: web, port: 8080}, {name: metrics, port: 9102}]
                """;

        assertThat(endpoints(files.load(API + slice), "api")).isEqualTo("10.0.0.9:8080 | 10.0.0.9:9102");
        assertThat(told(files.load(API + slice))).isEmpty();
        assertThat(endpoints(files.load(API + slice, "api=3000"), "api"))
                .isEqualTo("127.0.0.1:3000 | 127.0.0.1:9102");
    }

    @Test
    void a_workload_scaled_to_nothing_makes_no_pods() {
        LoadedManifests loaded = files.load(API.replace("replicas: 3", "replicas: 0"), "api=3000");

        assertThat(ManifestFiles.service(loaded, "api").ports().getFirst().whyEmpty())
                .isEqualTo(new EmptyReason.WorkloadWithoutAddress("Deployment default/api", "default/api", 0));
        assertThat(told(loaded)).isEmpty();
    }

    @Test
    void what_has_no_address_is_named_once_with_the_services_that_wait() {
        LoadedManifests loaded =
                files.load(API + "---\n" + API.split("---\n", -1)[1].replace("name: api}", "name: api2}")
                        + "---\n" + DB, "db=3000");

        assertThat(told(loaded)).singleElement().asString().startsWith("WARNING " + directory
                + "/all.yaml:3: Deployment default/api: would make 3 Pods for Service api, api2, but no controller runs");
        assertThat(ManifestFiles.service(loaded, "api2").ports().getFirst().whyEmpty())
                .isEqualTo(new EmptyReason.WorkloadWithoutAddress("Deployment default/api", "default/api", 3));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiterString = "=>", value = {
            "apii=1 => --endpoint apii: names no KINDS; did you mean default/api?",
            "shop/api=1 => --endpoint shop/api: names no KINDS; there are default/api, default/db",
            "front=1 => --endpoint front: names no KINDS; Service default/front selects the Pods of Deployment default/api",
            "api:htp=1 => --endpoint api:htp: Deployment default/api has no container port 'htp'; it has http, metrics",
            "db:htp=1 => --endpoint db:htp: StatefulSet default/db has no container port 'htp'; it has 5432"})
    void what_names_nothing_is_one_line_with_the_nearest_names(String given, String message) {
        String front = "---\n" + API.split("---\n", -1)[1].replace("name: api}", "name: front}");
        LoadedManifests loaded = files.load(API + front + "---\n" + DB, given);

        assertThat(loaded.errors()).extracting(Problem::toString)
                .containsExactly(message.replace("KINDS", WorkloadReader.kinds()));
    }

    @Test
    void a_name_without_a_namespace_is_found_in_the_only_namespace_that_has_it() {
        String shop = API.replace("name: api}", "name: api, namespace: shop}");
        String other = API.replace("name: api}", "name: api, namespace: other}");

        assertThat(files.load(shop, "api=3000").errors()).isEmpty();
        assertThat(files.load(shop + "---\n" + API, "api=3000").errors()).isEmpty();
        assertThat(files.load(shop + "---\n" + other, "api=3000").errors()).extracting(Problem::toString)
                .containsExactly("--endpoint api: names Deployment other/api and Deployment shop/api: write the"
                        + " namespace, or the annotation sluice.io/endpoint on the one that is meant");
    }

    @ParameterizedTest(name = "{0} instead of {1}: {2}")
    @CsvSource(delimiter = ';', value = {
            "replicas: 3; replicas: three; spec.replicas: 'three' must be a whole number",
            "containerPort: 8080; containerPort: 80800; spec.template.spec.containers[0].ports[0].containerPort: ",
            "template:; templat:; spec.template: is missing: it makes no Pods; if this is a patch"})
    void a_mistake_matters_if_somebody_says_where_the_process_is(String from, String to, String message) {
        String broken = API.replace(from, to);
        String annotated = broken.replace("kind: Deployment\nmetadata: {name: api",
                "kind: Deployment\nmetadata: {name: api, annotations: {sluice.io/endpoint: \"3000\"}");

        assertThat(told(files.load(broken))).anyMatch(line -> line.startsWith("WARNING " + directory)
                && line.contains(" Deployment default/api " + message));
        assertThat(files.load(broken).errors()).isEmpty();
        for (LoadedManifests loaded : List.of(files.load(broken, "api=3000"), files.load(annotated))) {
            assertThat(loaded.errors()).singleElement().asString().contains(" Deployment default/api " + message);
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = ';', value = {"sluice.io/endpoint: 'x:y'; 'x:y' is not an address such as",
            "sluice.io/pod-ip: localhost; 'localhost' is not an IP address alone: write sluice.io/endpoint: 'localhost' instead",
            "'sluice.io/pod-ip: \"127.0.0.1:3000\"'; '127.0.0.1:3000' is not an IP address alone: write sluice.io/endpoint: '127.0.0.1:3000' instead",
            "sluice.io/pod-ip: x; 'x' is not an IP address",
            "'sluice.io/pod-ip: 127.0.0.1, sluice.io/endpoint: \"1\"'; and sluice.io/pod-ip exclude each other",
            "sluice.io/ready: maybe; must be \"true\" or \"false\""})
    void a_mistake_in_our_annotations_is_an_error(String annotation, String message) {
        String text = API.replace("{labels: {app: api}}", "{labels: {app: api}, annotations: {" + annotation + "}}");

        assertThat(files.load(text).errors()).singleElement().asString()
                .contains("all.yaml:", " Deployment default/api spec.template.metadata.annotations.sluice.io/",
                        message);
    }

    @Test
    void a_second_object_of_a_name_is_passed_over_as_a_patch() {
        LoadedManifests loaded = files.load(API + """
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: api}
                spec: {replicas: 1}
                """, "api=3000");

        assertThat(endpoints(loaded, "api")).startsWith("127.0.0.1:3000");
        assertThat(told(loaded)).singleElement().asString().contains("is a duplicate of the object at", "which counts");
    }

    @Test
    void a_name_that_nothing_has_is_an_error_at_first_and_a_warning_after_an_edit() {
        ManifestOptions options = files.options().with(GivenEndpoint.parse(List.of("api=3000")));
        SnapshotBuilder builder = new SnapshotBuilder(options,
                new InputReader(options.inputs(), System.in, new Activity("test")));
        files.write("all.yaml", DB);
        assertThat(builder.build(Instant.EPOCH).hasErrors()).isTrue();

        files.write("all.yaml", API);
        assertThat(builder.build(Instant.EPOCH).problems()).isEmpty();
        builder.commit();
        files.write("all.yaml", DB);

        assertThat(builder.build(Instant.EPOCH).problems())
                .anyMatch(problem -> problem.severity() == Severity.WARNING
                        && problem.location().equals("--endpoint api"))
                .noneMatch(problem -> problem.severity() == Severity.ERROR);
    }
}
