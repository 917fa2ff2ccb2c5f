package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.service.Service;
import io.sluice.service.IpAddresses;
import io.sluice.source.kubernetes.ClusterView.Contents;
import io.sluice.source.manifest.LoadedManifests;
import io.sluice.source.manifest.ManifestOptions;
import io.sluice.source.manifest.ManifestSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is saved is what is read, and nothing but what was saved is ever read. */
class StateFileTest {

    @TempDir
    private Path directory;

    private final EndpointReader endpoints = new EndpointReader(false, Instant.EPOCH);

    private static Service service(String json) {
        return ServiceReader.read(new ObjectKey("shop", "kubia"), ApiClient.JSON.readTree(json)).value();
    }

    private SavedState state() {
        Service full =
                service("""
                {"metadata": {"creationTimestamp": "2026-11-01T08:00:00Z", "annotations": {"service.kubernetes.io/x": "ü", "other": "y"}},
                 "spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.1", "fd00::a"], "externalIPs": ["192.0.2.1"],
                  "selector": {"app": "kubia"}, "internalTrafficPolicy": "Local", "externalTrafficPolicy": "Local",
                  "healthCheckNodePort": 30999, "publishNotReadyAddresses": true, "loadBalancerSourceRanges": ["10.0.0.0/8"],
                  "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
                  "ports": [{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080, "appProtocol": "h2c"},
                            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353}]},
                 "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}, {"ip": "203.0.113.2", "ipMode": "Proxy"}]}}}""");
        EndpointSubsets slice = endpoints
                .slice(new ObjectKey("shop", "kubia-1"),
                        ApiClient.JSON.readTree(
                                """
                {"metadata": {"labels": {"kubernetes.io/service-name": "kubia"}}, "addressType": "IPv4",
                 "ports": [{"name": "http", "port": 8080}, {"name": "dns", "port": 5353, "protocol": "UDP"}],
                 "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": true}, "nodeName": "n", "zone": "z",
                   "hints": {"forZones": [{"name": "z"}], "forNodes": [{"name": "n"}]}, "hostname": "h",
                   "targetRef": {"kind": "Pod", "name": "pod-1"}},
                  {"addresses": ["10.1.0.2"], "conditions": {"ready": false, "serving": true, "terminating": true}}]}"""))
                .value();
        return new SavedState(Instant.parse("2026-11-23T10:00:00Z"), "https://10.0.0.1:6443", "node-1", "77", "78",
                new Contents(List.of(full), Map.of(new ObjectKey("shop", "kubia-1"), slice),
                        Map.of("node-1", new NodeFacts("zone-1", false, List.of(IpAddresses.parse("192.0.2.1"))),
                                "node-2", new NodeFacts(null, false, List.of(IpAddresses.parse("fd00::2"))))));
    }

