package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Endpoint;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState.PortState;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code kubectl get svc,endpointslices,endpoints,pods -A -o yaml} prints is taken as it is. */
class ClusterDumpTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    private static String dump() throws IOException {
        try (InputStream in = ClusterDumpTest.class.getResourceAsStream("cluster-dump.yaml")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static PortState port(LoadedManifests loaded, String namespace, String name, int index) {
        return loaded.snapshot().services().get(new ServiceName(namespace, name)).ports().get(index);
    }

    @Test
    void a_whole_dump_is_read_without_a_complaint() throws IOException {
        LoadedManifests loaded = files.load(dump());
        assertThat(loaded.problems()).isEmpty();
        assertThat(loaded.snapshot().services()).hasSize(3);
        assertThat(ManifestFiles.endpoints(port(loaded, "default", "kubernetes", 0)))
                .as("no selector, so the mirrored slice and the Endpoints are one").containsExactly("172.18.0.2:6443");
        assertThat(ManifestFiles.endpoints(port(loaded, "default", "kubia", 0)))
                .as("made of the Pods: the slice is older than they are")
                .containsExactly("10.244.1.5:8080", "10.244.2.7:8080 serving terminating");
        Endpoint first = port(loaded, "default", "kubia", 0).endpoints().endpoints().getFirst();
        assertThat(first.node()).isEqualTo("worker-1");
        assertThat(first.target()).isEqualTo("kubia-zcmpd");
    }

    @Test
    void where_no_pod_of_the_namespace_is_given_the_clusters_slices_count() throws IOException {
        LoadedManifests loaded = files.load(dump());
        assertThat(ManifestFiles.endpoints(port(loaded, "kube-system", "kube-dns", 0)))
                .as("UDP").containsExactly("10.244.0.2:53", "10.244.0.3:53");
        assertThat(ManifestFiles.endpoints(port(loaded, "kube-system", "kube-dns", 1)))
                .as("TCP").containsExactly("10.244.0.2:53", "10.244.0.3:53");
        assertThat(port(loaded, "kube-system", "kube-dns", 1).endpoints().endpoints().getFirst().zoneHints())
                .containsExactly("zone-a");
    }

    @Test
    void a_list_of_services_as_the_api_gives_it_needs_no_kind_in_its_items() {
        files.write("services.json", """
                {"kind": "ServiceList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": [
                  {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}},
                  {"metadata": {"name": "b"}, "spec": {"ports": [{"port": 80}]}}]}
                """);
        LoadedManifests loaded = files.load();
        assertThat(loaded.problems()).isEmpty();
        assertThat(loaded.snapshot().services().keySet()).extracting(ServiceName::name)
                .isEqualTo(List.of("a", "b"));
    }
}
