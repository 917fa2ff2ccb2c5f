package io.sluice.it.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.balance.Ejections;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.reconcile.Balancing;
import io.sluice.service.BalancerKind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One night: a slow pod, one that refuses, a port that another program has, an address that is not here, an edit. What is asked
 * then is answered on the command line, by the API and by what the live page is made of, and everywhere alike.
 */
class OperatorQuestionsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long SLOW_MILLIS = 500;
    private static final String NOT_HERE = "192.0.2.77";

    private RunningSluice sluice;

    @BeforeEach
    void start() throws Exception {
        sluice = new RunningSluice().balancing(new Balancing(BalancerKind.ROUND_ROBIN, List.of(), 100,
                new Ejections.Rules(Duration.ofSeconds(50), Duration.ofSeconds(50), 50)));
        sluice.with(Backend.at(sluice.address(1), socket -> answer(socket, 0)));
        sluice.with(Backend.at(sluice.address(2), socket -> answer(socket, SLOW_MILLIS)));
        ServerSocket taken = sluice.with(new ServerSocket());
        taken.bind(new InetSocketAddress(sluice.address(100), 80));
        sluice.manifest("pay.yaml", pay(3));
        sluice.manifest("busy.yaml", Manifests.service("busy", sluice.address(1)).replaceFirst("spec: \\{",
                "spec: {clusterIP: " + sluice.address(100) + ", "));
        sluice.manifest("outside.yaml", Manifests.service("outside", sluice.address(1)).replaceFirst("spec: \\{",
                "spec: {externalIPs: [" + NOT_HERE + "], "));
        sluice.start();
    }

    @AfterEach
    void close() throws IOException {
        sluice.close();
    }

    /** Nobody listens at the third address and at those after it. */
    private String pay(int pods) {
        return Manifests.bareService("pay") + """
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: pay-a, labels: {kubernetes.io/service-name: pay}}
                addressType: IPv4
                ports: [{port: 8080}]
                endpoints:
                """ + IntStream.rangeClosed(1, pods)
                .mapToObj(i -> "- {addresses: [" + sluice.address(i) + "], targetRef: {kind: Pod, name: pay-" + i
                        + "}}\n")
                .collect(Collectors.joining());
    }

    private static void answer(Socket socket, long millis) throws IOException, InterruptedException {
        if (socket.getInputStream().read() >= 0) {
            // Nobody counts it down: it is how long a slow program thinks.
            boolean early = new CountDownLatch(1).await(millis, TimeUnit.MILLISECONDS);
            socket.getOutputStream().write(early ? 'e' : 'x');
        }
    }

    private void traffic() throws IOException {
        for (int i = 0; i < 8; i++) {
            try (Socket socket = sluice.connect("pay")) {
                socket.getOutputStream().write('?');
                assertThat(socket.getInputStream().read()).isEqualTo('x');
            }
        }
    }

    private String run(String... words) {
        Terminal terminal = Terminal.run(sluice, words);
        assertThat(terminal.exitCode()).as(terminal.err()).isZero();
        return terminal.out();
    }

    private JsonNode api(String path) throws IOException {
        String body = sluice.get(false, "/api/v1/" + path);
        return JsonMapper.shared().readTree(body.substring(body.indexOf('{')));
    }

    /** The line of a table that has this in it. */
    private static String line(String table, String wanted) {
        return table.lines().filter(line -> line.contains(wanted)).findFirst().orElse("");
    }

    /** What a page that is opened now is told, until it is up to date: each event with its data. */
    private List<String> page() throws IOException {
        InetSocketAddress server = sluice.sluice().metricsAddress().orElseThrow();
        List<String> told = new ArrayList<>();
        try (Socket socket = new Socket()) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.connect(server);
            socket.getOutputStream().write(
                    "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String event = "";
            for (String line = in.readLine(); line != null && !event.equals("tick"); line = in.readLine()) {
                if (line.startsWith("event: ")) {
                    event = line.substring("event: ".length());
                } else if (line.startsWith("data: ")) {
                    told.add(event + " " + line.substring("data: ".length()));
                }
            }
        }
        return told;
    }

    @Test
    void why_it_is_refused_is_answered() throws Exception {
        String taken = sluice.address(100) + ":80 is already in use by another program";
        String away = NOT_HERE + ":80 is not an address of this machine";

        assertThat(run("explain", "busy")).contains("refused: " + taken,
                "next connection: nowhere: no address is served");
        assertThat(line(run("get", "services", "-o", "wide"), "busy")).contains("(Failed)");
        assertThat(run("explain", "outside", "--external")).contains(away);
        assertThat(api("services?service=busy").toString()).contains(taken);
        assertThat(api("services?service=outside").toString()).contains(away);
        assertThat(page()).anyMatch(told -> told.startsWith("health ") && told.contains(taken) && told.contains(away))
                .anyMatch(told -> told.startsWith("services ") && told.contains(taken));
        assertThat(run("events")).contains("ListenerFailed").contains(taken).contains(away);
    }

    @Test
    void which_pod_is_slow_and_which_one_refuses_is_answered() throws Exception {
        traffic();
        String[] pods = {sluice.address(1), sluice.address(2), sluice.address(3)};
        String wide = run("get", "endpoints", "pay", "-o", "wide");
        assertThat(line(wide, pods[2])).containsPattern("ready +yes ").contains(" pay-3 ");
        JsonNode endpoints = api("services?service=pay").path("services").path(0).path("ports").path(0)
                .path("endpoints");
        double slow = endpoints.path(1).path("firstByte").path("p50Ms").asDouble();
        assertThat(slow).isGreaterThan(SLOW_MILLIS * 0.5);
        assertThat(endpoints.path(0).path("firstByte").path("p50Ms").asDouble()).isLessThan(slow);
        assertThat(endpoints.path(2).path("failedConnections").path("refused").asInt()).isEqualTo(1);
        assertThat(line(run("get", "endpoints", "pay", "-o", "wide"), pods[1])).containsPattern("/\\d{3,}ms +pay-2 ");
        String explained = run("explain", "pay");
        assertThat(line(explained, pods[2])).contains("ready, but it does not answer: ejected");
        assertThat(run("events", "pay"))
                .contains(pods[2] + ":8080 (pod pay-3) does not answer and is ejected until it does:"
                        + " it refused a connection");
        String id = page().stream().filter(told -> told.startsWith("services ")).flatMap(told -> rows(told))
                .filter(row -> row.path("name").asString("").equals("pay")).findFirst().orElseThrow().path("id")
                .asString("");
        JsonNode figures = page().stream().filter(told -> told.startsWith("figures ")).flatMap(told -> rows(told))
                .filter(row -> row.path(0).asString("").equals(id)).findFirst().orElseThrow();
        assertThat(figures.path(1).asString("")).isEqualTo("ejected");
        assertThat(figures.path(12).asDouble()).as("99 of 100 first bytes, in ms").isGreaterThan(SLOW_MILLIS * 0.5);
    }

    private static Stream<JsonNode> rows(String told) {
        return JsonMapper.shared().readTree(told.substring(told.indexOf(' ') + 1)).valueStream();
    }

    @Test
    void what_changed_at_that_second_is_answered() throws Exception {
        Instant before = Instant.now();
        sluice.manifests().edit("pay.yaml", pay(4));
        await().atMost(PATIENCE).until(() -> run("events", "pay").contains("EndpointAdded"));
        Instant after = Instant.now();
        List<JsonNode> changes = new ArrayList<>();
        api("events?service=pay").path("events").forEach(event -> {
            Instant at = Instant.parse(event.path("at").asString(""));
            if (!at.isBefore(before.minusMillis(1)) && !at.isAfter(after)) {
                changes.add(event);
            }
        });
        assertThat(changes).hasSize(1);
        assertThat(changes.getFirst().path("message").asString(""))
                .isEqualTo(sluice.address(4) + ":8080 (pod pay-4) added: ready");
        assertThat(run("events", "pay", "--since", "1m")).contains("EndpointAdded", "(pod pay-4) added");
    }
}
