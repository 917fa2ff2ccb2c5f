package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.SluiceProcess;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Standard streams that nobody reads, or that are no more: they cost lines, and nothing else. */
class LogIT {

    private static final int PIPE_BYTES = 64 * 1024;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @EachTransport
    void while_nobody_reads_the_log_connections_and_edits_and_the_end_go_on(Transport transport) throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), "pod-1"));
            sluice.with(Pod.at(sluice.ip(2), "pod-2"));
            sluice.service("kubia", sluice.ip(1)).run("--access-log", "--max-connections", "50", "--transport",
                    transport.name().toLowerCase(Locale.ROOT));
            try (HttpClientConnection established = new HttpClientConnection(sluice.address("kubia"))) {
                established.ask();
                sluice.stopReading();
                connect(sluice, 2_000);
                overTheLimit(sluice);

                assertThat(established.ask()).isEqualTo("pod-1");
                sluice.service("kubia", sluice.ip(2));
                // Those over the limit may still be closing.
                await().atMost(PATIENCE).ignoreExceptions()
                        .until(() -> HttpClientConnection.hit(sluice.address("kubia")).equals("pod-2"));
                sluice.signal("HUP");
                assertThat(established.ask()).isEqualTo("pod-1");
                assertThat(sluice.admin("/healthz")).contains("200");
            }
            assertThat(sluice.signal("TERM").exitCode()).isZero();
        }
    }

    @Test
    void dropped_lines_are_counted_and_told_when_the_log_is_read_again() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), "pod-1"));
            sluice.service("kubia", sluice.ip(1)).run("--access-log");
            assertThat(sluice.admin("/metrics")).contains("\nsluice_log_lines_dropped_total 0.0\n");
            sluice.stopReading();
            await().atMost(Duration.ofMinutes(2)).until(() -> {
                connect(sluice, 500);
                return dropped(sluice) > 0;
            });
            sluice.readOn();
            sluice.awaitLine("stderr was not read");

            assertThat(sluice.lines()).anyMatch(line -> line.matches(".* WARN +sluice dropped \\d+ log lines?: .*"));
            assertThat(sluice.signal("TERM").exitCode()).isZero();
            sluice.awaitLine("stopped, every connection had ended by itself");
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @ValueSource(strings = {"run --bogus -> 2", "run -f {nothing} -> 1"})
    void a_start_that_fails_ends_with_its_code_though_nobody_reads_why(String row, @TempDir Path folder)
            throws Exception {
        Path pipe = folder.resolve("stderr");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        try (RandomAccessFile unread = new RandomAccessFile(pipe.toFile(), "rw"); SluiceProcess sluice =
                new SluiceProcess()) {
            unread.write(new byte[PIPE_BYTES]);
            String[] words = row.replaceFirst(" -> .*", "").replace("{nothing}", folder + "/nothing").split(" ");
            sluice.startedBy("bash", "-c", "exec \"$@\" 2>'" + pipe + "'", "bash").command(words);

            assertThat(sluice.exitCode()).isEqualTo(row.charAt(row.length() - 1) - '0');
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"2>&-", "1>&- 2>&-", "2>/dev/full", "1>/dev/full 2>/dev/full", "2> >(exec 0<&-; sleep 60)"})
    void a_log_that_cannot_be_written_costs_no_connection(String redirection, @TempDir Path folder) throws Exception {
        Path report = folder.resolve("report");
        Files.createFile(report);
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), "pod-1"));
            sluice.startedBy("bash", "-c", "exec \"$@\" " + redirection, "bash").service("kubia", sluice.ip(1))
                    .begin("--access-log");
            for (int i = 0; i < 50; i++) {
                await().atMost(PATIENCE).ignoreExceptions()
                        .until(() -> HttpClientConnection.hit(sluice.address("kubia")).equals("pod-1"));
            }
            assertThat(sluice.signal("HUP").running()).isTrue();
            assertThat(sluice.signal("TERM").exitCode()).isZero();
        }
    }

    @Test
    void a_name_in_a_manifest_writes_no_line_of_the_log() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.manifests().replace("tenant.yaml", """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: tenant, annotations: {sluice.io/balancer: "x'\\n1 ERROR Sluice forged\\e[2K\\u202e"}}
                    spec: {ports: [{port: 80}]}
                    """);
            sluice.service("kubia", sluice.ip(1)).run();
            sluice.awaitLine("'x'\\n1 ERROR Sluice forged\\u001b[2K\\u202e' is not known");

            assertThat(sluice.lines()).noneMatch(line -> line.startsWith("1 ERROR"));
        }
    }

    private static long dropped(SluiceProcess sluice) throws IOException {
        Matcher metric = Pattern.compile("\nsluice_log_lines_dropped_total (\\S+)\n").matcher(sluice.admin("/metrics"));
        assertThat(metric.find()).isTrue();
        return (long) Double.parseDouble(metric.group(1));
    }

    private static void connect(SluiceProcess sluice, int times) throws IOException {
        for (int i = 0; i < times; i++) {
            new Socket(sluice.address("kubia").getAddress(), sluice.address("kubia").getPort()).close();
        }
    }

    /** An event loop has something to say of it. */
    private static void overTheLimit(SluiceProcess sluice) throws IOException {
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            sockets.add(new Socket(sluice.address("kubia").getAddress(), sluice.address("kubia").getPort()));
        }
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
