package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.liveness.Watched;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A start goes on, whatever it meets, and says what it waits for. */
class KubernetesSourceTest {

    /** Lists are written by other threads. */
    private static final class Lines extends ListAppender<ILoggingEvent> {
        Lines() {
            list = new CopyOnWriteArrayList<>();
        }

        List<String> of(Level level) {
            return list.stream().filter(e -> e.getLevel() == level).map(ILoggingEvent::getFormattedMessage).toList();
        }
    }

    @TempDir
    private Path directory;
    private final Lines log = new Lines();
    private ServerSocket silent;

    @BeforeEach
    void start() throws IOException {
        silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void stop() throws IOException {
        logger().detachAppender(log);
        silent.close();
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(KubernetesSource.class);
    }

    private KubernetesSource source(Optional<Path> stateFile) {
        return new KubernetesSource(KubernetesOptions.builder("node-1")
                .server(Optional.of("http://127.0.0.1:" + silent.getLocalPort())).stateFile(stateFile).build(),
                directory, false, ApiObserver.DEAF);
    }

    @Test
    void a_server_that_does_not_answer_is_named_and_waiting_for_it_is_no_work() throws Exception {
        try (KubernetesSource source = source(Optional.empty())) {
            source.start(_ -> {});

            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> assertThat(log.of(Level.INFO))
                    .contains("waiting until http://127.0.0.1:" + silent.getLocalPort()
                            + " has listed services, endpoints, node"));
            assertThat(source.threads()).extracting(Watched::name).containsExactly("sluice-watch-services",
                    "sluice-watch-endpoints", "sluice-watch-node", "sluice-kubernetes");
            assertThat(source.threads()).noneMatch(Watched::busy);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pipe", "folder", "later", "cut off", "empty", "link", "text"})
    void a_state_file_that_cannot_be_used_is_one_line(String what) throws Exception {
        Path file = directory.resolve(what);
        String beginning =
                """
                {"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":"0"},"items":[
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"sluice-state"},"data":{"formatVersion":"9\"""";
        switch (what) {
            case "pipe" -> assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
            case "folder" -> Files.createDirectory(file);
            case "later" -> Files.writeString(file, beginning + "}}]}\n");
            case "cut off" -> Files.writeString(file, beginning);
            case "link" -> Files.createSymbolicLink(file, directory);
            case "text" -> Files.writeString(file, "precious\n");
            default -> Files.createFile(file);
        }
        try (KubernetesSource source = source(Optional.of(file))) {
            source.start(_ -> {});
            assertThat(log.of(Level.WARN)).singleElement().asString().startsWith("the state file " + file)
                    .endsWith("; starting without it").doesNotContain("\n");
        }
    }
}