    @Test
    void everything_that_counts_comes_back() throws IOException {
        StateFile file = new StateFile(directory.resolve("sub/state"), () -> true);
        file.write(state());
        file.write(state());

        assertThat(file.read(endpoints::slice)).hasValue(state());
        try (Stream<Path> files = Files.list(directory.resolve("sub"))) {
            assertThat(files.map(path -> path.getFileName().toString())).containsExactly("state");
        }
        assertThat(Files.getPosixFilePermissions(directory.resolve("sub/state")))
                .containsOnly(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    }

    @Test
    void there_may_be_none() throws IOException {
        assertThat(new StateFile(directory.resolve("state"), () -> false).read(endpoints::slice)).isEmpty();
    }

    @Test
    void endpoints_of_several_subsets_come_back_as_the_same_endpoints() throws IOException {
        EndpointSubsets groups = endpoints.endpoints(new ObjectKey("shop", "kubia"), ApiClient.JSON.readTree("""
                {"subsets": [{"addresses": [{"ip": "10.1.0.1"}, {"ip": "fd00::1"}], "ports": [{"name": "http", "port": 8080}]},
                             {"addresses": [{"ip": "10.1.0.2"}], "ports": [{"name": "http", "port": 9090}]}]}"""))
                .value();
        SavedState saved =
                new SavedState(state().savedAt(), "x", "n", "1", "2", new Contents(state().contents().services(),
                        Map.of(new ObjectKey("shop", "kubia"), groups), Map.of()));
        StateFile file = new StateFile(directory.resolve("state"), () -> false);
        file.write(saved);
        Contents read = file.read(endpoints::slice).orElseThrow().contents();

        assertThat(read.slices()).hasSize(3);
        assertThat(merged(read)).isEqualTo(merged(saved.contents()));
    }

    private static Object merged(Contents contents) {
        ClusterView view = new ClusterView("n");
        contents.services().forEach(s -> view.services().put(Map.of(new ObjectKey("shop", "kubia"), s)));
        view.endpoints().put(contents.slices());
        return view.snapshotIfChanged(1, Instant.EPOCH);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void what_is_cut_off_or_changed_is_not_read(int seed) throws IOException {
        Path path = directory.resolve("state");
        StateFile file = new StateFile(path, () -> false);
        file.write(state());
        byte[] whole = Files.readAllBytes(path);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 100; i++) {
            byte[] bad = random.nextBoolean() ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            if (bad.length == whole.length) {
                bad[random.nextInt(bad.length - 1)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(path, bad);
            assertThatThrownBy(() -> file.read(endpoints::slice)).as("seed %d", seed).isInstanceOf(IOException.class);
        }
    }

    private String refusal(StateFile file) {
        return catchThrowableOfType(IOException.class, () -> file.read(endpoints::slice)).getMessage();
    }

    @Test
    void what_others_may_write_is_not_believed() throws IOException {
        Path path = directory.resolve("sub/state");
        StateFile file = new StateFile(path, () -> true);
        file.write(state());
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
        assertThat(refusal(file)).isEqualTo("other users may write, and so is not used (chmod go-w " + path + ")");
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(file.read(endpoints::slice)).hasValue(state());

        Files.setPosixFilePermissions(path.getParent(), PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThat(refusal(file)).startsWith("is in a directory that other users may write, and so is not used");
        Files.setAttribute(path.getParent(), "unix:mode", 01777);
        assertThat(file.read(endpoints::slice)).hasValue(state());
    }

    @Test
    void what_belongs_to_another_user_is_not_believed() throws IOException {
        assumeTrue(Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid")),
                "only root can give away");
        Path path = directory.resolve("sub/state");
        StateFile file = new StateFile(path, () -> true);
        file.write(state());
        Files.setAttribute(path, "unix:uid", 12_345);
        assertThat(refusal(file)).isEqualTo("belongs to another user (12345), and so is not used");
        Files.setAttribute(path, "unix:uid", 0);
        Files.setAttribute(path.getParent(), "unix:uid", 12_345);
        assertThat(refusal(file)).startsWith("is in a directory that belongs to another user (12345)");
    }

    @Test
    @Timeout(60)
    void nothing_but_a_state_is_replaced_or_read() throws Exception {
        Path notes = Files.writeString(directory.resolve("notes.txt"), "precious");
        Path link = Files.createSymbolicLink(directory.resolve("link"), notes);
        Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        Path folder = Files.createDirectory(directory.resolve("folder"));
        for (Path path : List.of(notes, link, pipe, folder)) {
            StateFile file = new StateFile(path, () -> true);
            assertThatThrownBy(() -> file.write(state())).as("%s", path).isInstanceOf(IOException.class)
                    .hasMessageContaining("it is left as it is");
            assertThatThrownBy(() -> file.read(endpoints::slice)).as("%s", path).isInstanceOf(IOException.class);
        }
        assertThat(notes).hasContent("precious");
        assertThat(link).isSymbolicLink();
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactlyInAnyOrder(notes, link, pipe, folder);
        }
    }

    @Test
    void an_empty_file_and_one_that_was_cut_off_are_replaced() throws IOException {
        Path path = Files.createFile(directory.resolve("state"));
        StateFile file = new StateFile(path, () -> true);
        file.write(state());
        Files.write(path, Arrays.copyOf(Files.readAllBytes(path), 50));
        file.write(state());
        assertThat(file.read(endpoints::slice)).hasValue(state());
    }

    @Test
    void only_what_a_daemon_left_behind_is_removed() throws IOException {
        Path path = directory.resolve("state");
        new StateFile(path, () -> true).write(state());
        FileTime before = FileTime.from(Instant.now().minusSeconds(3600));
        Path left = Files.copy(path, directory.resolve("state.123.next"));
        Path others = Files.writeString(directory.resolve("state.mine.next"), "precious");
        Path link = Files.createSymbolicLink(directory.resolve("state.link.next"), path);
        Path running = Files.copy(path, directory.resolve("state.456.next"));
        Files.setLastModifiedTime(left, before);
        Files.setLastModifiedTime(others, before);
        new StateFile(path, () -> true).write(state());
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactlyInAnyOrder(path, others, link, running);
        }
    }

    @Test
    void it_is_a_manifest_that_check_understands() throws IOException {
        Path path = directory.resolve("state.yaml");
        new StateFile(path, () -> false).write(state());
        LoadedManifests loaded =
                ManifestSource.load(new ManifestOptions(List.of(path.toString()), List.of(), 30_000, 32_767, "n"));

        assertThat(loaded.errors()).isEmpty();
        assertThat(loaded.snapshot().services().values().iterator().next().ports().getFirst().endpoints().endpoints())
                .hasSize(2);
        assertThat(loaded.problems()).isEmpty();
    }
}
