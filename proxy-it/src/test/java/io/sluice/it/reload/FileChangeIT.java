package io.sluice.it.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import io.sluice.it.testbed.ConfigMapVolume;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Load;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.TcpTable;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every way in which files are edited, good and bad. */
class FileChangeIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @Test
    void edits_in_place_renames_new_files_and_deletions_take_effect() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            sluice.service("kubia", sluice.address(1)).start();
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 2)).awaitAnswers(20);

            sluice.manifests().edit("kubia.yaml", Manifests.service("kubia", sluice.address(2)));
            sluice.awaitEndpoints("kubia", sluice.address(2));
            load.awaitAnswers(20);
            sluice.manifests().replace("kubia.yaml", Manifests.service("kubia", sluice.address(1)));
            sluice.awaitEndpoints("kubia", sluice.address(1));
            load.awaitAnswers(20);

            sluice.manifests().edit("other.yaml", Manifests.service("other", sluice.address(2)));
            sluice.awaitEndpoints("other", sluice.address(2));
            InetSocketAddress other = sluice.vip("other");
            assertThat(sluice.hit("other")).isEqualTo("pod-2");
            sluice.manifests().delete("other.yaml");
            await().atMost(PATIENCE).until(() -> TcpTable.listenerInode(other) < 0);
            assertThatThrownBy(() -> HttpClientConnection.hit(other))
                    .isInstanceOf(ConnectException.class);
            load.stopAndExpectNoFailure();
        }
    }

    @Test
    void a_config_map_volume_is_followed_through_its_links() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            ConfigMapVolume volume = new ConfigMapVolume(sluice.manifests().directory());
            volume.update(Map.of("kubia.yaml", Manifests.service("kubia", sluice.address(1))));
            sluice.start();
            long listener = TcpTable.listenerInode(sluice.vip("kubia"));
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 2)).awaitAnswers(20);
            for (int round = 0; round < 4; round++) {
                String pod = sluice.address(1 + (round + 1) % 2);
                volume.update(Map.of("kubia.yaml", Manifests.service("kubia", pod)));
                sluice.awaitEndpoints("kubia", pod);
                load.awaitAnswers(20);
            }
            load.stopAndExpectNoFailure();
            assertThat(TcpTable.listenerInode(sluice.vip("kubia"))).isEqualTo(listener);
        }
    }

    @Test
    void a_broken_edit_keeps_the_last_good_state_and_is_told_until_it_is_mended() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.service("kubia", sluice.address(1)).start();
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 2)).awaitAnswers(20);
            assertThat(sluice.metric("sluice_source_current")).isEqualTo(1);

            String broken = Manifests.service("kubia", sluice.address(1)).replace("port: 80}", "port: eighty}");
            sluice.manifests().replace("kubia.yaml", broken);
            await().atMost(PATIENCE).until(() -> sluice.metric("sluice_source_current") == 0);
            assertThat(sluice.get(true, "/readyz")).startsWith("200 ").contains("\"current\":false", "kubia.yaml:4",
                    "spec.ports[0].port", "eighty");
            assertThat(sluice.log().lines(Level.ERROR, "'eighty'")).hasSize(1).first().asString()
                    .contains("kubia.yaml:4", "Service default/kubia spec.ports[0].port", "last good state");
            // Another edit that leaves the fault where it is: it was told already.
            sluice.manifests().replace("kubia.yaml", broken + "# later\n");
            sluice.manifests().replace("other.yaml", Manifests.service("other", sluice.address(1)));
            load.awaitAnswers(50);
            assertThat(sluice.log().lines(Level.ERROR, "'eighty'")).hasSize(1);

            sluice.service("kubia", sluice.address(1));
            await().atMost(PATIENCE).until(() -> sluice.metric("sluice_source_current") == 1);
            assertThat(sluice.get(true, "/readyz")).startsWith("200 ").contains("\"current\":true")
                    .doesNotContain("eighty");
            sluice.awaitEndpoints("other", sluice.address(1));
            load.stopAndExpectNoFailure();
        }
    }

    @Test
    void a_hostile_file_never_stops_the_reading_and_good_edits_take_effect_when_it_has_gone() throws Exception {
        StringBuilder laughs = new StringBuilder("kind: Service\na0: &a0 {k: v}\n");
        for (int i = 1; i < 40; i++) {
            laughs.append(
                    "a%d: &a%d {<<: [*a%d, *a%d], b%d: *a%d, c%d: *a%d}\n".formatted(i, i, i - 1, i - 1, i, i - 1, i,
                            i - 1));
        }
        Map<String, String> hostile = new LinkedHashMap<>();
        hostile.put("a: &a {<<: *a, b: 1}\n", "the alias *a stands inside of what it stands for");
        hostile.put(laughs.toString(), "aliases and merge keys (<<) repeat more than");
        hostile.put("a: " + "[".repeat(1_000_000), "is not YAML: it is nested more than 100 deep");
        hostile.put("kind: " + "x".repeat(20_000_000), "has a value of more than 16 MiB in one line");
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            sluice.service("kubia", sluice.address(1)).start();
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 2)).awaitAnswers(20);
            int pod = 1;
            for (Map.Entry<String, String> bad : hostile.entrySet()) {
                sluice.manifests().replace("bad.yaml", bad.getKey());
                await().atMost(PATIENCE).until(() -> sluice.metric("sluice_source_current") == 0);
                assertThat(sluice.get(true, "/readyz")).startsWith("200 ").contains("\"current\":false",
                        bad.getValue());
                assertThat(sluice.log().lines(Level.ERROR, bad.getValue())).hasSize(1).first().asString()
                        .contains("/bad.yaml:", "last good state").hasSizeLessThan(1_000);
                load.awaitAnswers(20);

                pod = 3 - pod;
                sluice.manifests().delete("bad.yaml").replace("kubia.yaml",
                        Manifests.service("kubia", sluice.address(pod)));
                sluice.awaitEndpoints("kubia", sluice.address(pod));
                await().atMost(PATIENCE).until(() -> sluice.metric("sluice_source_current") == 1);
            }
            Path pipe = sluice.manifests().directory().resolve("pipe.yaml");
            assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
            await().atMost(PATIENCE).until(() -> sluice.log().lines(Level.WARN, "pipe.yaml: is a pipe").size() == 1);
            sluice.manifests().replace("kubia.yaml", Manifests.service("kubia", sluice.address(2)));
            sluice.awaitEndpoints("kubia", sluice.address(2));
            assertThat(sluice.log().lines(Level.WARN, "pipe.yaml: is a pipe")).hasSize(1);
            load.stopAndExpectNoFailure();
        }
    }

    @Test
    void two_thousand_services_at_once_are_served_and_go_again() throws Exception {
        int number = 2_000;
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.service("kubia", sluice.address(1)).start();
            long listener = TcpTable.listenerInode(sluice.vip("kubia"));
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 2)).awaitAnswers(20);
            List<String> documents = new ArrayList<>();
            for (int i = 0; i < number; i++) {
                documents.add(Manifests.service("s" + i, sluice.address(1)));
            }
            sluice.manifests().replace("many.yaml", Manifests.all(documents));
            sluice.awaitEndpoints("s" + (number - 1), sluice.address(1));
            Map<InetSocketAddress, String> addresses = new LinkedHashMap<>();
            for (int i = 0; i < number; i++) {
                addresses.put(sluice.vip("s" + i), "s" + i);
            }
            assertThat(addresses).hasSize(number);
            for (String service : addresses.values()) {
                assertThat(sluice.hit(service)).isEqualTo("pod-1");
            }
            InetSocketAddress last = sluice.vip("s1999");
            sluice.manifests().delete("many.yaml");
            await().atMost(PATIENCE).until(() -> TcpTable.listenerInode(last) < 0);
            load.awaitAnswers(20);
            load.stopAndExpectNoFailure();
            assertThat(TcpTable.listenerInode(sluice.vip("kubia"))).isEqualTo(listener);
        }
    }

    @Test
    void a_port_that_another_program_has_is_told_once_and_served_when_it_is_free() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            String taken = sluice.address(9);
            String service = Manifests.service("kubia", sluice.address(1)).replaceFirst("spec: \\{",
                    "spec: {clusterIP: " + taken + ", ");
            sluice.service("other", sluice.address(1));
            try (ServerSocket somebody = new ServerSocket()) {
                somebody.bind(new InetSocketAddress(taken, 80));
                sluice.manifest("kubia.yaml", service).start();
                assertThat(sluice.log().lines(Level.WARN, taken + ":80 is already in use")).hasSize(1);
                assertThat(sluice.get(true, "/readyz")).contains("\"failedListeners\":[{", taken + ":80");
                assertThat(sluice.hit("other")).isEqualTo("pod-1");
            }
            await().atMost(PATIENCE).ignoreExceptions().until(() -> sluice.hit("kubia"), "pod-1"::equals);
            assertThat(sluice.get(true, "/readyz")).contains("\"failedListeners\":[]");
        }
    }
}
