package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.cli.Main;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What operators have ordered goes from one daemon to the next, and not further. */
class OrdersHandoverIT {

    /** Of this run alone: several may be under way on one machine. */
    private static final String RANGE = "127." + (14 + ProcessHandle.current().pid() % 50) + "."
            + ProcessHandle.current().pid() / 50 % 250 + ".";
    private static final String ADMIN = RANGE + "1";
    private static final InetSocketAddress SERVICE = new InetSocketAddress(RANGE + "10", 8000);

    @TempDir
    private Path directory;
    private Pod first;
    private Pod second;

    @BeforeEach
    void prepare() throws IOException {
        first = Pod.at(RANGE + "20", "pod-1");
        second = Pod.at(RANGE + "21", "pod-2");
        Files.writeString(directory.resolve("web.yaml"), """
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {clusterIP: %s, ports: [{port: 8000, targetPort: 8080}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: web}
                subsets: [{addresses: [{ip: %s}, {ip: %s}], ports: [{port: 8080}]}]
                """.formatted(SERVICE.getAddress().getHostAddress(), first.ip(), second.ip()));
    }

    @AfterEach
    void end() throws IOException {
        first.close();
        second.close();
    }

    private NodeDaemon daemon() throws IOException {
        NodeDaemon daemon = NodeDaemon.start("run", "-f", directory.resolve("web.yaml").toString(),
                "--handover-socket", directory.resolve("handover.sock").toString(), "--metrics-bind-address",
                ADMIN + ":10249", "--healthz-bind-address", ADMIN + ":10256");
        daemon.awaitLog("serving ");
        return daemon;
    }

    private static String run(String... words) {
        StringWriter out = new StringWriter();
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            out.getBuffer().setLength(0);
            int exitCode = Main.commandLine(Map.of("SLUICE_SERVER", ADMIN + ":10249"), words)
                    .setOut(new PrintWriter(out)).setErr(new PrintWriter(out)).execute(words);
            assertThat(exitCode).as(out.toString()).isZero();
        });
        return out.toString();
    }

    private static Map<String, Integer> hits(int times) throws IOException {
        Map<String, Integer> hits = new TreeMap<>();
        for (int i = 0; i < times; i++) {
            hits.merge(HttpClientConnection.hit(SERVICE), 1, Integer::sum);
        }
        return hits;
    }

    @Test
    void a_drained_endpoint_stays_drained_in_the_next_daemon_and_is_undrained_there() throws Exception {
        try (NodeDaemon before = daemon()) {
            run("drain", first.ip(), "--for", "1h");
            try (NodeDaemon after = daemon()) {
                assertThat(before.awaitExit()).as(before.log()).isZero();
                assertThat(hits(6)).isEqualTo(Map.of("pod-2", 6));
                assertThat(run("get", "orders")).contains(first.ip() + ":8080").contains("drain");
                run("undrain", first.ip());
                assertThat(hits(6)).isEqualTo(Map.of("pod-1", 3, "pod-2", 3));
                assertThat(after.stop()).isZero();
            }
        }
        try (NodeDaemon anew = daemon()) {
            assertThat(run("get", "orders", "-A", "-o", "json")).contains("\"items\" : [ ]");
            assertThat(anew.stop()).isZero();
        }
    }

    @Test
    void what_was_ordered_of_the_log_goes_on_in_the_next_daemon_and_who_watches_events_sees_both() throws Exception {
        StringWriter events = new StringWriter();
        StringWriter errors = new StringWriter();
        try (NodeDaemon before = daemon()) {
            run("log-level", "debug");
            run("access-log", "on");
            Thread watcher = Thread.ofVirtual()
                    .start(() -> Main.commandLine(Map.of("SLUICE_SERVER", ADMIN + ":10249"), "events", "-w", "-A")
                            .setOut(new PrintWriter(events)).setErr(new PrintWriter(errors))
                            .execute("events", "-w", "-A"));
            await().atMost(Duration.ofMinutes(1)).until(() -> events.toString().contains("AccessLogSwitched"));
            try (NodeDaemon after = daemon()) {
                assertThat(before.awaitExit()).as(before.log()).isZero();
                hits(2);
                await().atMost(Duration.ofMinutes(1)).until(() -> after.log().contains(" -> " + first.ip() + ":8080 "));
                assertThat(after.log()).contains(" DEBUG ");
                await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> assertThat(events.toString()).contains(
                        "what operators have ordered of the log goes on in this process: log level debug, access log on"));
                watcher.interrupt();
                watcher.join();
                assertThat(events.toString().lines().filter(line -> line.contains(" Started "))).as("of both daemons")
                        .hasSize(2);
                assertThat(errors.toString()).contains(" has ended; waiting for one that follows",
                        "a daemon answers there again");
                assertThat(after.stop()).isZero();
            }
        }
    }
}
