package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What happens to the last good state while files are in a bad one. */
class ReloadTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;
    private ManifestSource source;
    private final List<ClusterSnapshot> snapshots = new CopyOnWriteArrayList<>();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void start() {
        files = new ManifestFiles(directory);
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void close() {
        logger().detachAppender(log);
        if (source != null) {
            source.close();
        }
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(ManifestSource.class);
    }

    private void start(String input) throws SourceException {
        source = new ManifestSource(
                new ManifestOptions(List.of(input), files.options().serviceCidrs(), 30_000, 32_767, "node-1"));
        source.start(snapshots::add);
    }

    private ServiceState service(String name) {
        return snapshots.getLast().services().get(new ServiceName("default", name));
    }

    private void awaitBroken(String problem) {
        await().until(() -> !source.freshness().current());
        assertThat(source.freshness().problems()).singleElement().asString().contains(problem);
    }

    private void awaitGood() {
        await().until(() -> source.freshness().current());
    }

    private static String service(String name, String spec) {
        return ManifestFiles.SERVICE.replace("name: kubia", "name: " + name).replace("spec:\n", "spec:\n" + spec)
                + "---\n";
    }

    @Test
    void a_file_that_becomes_empty_drops_nothing_and_a_comment_in_it_does() throws SourceException {
        files.write("a.yaml", ManifestFiles.SERVICE);
        files.write("b.yaml", service("other", ""));
        start(directory.toString());
        files.write("b.yaml", "");
        awaitBroken("b.yaml: is empty, but was not");
        assertThat(snapshots.getLast().services()).hasSize(2);

        files.write("b.yaml", "# nothing at present\n");
        await().until(() -> snapshots.getLast().services().size() == 1);
        assertThat(source.freshness().current()).isTrue();
        assertThat(log.list).extracting(ILoggingEvent::getFormattedMessage).contains("the manifests are usable again");
    }

    @Test
    void a_file_that_is_written_slowly_is_taken_when_it_is_complete() throws SourceException, IOException {
        files.write("a.yaml", service("s0", ""));
        start(directory.toString());
        Path slow = files.write("slow.yaml", "");
        for (int i = 1; i <= 20; i++) {
            Files.writeString(slow, service("s" + i, ""), StandardOpenOption.APPEND);
            source.refresh();
        }
        await().until(() -> snapshots.getLast().services().size() == 21);
        assertThat(source.freshness().problems()).isEmpty();
        assertThat(snapshots).as("nothing between the first and the complete").hasSize(2);
    }

    @Test
    void a_named_file_that_is_replaced_is_followed() throws SourceException, IOException {
        Path file = files.write("a.yaml", ManifestFiles.SERVICE);
        start(file.toString());
        for (int i = 1; i <= 3; i++) {
            Path next = files.write("next", service("s" + i, ""));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            String name = "s" + i;
            await().until(() -> service(name) != null);
        }
        Files.delete(file);
        awaitBroken("there is no such file");
        files.write("a.yaml", service("back", ""));
        await().until(() -> service("back") != null);
        awaitGood();
    }

    @Test
    void a_directory_behind_a_symbolic_link_is_followed_when_the_link_moves() throws SourceException, IOException {
        Path one = Files.createDirectory(directory.resolve("one"));
        Path two = Files.createDirectory(directory.resolve("two"));
        Files.writeString(one.resolve("a.yaml"), service("s1", ""));
        Files.writeString(two.resolve("a.yaml"), service("s2", ""));
        Path current = Files.createSymbolicLink(directory.resolve("current"), one);
        start(current.toString());
        Path next = Files.createSymbolicLink(directory.resolve("next"), two);
        Files.move(next, current, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        await().until(() -> service("s2") != null);
        assertThat(service("s1")).isNull();
    }

    /** Nothing tells of it: the files are looked at nevertheless. */
    @Test
    void a_directory_above_that_is_replaced_is_followed() throws SourceException, IOException {
        Path above = directory.resolve("above");
        Path file = Files.createDirectories(above.resolve("manifests")).resolve("a.yaml");
        Files.writeString(file, service("s1", ""));
        Path next = directory.resolve("next");
        Files.writeString(Files.createDirectories(next.resolve("manifests")).resolve("a.yaml"), service("s2", ""));
        start(file.toString());
        Files.move(above, directory.resolve("old"));
        Files.move(next, above);
        await().until(() -> service("s2") != null);
        assertThat(service("s1")).isNull();
    }

    @Test
    void an_allocation_survives_an_edit_that_was_broken() throws SourceException {
        // In so small a range an address that was forgotten would go to another Service.
        files.write("a.yaml", service("m", "") + service("n", ""));
        source = new ManifestSource(new ManifestOptions(List.of(directory.toString()),
                List.of(io.sluice.service.Cidr.parse("127.120.0.0/29")), 30_000, 32_767, "node-1"));
        source.start(snapshots::add);
        var m = service("m").service().clusterIps();
        var n = service("n").service().clusterIps();

        files.write("a.yaml", service("a", "") + service("b", "") + service("m", "").replace("port: 80", "port: x")
                + service("n", ""));
        awaitBroken("must be a whole number");
        files.write("a.yaml", service("a", "") + service("b", "") + service("m", "") + service("n", ""));
        await().until(() -> snapshots.getLast().services().size() == 4);
        assertThat(service("m").service().clusterIps()).isEqualTo(m);
        assertThat(service("n").service().clusterIps()).isEqualTo(n);
    }

    @Test
    void an_explicit_address_takes_it_from_one_that_was_only_given_it() throws SourceException {
        files.write("a.yaml", service("m", ""));
        start(directory.toString());
        String given = IpAddresses.format(service("m").service().clusterIps().getFirst());
        files.write("b.yaml", service("explicit", "  clusterIP: " + given + "\n"));
        await().until(() -> service("explicit") != null);
        assertThat(service("explicit").service().clusterIps().getFirst()).isEqualTo(IpAddresses.parse(given));
        assertThat(service("m").service().clusterIps()).hasSize(1).doesNotContain(IpAddresses.parse(given));
    }

    @Test
    void a_warning_is_told_once_and_again_after_it_had_gone() throws SourceException {
        String orphan = """
                apiVersion: v1
                kind: Endpoints
                metadata: {name: nobody}
                """;
        files.write("a.yaml", orphan);
        start(directory.toString());
        files.write("b.yaml", service("s1", ""));
        await().until(() -> snapshots.size() == 2);
        files.write("a.yaml", "# none");
        await().until(() -> source.freshness().problems().isEmpty());
        files.write("a.yaml", orphan);
        await().until(() -> !source.freshness().problems().isEmpty());
        assertThat(log.list).filteredOn(e -> e.getFormattedMessage().contains("Endpoints default/nobody")).hasSize(2);
    }

    @Test
    void it_says_that_it_looks_even_when_nothing_changes() throws SourceException {
        files.write("a.yaml", ManifestFiles.SERVICE);
        start(directory.toString());
        var first = source.freshness().asOf();
        await().until(() -> source.freshness().asOf().isAfter(first));
        assertThat(snapshots).hasSize(1);
    }

    @Test
    void snapshots_come_on_the_threads_that_are_promised_and_none_after_close() throws SourceException {
        AtomicReference<String> thread = new AtomicReference<>();
        files.write("a.yaml", ManifestFiles.SERVICE);
        source = new ManifestSource(files.options());
        source.start(snapshot -> {
            snapshots.add(snapshot);
            thread.set(Thread.currentThread().getName());
        });
        assertThat(thread).hasValue(Thread.currentThread().getName());
        files.write("b.yaml", service("s1", ""));
        await().until(() -> snapshots.size() == 2);
        assertThat(thread).hasValue("sluice-manifests");
        source.close();
        files.write("b.yaml", service("s2", ""));
        source.refresh();
        assertThat(snapshots).hasSize(2);
        assertThat(snapshots.get(1).version()).isGreaterThan(snapshots.get(0).version());
    }

    @Test
    void one_edit_among_two_thousand_services_changes_one() throws SourceException {
        String many = IntStream.range(0, 2000).mapToObj(i -> service("s" + i, "")).collect(Collectors.joining());
        files.write("many.yaml", many);
        start(directory.toString());
        files.write("many.yaml", many + service("new", ""));
        await().until(() -> service("new") != null);
        ClusterSnapshot before = snapshots.getFirst();
        ClusterSnapshot after = snapshots.getLast();
        assertThat(after.services()).hasSize(2001).containsAllEntriesOf(before.services());
    }
}
