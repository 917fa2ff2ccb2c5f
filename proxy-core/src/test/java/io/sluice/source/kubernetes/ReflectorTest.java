package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.service.Service;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lists are taken in the pages that the server gives, whatever becomes of them. */
class ReflectorTest {

    private static final Reflector.Listener DEAF = new Reflector.Listener() {
        @Override
        public void changed() {}

        @Override
        public void mistakes(String resource, ObjectKey key, List<String> mistakes) {}

        @Override
        public void listed(String resource, Map<ObjectKey, List<String>> mistakes) {}
    };

    /** What a server says. */
    private record Response(int code, Map<String, String> headers, String body) {}

    @TempDir
    private Path directory;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final ClusterView view = new ClusterView("node-1");
    private volatile Function<String, Response> server = _ -> new Response(500, Map.of(), "");
    private HttpServer http;
    private ApiClient client;
    private Reflector<Service> reflector;

    @BeforeEach
    void start() throws Exception {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.setExecutor(threads);
        http.createContext("/", this::answer);
        http.start();
        client = new ApiClient(KubernetesOptions.builder("node-1")
                .server(Optional.of("http://127.0.0.1:" + http.getAddress().getPort())).build(), directory,
                ApiObserver.DEAF);
        reflector = new Reflector<>("services", _ -> Resource.all(ObjectKind.SERVICE, "/services", "services",
                ServiceReader::read), client, view.services(), DEAF, Duration.ofMinutes(3), false);
    }

    @AfterEach
    void stop() {
        reflector.stop();
        http.stop(0);
        client.close();
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String query = Optional.ofNullable(exchange.getRequestURI().getQuery()).orElse("");
            requests.add(query);
            Response response = server.apply(query);
            response.headers().forEach(exchange.getResponseHeaders()::set);
            byte[] body = response.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(response.code(), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private static Response list(String next, String... names) {
        String items = String.join(",", List.of(names).stream()
                .map("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"n\"},\"spec\":{}}"::formatted).toList());
        return new Response(200, Map.of(),
                """
                {"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"%s"},"items":[%s]}"""
                        .formatted(next, items));
    }

    private void run() {
        threads.execute(reflector);
    }

    @Test
    void a_list_whose_next_page_has_expired_is_taken_at_once_without_pages() {
        server = query -> query.contains("watch=")
                ? new Response(500, Map.of(), "")
                : query.contains("continue=")
                        ? new Response(410, Map.of(), "{\"kind\":\"Status\",\"code\":410,\"message\":\"expired\"}")
                : query.contains("limit=") ? list("next", "a") : list("", "b", "c");
        run();

        await().untilAsserted(() -> assertThat(requests).element(3).asString().contains("watch="));
        assertThat(requests.subList(0, 3)).containsExactly("limit=500", "limit=500&continue=next", "");
        assertThat(view.contents().services()).extracting(s -> s.name().name()).containsExactlyInAnyOrder("b", "c");
        assertThat(reflector.freshness().lists()).isEqualTo(1);
    }

    @Test
    void a_server_that_forgets_the_first_page_at_once_is_asked_again_later() {
        server = query -> new Response(410, Map.of(), "{\"kind\":\"Status\",\"code\":410,\"message\":\"expired\"}");
        run();

        await().untilAsserted(() -> assertThat(requests).hasSizeGreaterThan(1));
        assertThat(requests).containsOnly("limit=500");
    }

    @Test
    void a_thread_that_hangs_while_it_handles_an_event_is_busy_and_one_that_waits_for_the_server_is_not()
            throws Exception {
        CountDownLatch handling = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        ObjectReader<Service> slow = (key, object) -> {
            handling.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return ServiceReader.read(key, object);
        };
        reflector = new Reflector<>("services", _ -> Resource.all(ObjectKind.SERVICE, "/services", "services", slow),
                client, view.services(), DEAF, Duration.ofMinutes(3), false);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        server = query -> {
            asked.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return query.contains("watch=") ? new Response(500, Map.of(), "") : list("", "a");
        };
        run();
        asked.await();
        assertThat(reflector.activity().busy()).isFalse();
        answer.countDown();
        handling.await();
        long progress = reflector.activity().progress();
        assertThat(reflector.activity().busy()).isTrue();
        assertThat(reflector.activity().progress()).isEqualTo(progress);
        assertThat(reflector.activity().waitsFor()).isNull();
        assertThat(reflector.activity().name()).isEqualTo("sluice-watch-services");
        goOn.countDown();

        await().until(() -> !reflector.activity().busy() && reflector.listed());
        assertThat(reflector.activity().progress()).isNotEqualTo(progress);
    }

    @Test
    void an_answer_that_is_compressed_though_nobody_asked_is_named() {
        server = _ -> new Response(200, Map.of("Content-Encoding", "gzip"), "\u001f\u008b");
        run();

        await().untilAsserted(() -> assertThat(reflector.freshness().problem())
                .contains("is compressed (Content-Encoding: gzip), which was not asked for"));
    }

    @Test
    void watches_that_cannot_be_resumed_are_logged_once_for_all_reflectors() {
        long now = System.nanoTime();
        assertThat(client.shouldLogGone(now)).isTrue();
        assertThat(client.shouldLogGone(now + Duration.ofSeconds(20).toNanos())).isFalse();
        assertThat(client.shouldLogGone(now + Duration.ofMinutes(2).toNanos())).isTrue();
    }

    @Test
    void a_server_that_says_when_to_come_back_is_not_asked_before() {
        server = _ -> new Response(429, Map.of("Retry-After", "30"), "");
        run();

        await().until(() -> reflector.freshness().problem() != null);
        await().during(Duration.ofSeconds(2)).untilAsserted(() -> assertThat(requests).hasSize(1));
    }
}
