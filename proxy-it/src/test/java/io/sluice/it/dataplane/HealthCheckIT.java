package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.Transport;
import io.sluice.reconcile.Balancing;
import io.sluice.balance.Ejections;
import io.sluice.service.BalancerKind;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Active health checks, over real sockets: an external server that no kubelet checks. */
class HealthCheckIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final String HANGS = "hangs";

    /** Answers each HTTP request with this status, or not at all. */
    private static Backend.Conversation answering(AtomicReference<String> status) {
        return socket -> {
            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            String request = reader.readLine();
            while (request != null && !reader.readLine().isEmpty()) {
                // The rest of the header.
            }
            if (status.get().equals(HANGS)) {
                socket.getInputStream().transferTo(OutputStream.nullOutputStream());
            } else if (request != null) {
                socket.getOutputStream().write(("HTTP/1.1 " + status.get() + " X\r\nContent-Length: 0\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
            }
        };
    }

    private static RunningSluice start(Transport transport) throws Exception {
        return new RunningSluice().transport(transport)
                .balancing(new Balancing(BalancerKind.ROUND_ROBIN, List.of(), 100, Ejections.Rules.OFF));
    }

    private static String yaml(String check, String... endpoints) {
        return Manifests.service("kubia", endpoints).replaceFirst("metadata: \\{name: kubia}",
                "metadata: {name: kubia, annotations: {sluice.io/health-check: '" + check
                        + "', sluice.io/health-check-interval: 1s, sluice.io/health-check-timeout: 300ms,"
                        + " sluice.io/health-check-fall: '2'}}");
    }

    @EachTransport
    void an_endpoint_gets_no_connections_while_it_answers_503_refuses_or_hangs(Transport transport) throws Exception {
        try (RunningSluice sluice = start(transport)) {
            AtomicReference<String> status = new AtomicReference<>("200");
            Backend first = sluice.with(Backend.at(sluice.address(1), answering(status)));
            sluice.with(Backend.at(sluice.address(2), answering(new AtomicReference<>("204"))));
            sluice.manifest("kubia.yaml", yaml("http:/healthz", sluice.address(1), sluice.address(2))).start();
            awaitHealth(sluice, "passing", "");

            status.set("503");
            awaitHealth(sluice, "failing", "it answered 503");
            int before = first.accepted();
            assertThat(takenBy(sluice, 10)).as("connections that the unhealthy one took").isZero();
            assertThat(first.accepted() - before).as("checks go on").isLessThan(15);
            assertThat(sluice.metric("sluice_endpoints_unhealthy", "kubia")).isEqualTo(1);

            status.set("200");
            awaitHealth(sluice, "passing", "");
            first.stop();
            awaitHealth(sluice, "failing", "it refused the connection");
            first.start();
            awaitHealth(sluice, "passing", "");
            status.set(HANGS);
            awaitHealth(sluice, "failing", "it took the connection, and did not answer in 300 ms");

            // What is known outlasts a reload: the next answer says so already.
            sluice.manifest("kubia.yaml",
                    yaml("http:/healthz", sluice.address(1), sluice.address(2), sluice.address(3)));
            sluice.awaitEndpoints("kubia", sluice.address(1), sluice.address(2), sluice.address(3));
            assertThat(endpoint(sluice, 0).path("health").asString()).isEqualTo("failing");

            assertThat(types(sluice)).containsSubsequence("EndpointUnhealthy", "EndpointHealthy", "EndpointUnhealthy",
                    "EndpointHealthy", "EndpointUnhealthy");
        }
    }

    @EachTransport
    void connections_go_to_all_endpoints_if_all_of_them_fail(Transport transport) throws Exception {
        try (RunningSluice sluice = start(transport)) {
            sluice.with(Backend.named(sluice.address(1), "pod-1"));
            sluice.with(Backend.named(sluice.address(2), "pod-2"));
            sluice.manifest("kubia.yaml", yaml("http:/healthz", sluice.address(1), sluice.address(2))).start();
            await().atMost(PATIENCE).until(() -> sluice.metric("sluice_endpoints_unhealthy", "kubia") == 2);
            List<String> hits = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                hits.add(sluice.ask("kubia"));
            }
            assertThat(hits).contains("pod-1", "pod-2");
        }
    }

    @EachTransport
    void a_tcp_check_asks_for_a_connection_only(Transport transport) throws Exception {
        try (RunningSluice sluice = start(transport)) {
            Backend first = sluice.with(Backend.named(sluice.address(1), "pod-1"));
            sluice.with(Backend.named(sluice.address(2), "pod-2"));
            sluice.manifest("kubia.yaml", yaml("tcp", sluice.address(1), sluice.address(2))).start();
            awaitHealth(sluice, "passing", "");
            first.stop();
            awaitHealth(sluice, "failing", "it refused the connection");
            assertThat(sluice.ask("kubia")).isEqualTo("pod-2");
            assertThat(sluice.ask("kubia")).isEqualTo("pod-2");
        }
    }

    private static int takenBy(RunningSluice sluice, int connections) throws Exception {
        double before = total(sluice);
        for (int i = 0; i < connections; i++) {
            try (Socket socket = sluice.connect("kubia")) {
                socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                        .isEqualTo("HTTP/1.1 204");
            }
        }
        return (int) (total(sluice) - before);
    }

    private static double total(RunningSluice sluice) throws Exception {
        return endpoint(sluice, 0).path("totalConnections").asDouble();
    }

    private static void awaitHealth(RunningSluice sluice, String health, String why) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            JsonNode endpoint = endpoint(sluice, 0);
            assertThat(endpoint.path("health").asString()).isEqualTo(health);
            assertThat(endpoint.path("whyUnhealthy").asString("")).isEqualTo(why);
            assertThat(endpoint.path("ejected").asBoolean()).isEqualTo(health.equals("failing"));
        });
    }

    private static JsonNode endpoint(RunningSluice sluice, int number) throws Exception {
        return json(sluice, "/api/v1/services?service=kubia").path("services").path(0).path("ports").path(0)
                .path("endpoints").path(number);
    }

    private static List<String> types(RunningSluice sluice) throws Exception {
        List<String> types = new ArrayList<>();
        json(sluice, "/api/v1/events?namespace=default").path("events")
                .forEach(event -> types.add(event.path("type").asString()));
        return types;
    }

    private static JsonNode json(RunningSluice sluice, String path) throws Exception {
        String body = sluice.get(false, path);
        return JsonMapper.shared().readTree(body.substring(body.indexOf('{')));
    }
}
