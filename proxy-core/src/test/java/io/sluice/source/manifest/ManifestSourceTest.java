package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServiceState;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class ManifestSourceTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;
    private ManifestSource source;
    private final List<ClusterSnapshot> snapshots = new CopyOnWriteArrayList<>();

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    @AfterEach
    void close() {
        if (source != null) {
            source.close();
        }
    }

    private void start(ManifestOptions options) throws SourceException {
        source = new ManifestSource(options);
        source.start(snapshots::add);
    }

    private List<String> endpoints() {
        ServiceState state = snapshots.getLast().services().values().iterator().next();
        return ManifestFiles.endpoints(state.ports().getFirst());
    }

    private void awaitEndpoints(String... expected) {
        await().untilAsserted(() -> assertThat(endpoints()).containsExactly(expected));
    }

    @Test
    void the_first_snapshot_is_handed_over_before_start_returns() throws SourceException {
        files.write("a.yaml", ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"));
        start(files.options());
        assertThat(snapshots).hasSize(1);
        assertThat(source.freshness().synced()).isTrue();
        assertThat(source.freshness().current()).isTrue();
    }

    @Test
    void an_edit_a_rename_a_new_file_and_a_deletion_take_effect() throws SourceException, IOException {
        files.write("svc.yaml", ManifestFiles.SERVICE);
        files.write("pods.yaml", ManifestFiles.pod("a", "10.0.0.1"));
        start(files.options());
        awaitEndpoints("10.0.0.1:8080");

        files.write("pods.yaml", ManifestFiles.pod("a", "10.0.0.2"));
        awaitEndpoints("10.0.0.2:8080");

        Path next = files.write("pods.tmp", ManifestFiles.pod("a", "10.0.0.3"));
        Files.move(next, directory.resolve("pods.yaml"), StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        awaitEndpoints("10.0.0.3:8080");

        files.write("more.yaml", ManifestFiles.pod("b", "10.0.0.4"));
        awaitEndpoints("10.0.0.3:8080", "10.0.0.4:8080");

        Files.delete(directory.resolve("more.yaml"));
        awaitEndpoints("10.0.0.3:8080");
    }

    @Test
    void a_config_maps_symbolic_link_swap_takes_effect() throws SourceException, IOException {
        Path first = Files.createDirectory(directory.resolve("..2026_01"));
        Files.writeString(first.resolve("all.yaml"), ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"));
        Path data = Files.createSymbolicLink(directory.resolve("..data"), first.getFileName());
        Files.createSymbolicLink(directory.resolve("all.yaml"), Path.of("..data/all.yaml"));
        start(files.options());
        awaitEndpoints("10.0.0.1:8080");

        Path second = Files.createDirectory(directory.resolve("..2026_02"));
        Files.writeString(second.resolve("all.yaml"), ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.2"));
        Path link = Files.createSymbolicLink(directory.resolve("..data_tmp"), second.getFileName());
        Files.move(link, data, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        awaitEndpoints("10.0.0.2:8080");
    }

    @Test
    void a_broken_edit_keeps_the_last_good_state_is_told_once_and_the_next_good_edit_clears_it()
            throws SourceException {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(ManifestSource.class);
        log.start();
        logger.addAppender(log);
        try {
            files.write("svc.yaml", ManifestFiles.SERVICE);
            files.write("pods.yaml", ManifestFiles.pod("a", "10.0.0.1"));
            start(files.options());

            files.write("svc.yaml", ManifestFiles.SERVICE.replace("port: 80,", "port: x,"));
            await().until(() -> !source.freshness().current());
            assertThat(source.freshness().problems()).singleElement().satisfies(p -> assertThat(p.toString())
                    .startsWith(directory + "/svc.yaml:6: Service default/kubia spec.ports[0].port: 'x' must be"));
            source.refresh();
            files.write("other.yaml", ManifestFiles.pod("b", "10.0.0.2"));
            assertThat(endpoints()).containsExactly("10.0.0.1:8080");

            files.write("svc.yaml", ManifestFiles.SERVICE);
            awaitEndpoints("10.0.0.1:8080", "10.0.0.2:8080");
            assertThat(source.freshness().current()).isTrue();
            assertThat(source.freshness().problems()).isEmpty();
            assertThat(log.list.stream().filter(e -> e.getFormattedMessage().contains("svc.yaml:6"))).hasSize(1);
        } finally {
            logger.detachAppender(log);
        }
    }

    @Test
    void a_change_that_changes_nothing_is_not_handed_over() throws SourceException {
        files.write("a.yaml", ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"));
        start(files.options());
        var before = source.freshness().asOf();
        files.write("a.yaml", "# a comment\n" + ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"));
        await().until(() -> !source.freshness().asOf().equals(before));
        assertThat(snapshots).hasSize(1);
    }

    @Test
    void a_named_file_that_vanishes_keeps_the_last_good_state() throws SourceException, IOException {
        Path file = files.write("a.yaml", ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"));
        start(new ManifestOptions(List.of(file.toString()), files.options().serviceCidrs(), 30_000, 32_767, "n"));
        Files.delete(file);
        await().until(() -> !source.freshness().current());
        assertThat(source.freshness().problems()).singleElement()
                .hasToString(file + ": there is no such file or directory");
        assertThat(endpoints()).containsExactly("10.0.0.1:8080");
    }

    @Test
    void a_start_with_errors_is_refused_with_all_of_them() {
        files.write("a.yaml", ManifestFiles.SERVICE.replace("port: 80,", "port: x,"));
        files.write("b.yaml", "kind: [");
        assertThatThrownBy(() -> start(files.options())).isInstanceOf(SourceException.class)
                .hasMessageContaining("a.yaml:6").hasMessageContaining("b.yaml:1");
    }

    @Test
    void two_thousand_services_are_read() throws SourceException {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            all.append("---\n").append(ManifestFiles.SERVICE.replace("name: kubia", "name: s" + i));
        }
        files.write("all.yaml", all.append(ManifestFiles.pod("a", "10.0.0.1")).toString());
        start(files.options());
        assertThat(snapshots.getLast().services()).hasSize(2000);
    }
}
