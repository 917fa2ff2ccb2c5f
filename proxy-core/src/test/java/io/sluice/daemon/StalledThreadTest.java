package io.sluice.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.sluice.liveness.Watchdog;
import io.sluice.node.NotifySocket;
import io.sluice.node.ServiceManager;
import io.sluice.proxy.ProxySettings;
import io.sluice.service.Cidr;
import io.sluice.source.manifest.ManifestInputs;
import io.sluice.source.manifest.ManifestSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** A thread of a running daemon that makes no progress fails its health checks, is logged once, and may go on. */
class StalledThreadTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final List<String> logged = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            logged.add(event.getLevel() + " " + event.getFormattedMessage());
        }
    };
    private final Logger log = (Logger) LoggerFactory.getLogger(Watchdog.class);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private @Nullable NotifySocket manager;
    private Path manifest;
    private Sluice sluice;

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        appender.start();
        log.addAppender(appender);
        manifest = Files.writeString(directory.resolve("svc.yaml"), """
                apiVersion: v1
                kind: Service
                metadata: {name: kubia}
                spec: {ports: [{port: 80}]}
                """);
        Optional<InetSocketAddress> anyPort = Optional.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        SluiceConfig config = SluiceConfig.builder("node").manifests(ManifestInputs.of(List.of(manifest.toString())))
                .serviceCidrs(List.of(Cidr.parse("127.119.0.0/24"))).nodePortAddresses(List.of("127.119.1.0/24"))
                .proxy(ProxySettings.builder().workerThreads(2).connectRetries(0).maxConnections(100).backlog(16)
                        .build())
                .drainTimeout(Duration.ofSeconds(1)).metricsBindAddress(anyPort).healthzBindAddress(anyPort)
                .bindAddressHardFail(true).supervision(new Supervision(TIMEOUT, serviceManager(directory))).build();
        sluice = Sluice.start(config, "test");
    }

    private ServiceManager serviceManager(Path directory) {
        if (OS.current() != OS.LINUX) {
            return ServiceManager.NONE;
        }
        String socket = directory.resolve("notify").toString();
        manager = new NotifySocket(socket);
        return ServiceManager.of(Map.of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "1000000"), 1);
    }

    @AfterEach
    void close() {
        goOn.countDown();
        sluice.close();
        if (manager != null) {
            manager.close();
        }
        log.detachAppender(appender);
    }

    /** The service manager's watchdog time is a second here: the daemon reports three times in it while all is well. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void the_service_manager_is_told_that_all_is_well_as_long_as_it_is() throws Exception {
        assertThat(manager.next()).isEqualTo("READY=1");
        assertThat(manager.next()).isEqualTo("WATCHDOG=1");
        assertThat(manager.next()).isEqualTo("WATCHDOG=1");
        sluice.controlThread().execute(this::blockedOnPurpose);
        await().untilAsserted(() -> assertThat(get("/livez").statusCode()).isEqualTo(503));
        await().during(TIMEOUT).until(() -> manager.drain() == 0);
        goOn.countDown();
        assertThat(manager.next()).isEqualTo("WATCHDOG=1");
        sluice.drain();
        await().until(() -> "STOPPING=1".equals(manager.next()));
    }

    @Test
    void an_event_loop_that_is_blocked() throws Exception {
        blocks(sluice.eventLoops().iterator().next(), "sluice-loop-", "event_loop");
    }

    @Test
    void the_control_thread_that_is_blocked() throws Exception {
        blocks(sluice.controlThread(), "sluice-control", "control");
    }

    /** The source's thread logs an error of a manifest, and the test's log blocks it. */
    @Test
    void the_thread_of_a_source_that_is_blocked() throws Exception {
        Logger manifestLog = (Logger) LoggerFactory.getLogger(ManifestSource.class);
        AppenderBase<ILoggingEvent> blocking = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent event) {
                blockedOnPurpose();
            }
        };
        blocking.start();
        manifestLog.addAppender(blocking);
        try {
            blocks(_ -> write("spec: ["), "sluice-manifests", "source");
        } finally {
            manifestLog.detachAppender(blocking);
        }
    }

    private void write(String text) {
        try {
            Files.writeString(manifest, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void blocks(Executor thread, String name, String kind) throws Exception {
        assertThat(get("/livez").statusCode()).isEqualTo(200);
        thread.execute(this::blockedOnPurpose);
        await().untilAsserted(() -> assertThat(get("/livez").statusCode()).isEqualTo(503));
        assertThat(get("/livez").body()).containsPattern("\"stalled\":\\[\\{\"thread\":\"" + name
                + "[-0-9]*\",\"since\":\"[^\"]+\",\"ended\":false\\}\\]");
        assertThat(get("/healthz").statusCode()).isEqualTo(503);
        assertThat(get("/readyz").statusCode()).isEqualTo(200);
        await().untilAsserted(() -> assertThat(logged).singleElement().asString()
                .containsPattern("^ERROR " + name + "[-0-9]* \\(").contains("has made no progress since ",
                        "/livez fails until it does",
                        StalledThreadTest.class.getName() + ".blockedOnPurpose(StalledThreadTest.java:"));
        assertThat(metrics()).contains("sluice_thread_stalls_total{kind=\"" + kind + "\"} 1.0")
                .containsPattern("sluice_thread_progress_age_seconds\\{kind=\"" + kind + "\"\\} [1-9]");
        goOn.countDown();
        await().untilAsserted(() -> assertThat(get("/livez").statusCode()).isEqualTo(200));
        assertThat(get("/healthz").statusCode()).isEqualTo(200);
        await().untilAsserted(() -> assertThat(logged).hasSize(2).last().asString()
                .containsPattern("^INFO " + name + "[-0-9]* \\(").contains("makes progress again, after "));
    }

    private void blockedOnPurpose() {
        try {
            goOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return get(sluice.healthAddress().orElseThrow(), path);
    }

    private String metrics() throws IOException, InterruptedException {
        return get(sluice.metricsAddress().orElseThrow(), "/metrics").body();
    }

    private static HttpResponse<String> get(InetSocketAddress address, String path)
            throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + address.getPort() + path))
                    .timeout(Duration.ofSeconds(10)).build(), HttpResponse.BodyHandlers.ofString());
        }
    }
}
