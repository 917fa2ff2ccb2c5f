package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import io.sluice.text.Printable;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The admin addresses as HTTP servers: paths, methods, names, limits, and where they listen. */
class AdminTest extends ServedAdmin {

    @ParameterizedTest
    @CsvSource({"/metrics, text/plain; version=0.0.4; charset=utf-8", "/healthz, application/json",
            "/livez, application/json", "/readyz, application/json", "/proxyMode, text/plain; charset=utf-8",
            "/api/v1/services, application/json", "/api/v1/connections, application/json",
            "/api/v1/version, application/json", "/api/v1/events, application/json",
            "/api/v1/environment?namespace=default, application/json",
            "/, text/html; charset=utf-8"})
    void every_path_says_what_it_is(String path, String contentType) throws Exception {
        ready();
        start();
        HttpResponse<String> got = get(path);

        assertThat(got.statusCode()).isEqualTo(200);
        assertThat(got.headers().firstValue("Content-Type")).hasValue(contentType);
        assertThat(got.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(got.headers().firstValue("Cache-Control")).hasValue("no-store");

        HttpResponse<String> head = send(request(path).HEAD());
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValue("Content-Length")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/readyz", "/metrics", "/api/v1/services",
            "/api/v1/explain?namespace=default&service=%1b[2K"})
    void what_others_have_written_is_shown_and_obeyed_nowhere(String path) throws Exception {
        String hostile = "<b>'x'\n\u001b[2K\u009b\u202e\ud83d\"";
        ready();
        daemon.freshness = new Freshness(true, false, NOW, hostile,
                List.of(new Problem(Problem.Severity.ERROR, hostile, hostile, hostile)));
        start();
        String body = get(path).body();

        assertThat(body).isNotEmpty().doesNotContain("<b>'x'\n").satisfies(
                text -> assertThat(text.codePoints().filter(c -> c != '\n' && !Printable.isSafe(c)).toArray())
                        .isEmpty());
        if (path.equals("/readyz")) {
            assertThat(JsonMapper.shared().readTree(body).path("detail").asString()).isEqualTo(hostile);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nothing", "/metrics/", "/api/v1", "/API/v1/services"})
    void an_unknown_path_is_404_with_a_hint(String path) throws Exception {
        start();
        HttpResponse<String> got = get(path);

        assertThat(got.statusCode()).isEqualTo(404);
        assertThat(json(got).get("error").asString()).contains("/ lists what is");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
    void what_would_change_something_is_405(String method) throws Exception {
        start();
        HttpResponse<String> got = send(request("/readyz").method(method, BodyPublishers.ofString("x")));

        assertThat(got.statusCode()).isEqualTo(405);
        assertThat(got.headers().firstValue("Allow")).hasValue("GET, HEAD");
    }

    @ParameterizedTest(name = "{0} by the name {1}: {2}")
    @CsvSource({"/metrics, evil.example, 403", "/api/v1/services, evil.example:10249, 403", "/, evil.example, 403",
            "/proxyMode, evil.example, 403", "/nothing, evil.example, 403", "/metrics, node-a, 200",
            "/api/v1/services, localhost, 200", "/livez, evil.example, 200", "/healthz, evil.example, 200",
            "/readyz, evil.example, 200"})
    void another_name_is_refused_save_for_health_checks(String path, String host, int status) throws Exception {
        ready();
        daemon.freshness = ScriptedDaemon.BROKEN;
        start();
        String answer = raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");

        assertThat(answer).startsWith("HTTP/1.1 " + status);
        assertThat(answer.contains("--metrics-allowed-hosts")).isEqualTo(status == 403);
        if (host.startsWith("evil")) {
            assertThat(answer).as("no name of a Service").doesNotContain("kubia").doesNotContain("1.2.3");
        }
    }

    @Test
    void the_proxy_mode_is_userspace() throws Exception {
        start();
        assertThat(get("/proxyMode").body()).isEqualTo("userspace");
    }

    @Test
    void metrics_are_open_metrics_for_who_asks() throws Exception {
        start();
        HttpResponse<String> open = send(request("/metrics").header("Accept",
                "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"));

        assertThat(open.headers().firstValue("Content-Type"))
                .hasValue("application/openmetrics-text; version=1.0.0; charset=utf-8");
        assertThat(open.body()).endsWith("# EOF\n");
        assertThat(get("/metrics").body()).doesNotContain("# EOF").contains("sluice_source_current ");
    }

    @Test
    void a_large_body_is_compressed_for_who_asks() throws Exception {
        metrics.port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP));
        start();
        HttpResponse<byte[]> got = client.send(request("/metrics").header("Accept-Encoding", "gzip").build(),
                BodyHandlers.ofByteArray());

        assertThat(got.headers().firstValue("Content-Encoding")).hasValue("gzip");
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(got.body()))) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).contains("sluice_connections_active{");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"limit=x", "limit=-1", "limit=", "limit=99999999999", "service=%zz"})
    void a_bad_query_is_400(String query) throws Exception {
        start();
        // The JDK's URI refuses a stray per cent sign, which a client need not.
        String status = raw("GET /api/v1/connections?" + query + " HTTP/1.0\r\n\r\n").lines().findFirst().orElse("");

        assertThat(status).contains(" 400 ");
    }

    @Test
    void an_oversized_header_is_not_answered() throws Exception {
        start();
        assertThat(raw("GET /proxyMode HTTP/1.0\r\nX-Large: " + "x".repeat(1000) + "\r\n\r\n")).contains("userspace");
        String answer;
        try {
            answer = raw("GET /proxyMode HTTP/1.0\r\nX-Large: " + "x".repeat(40_000) + "\r\n\r\n");
        } catch (SocketException e) {
            answer = "reset";
        }
        assertThat(answer).doesNotContain("userspace");
    }

    @Test
    void a_question_that_fails_is_500_without_its_stack_trace() throws Exception {
        daemon.connections = null;
        start();
        HttpResponse<String> got = get("/api/v1/connections");

        assertThat(got.statusCode()).isEqualTo(500);
        assertThat(got.body()).doesNotContain("NullPointerException");
    }

    @Test
    void the_page_of_the_health_address_shows_what_is_here_and_escapes_what_is_not_ours() throws Exception {
        ready();
        daemon.freshness = new Freshness(true, true, NOW, "watching <b>", List.of());
        admin = admin(Optional.of(ANY_PORT),
                Optional.of(new InetSocketAddress(IpAddresses.parse("127.0.0.2"), 0)));
        start();
        InetSocketAddress health = admin.healthAddress().orElseThrow();

        assertThat(send(HttpRequest.newBuilder(uri(health, "/"))).body()).contains("sluice 1.2.3", "href=\"/readyz\"",
                "Ready. 3 Services", "watching &lt;b&gt;").doesNotContain("<b>");
    }

    @Test
    void two_addresses_share_the_paths_as_kube_proxy_does() throws Exception {
        admin = admin(Optional.of(ANY_PORT),
                Optional.of(new InetSocketAddress(IpAddresses.parse("127.0.0.2"), 0)));
        start();
        InetSocketAddress health = admin.healthAddress().orElseThrow();

        assertThat(get("/healthz").body()).isEqualTo("ok");
        assertThat(get("/readyz").statusCode()).isEqualTo(404);
        assertThat(send(HttpRequest.newBuilder(uri(health, "/healthz"))).body()).contains("nodeEligible");
        assertThat(send(HttpRequest.newBuilder(uri(health, "/metrics"))).statusCode()).isEqualTo(404);
    }

    @Test
    void no_address_serves_nothing() throws Exception {
        admin = admin(Optional.empty(), Optional.empty());
        start();

        assertThat(admin.metricsAddress()).isEmpty();
        assertThat(admin.healthAddress()).isEmpty();
    }

    @Test
    void it_serves_over_ipv6() throws Exception {
        admin = admin(Optional.of(new InetSocketAddress(IpAddresses.parse("::1"), 0)), Optional.empty());
        start();

        assertThat(get("/healthz").body()).isEqualTo("ok");
    }

    @Test
    void an_address_in_use_is_tried_again_until_it_is_free() throws Exception {
        InetSocketAddress taken;
        try (ServerSocket other = new ServerSocket(0, 1, IpAddresses.parse("127.0.0.1"))) {
            taken = (InetSocketAddress) other.getLocalSocketAddress();
            admin = admin(Optional.of(taken), Optional.empty());
            admin.start(false);
            assertThat(admin.metricsAddress()).isEmpty();
        }
        await().until(() -> admin.metricsAddress().isPresent());

        assertThat(get("/healthz").body()).isEqualTo("ok");
    }

    @Test
    void close_ends_the_attempts_to_bind() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, IpAddresses.parse("127.0.0.1"))) {
            admin = admin(Optional.of((InetSocketAddress) other.getLocalSocketAddress()), Optional.empty());
            admin.start(false);
            admin.close();
        }
        assertThat(admin.metricsAddress()).isEmpty();
    }

    @Test
    void an_address_in_use_is_fatal_if_asked_for() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, IpAddresses.parse("127.0.0.1"))) {
            InetSocketAddress taken = (InetSocketAddress) other.getLocalSocketAddress();
            admin = admin(Optional.of(ANY_PORT), Optional.of(taken));

            assertThatThrownBy(() -> admin.start(true)).isInstanceOf(IOException.class)
                    .hasMessageContaining("health checks")
                    .hasMessageContaining("127.0.0.1:" + taken.getPort()).hasMessageContaining("in use")
                    .hasMessageContaining("--healthz-bind-address");
            assertThat(admin.metricsAddress()).as("the other address is closed again").isEmpty();
        }
    }
}
