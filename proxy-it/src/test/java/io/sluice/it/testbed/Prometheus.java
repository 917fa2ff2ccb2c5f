package io.sluice.it.testbed;

import static org.awaitility.Awaitility.await;

import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real Prometheus with one target, the job {@code sluice}. */
public final class Prometheus implements Closeable {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Path directory;
    private final Process process;
    private final String address;
    private final HttpClient client = HttpClient.newHttpClient();

    /** A program of its package, if it is installed: {@code prometheus} or {@code promtool}. */
    public static Optional<Path> program(String name) {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":", -1))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable).findFirst();
    }

    /**
     * Starts it; {@link #program} must be there. Returns once it has scraped its target.
     *
     * @param ip     where it listens
     * @param target the metrics address of a daemon
     * @param rules  a file of rules
     */
    public Prometheus(String ip, InetSocketAddress target, Path rules) throws IOException {
        address = ip + ":19090";
        directory = Files.createTempDirectory("sluice-prometheus");
        Path config = Files.writeString(directory.resolve("prometheus.yml"), """
                global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
                rule_files: ['%s']
                scrape_configs:
                  - job_name: sluice
                    honor_labels: true
                    static_configs: [{targets: ['%s']}]
                """.formatted(rules.toAbsolutePath().normalize(),
                target.getAddress().getHostAddress() + ":" + target.getPort()));
        process = new ProcessBuilder(program("prometheus").orElseThrow().toString(), "--config.file=" + config,
                "--storage.tsdb.path=" + directory.resolve("data"), "--web.listen-address=" + address)
                .redirectErrorStream(true).redirectOutput(directory.resolve("output").toFile()).start();
        await("Prometheus has scraped the daemon").atMost(PATIENCE).ignoreExceptionsInstanceOf(ConnectException.class)
                .until(() -> process.isAlive() && query("up{job=\"sluice\"} == 1").size() == 1);
    }

    /** The series that a query comes to now. */
    public JsonNode query(String expression) throws IOException, InterruptedException {
        return get("query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8)).path("data").path("result");
    }

    /** What it says of the rules. */
    public JsonNode rules() throws IOException, InterruptedException {
        return get("rules").path("data").path("groups").path(0).path("rules");
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        HttpResponse<String> response =
                client.send(HttpRequest.newBuilder(URI.create("http://" + address + "/api/v1/" + path)).build(),
                        HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() == 503) {
            throw new ConnectException("it starts");
        }
        JsonNode body = JsonMapper.shared().readTree(response.body());
        if (!body.path("status").asString("").equals("success")) {
            throw new IOException(path + ": " + body.path("error").asString(response.body()));
        }
        return body;
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        client.close();
        Manifests.deleteTree(directory);
    }
}
