package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.PodProgram;
import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Manifests of several Services in the shape in which people publish them, unchanged, with toy programs. */
@Timeout(180)
class PublishedSetsIT {

    private static final Path SETS = Path.of("src", "test", "resources", "sets");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private static List<String> common(SluiceProcess sluice) {
        return List.of("--service-cidr", sluice.ip(0).replaceFirst("[.]200[.]1$", ".0.0/17"), "--metrics-bind-address",
                "127.0.0.1:0", "--healthz-bind-address", "127.0.0.1:0", "--log-level", "info");
    }

    private static void start(SluiceProcess sluice, List<String> words) throws IOException {
        List<String> all = new java.util.ArrayList<>(words);
        all.addAll(common(sluice));
        sluice.command(all.toArray(String[]::new));
        sluice.awaitLine("started on");
    }

    /** Where a Service of one port is served. */
    private static InetSocketAddress served(SluiceProcess sluice, String namespace, String service)
            throws IOException {
        JsonNode services = JsonMapper.shared()
                .readTree(sluice.admin("/api/v1/services?namespace=" + namespace + "&service=" + service)
                        .substring("200 ".length()));
        String address = services.path("services").path(0).path("ports").path(0).path("listeners").path(0)
                .path("address").asString("");
        int colon = address.lastIndexOf(':');
        return new InetSocketAddress(InetAddress.ofLiteral(address.substring(0, colon)),
                Integer.parseInt(address.substring(colon + 1)));
    }

    private static void awaitHits(SluiceProcess sluice, String namespace, String service, String... pods) {
        Set<String> hits = new TreeSet<>();
        await().atMost(PATIENCE).ignoreExceptions().untilAsserted(() -> {
            hits.add(HttpClientConnection.hit(served(sluice, namespace, service)));
            assertThat(hits).containsExactly(pods);
        });
    }

    @Test
    void a_shop_of_five_deployments_and_a_database_is_brought_up() throws Exception {
        String program =
                PodProgram.command().stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
        Map<String, Object> commands = Map.of(
                "frontend", Map.of("command", "exec " + program, "replicas", 1),
                "catalog", Map.of("command", "echo \"$POD: $DB_URL $LOG_LEVEL\"; exec " + program, "replicas", 1),
                "cart", Map.of("command", "exec " + program, "replicas", 1),
                "orders", Map.of("command", "exec " + program, "replicas", 1),
                "payments", "exec " + program, "db", "exec " + program, "migrate", "echo migrated");
        Path file = Files.writeString(directory.resolve("sluice-up.yaml"),
                JsonMapper.shared().writeValueAsString(commands));
        try (SluiceProcess sluice = new SluiceProcess()) {
            start(sluice, List.of("up", "-f", SETS.resolve("shop").toString(), "-c", file.toString()));
            sluice.awaitLine("| catalog-1: postgres://shop:not-a-secret@db-0.db:18432/shop info");
            sluice.awaitLine("| -- has done its work");
            for (String service : List.of("frontend", "catalog", "cart", "orders", "payments")) {
                awaitAnswer(sluice, service, "/", service + "-1");
            }
            int http = served(sluice, "shop", "cart").getPort();
            awaitAnswer(sluice, "frontend", "/via/cart:" + http, "cart-1");
            awaitAnswer(sluice, "catalog", "/via/db-0.db.shop.svc.cluster.local:18432", "db-0");
            assertThat(sluice.lines()).noneMatch(line -> line.contains(" WARN ") || line.contains("ERROR"));
            assertThat(sluice.signal("TERM").exitCode()).isZero();
        }
    }

    private static void awaitAnswer(SluiceProcess sluice, String service, String path, String answer) {
        await().atMost(PATIENCE).ignoreExceptions().untilAsserted(
                () -> assertThat(HttpClientConnection.get(served(sluice, "shop", service), path)).contains(answer));
    }

    @Test
    void what_helm_has_rendered_is_served_with_given_endpoints() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            for (int i = 1; i <= 2; i++) {
                sluice.with(Pod.at(sluice.ip(i), 18_490, "web-" + i));
                sluice.with(Pod.at(sluice.ip(i), 6379, "cache-" + (i - 1)));
            }
            start(sluice, List.of("run", "-f", SETS.resolve("chart.yaml").toString(), "--port-offset", "18000",
                    "--endpoint", "blog-web=" + sluice.ip(1) + ":18490," + sluice.ip(2) + ":18490", "--endpoint",
                    "blog-cache=" + sluice.ip(1) + "," + sluice.ip(2)));
            awaitHits(sluice, "default", "blog-web", "web-1", "web-2");
            awaitHits(sluice, "default", "blog-cache", "cache-0", "cache-1");
            assertThat(sluice.admin("/api/v1/services?service=blog-cache-headless")).contains(sluice.ip(1) + ":6379",
                    sluice.ip(2) + ":6379");
        }
    }

    @Test
    void an_overlay_of_kustomize_is_served_by_the_programs_that_are_found() throws Exception {
        assumeTrue(System.getenv("PATH") != null && List.of(System.getenv("PATH").split(":", -1)).stream()
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "kubectl"))), "kubectl is not installed");
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), 18_481, "api"));
            start(sluice, List.of("run", "-k", SETS.resolve("overlay").resolve("dev").toString(), "--discover"));
            awaitHits(sluice, "dev", "dev-api", "api");
            sluice.with(Pod.at(sluice.ip(2), 18_483, "web"));
            awaitHits(sluice, "dev", "dev-web", "web");
        }
    }
}
