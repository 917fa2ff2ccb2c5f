package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.DatagramPod;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.FlowSettings;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * UDP Services: what Kubernetes' end-to-end tests ask of a proxy ("Conntrack", test/e2e/network/conntrack.go, and "serve
 * endpoints on same port and different protocols"), and what bounds flows.
 */
class UdpServicesIT {

    private static final int PORT = 8081;
    private static final Duration SOON = Duration.ofSeconds(20);

    /** A Service "udp", port 80, whose endpoints are those that {@link #endpoints} writes. */
    private static RunningSluice service(RunningSluice sluice, String more) throws IOException {
        return sluice.manifest("udp.yaml", """
                apiVersion: v1
                kind: Service
                metadata: {name: udp}
                spec:
                  %s
                  ports: [{port: 80, protocol: UDP, targetPort: %d}]
                """.formatted(more, PORT));
    }

    private static void endpoints(RunningSluice sluice, int port, String... ips) throws IOException {
        StringBuilder all = new StringBuilder();
        for (String ip : ips) {
            String address = ip.replace("unready ", "");
            all.append("- {addresses: [").append(address).append("], conditions: {ready: ").append(address.equals(ip))
                    .append("}}\n");
        }
        sluice.manifest("slice.yaml", """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: udp-1, labels: {kubernetes.io/service-name: udp}}
                addressType: IPv4
                ports: [{port: %d, protocol: UDP}]
                endpoints:
                %s""".formatted(port, all));
    }

    private static DatagramPod pod(RunningSluice sluice, int number) throws IOException {
        return sluice.with(DatagramPod.at(sluice.address(number), PORT, "pod-" + number));
    }

    private static DatagramSocket client(RunningSluice sluice) throws IOException {
        return DatagramPod.client(sluice.vip("udp"));
    }

    private static String pod(DatagramSocket client) throws IOException {
        String reply = DatagramPod.ask(client);
        return reply.substring(0, reply.indexOf(' '));
    }

    @EachTransport
    void flows_are_spread_and_each_stays_where_it_is(Transport transport) throws Exception {
        try (RunningSluice sluice = service(new RunningSluice().transport(transport), "type: NodePort")) {
            for (int i = 1; i <= 3; i++) {
                pod(sluice, i);
            }
            endpoints(sluice, PORT, sluice.address(1), sluice.address(2), sluice.address(3));
            sluice.start();
            Map<String, Integer> hits = new TreeMap<>();
            for (int i = 0; i < 30; i++) {
                hits.merge(DatagramPod.ask(sluice.vip("udp")), 1, Integer::sum);
            }
            assertThat(hits).isEqualTo(Map.of("pod-1", 10, "pod-2", 10, "pod-3", 10));
            try (DatagramSocket client = client(sluice)) {
                String first = pod(client);
                for (int i = 0; i < 10; i++) {
                    assertThat(pod(client)).isEqualTo(first);
                }
                assertThat(sluice.get(false, "/api/v1/connections")).contains("\"protocol\":\"UDP\"",
                        "\"client\":\"127.0.0.1:" + client.getLocalPort(), "\"state\":\"answered\"");
            }
            int nodePort = sluice.applied("udp").ports().getFirst().port().nodePort();
            assertThat(DatagramPod.ask(new InetSocketAddress(InetAddress.getLoopbackAddress(), nodePort)))
                    .startsWith("pod-");
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"proxied\":true");
            assertThat(sluice.metric(
                    "sluice_datagrams_total{direction=\"from_client\",namespace=\"default\",port=\"\",service=\"udp\"}"))
                    .isEqualTo(42);
        }
    }

    /** "should be able to preserve UDP traffic when server pod cycles for a ClusterIP service". */
    @EachTransport
    void a_client_reaches_the_next_pod_when_its_own_is_gone(Transport transport) throws Exception {
        try (RunningSluice sluice = service(new RunningSluice().transport(transport), "type: ClusterIP")) {
            DatagramPod first = pod(sluice, 1);
            endpoints(sluice, PORT, sluice.address(1));
            sluice.start();
            try (DatagramSocket client = client(sluice)) {
                assertThat(pod(client)).isEqualTo("pod-1");
                pod(sluice, 2);
                endpoints(sluice, PORT, sluice.address(2));
                await().atMost(SOON).until(() -> DatagramPod.ask(sluice.vip("udp")).equals("pod-2"));
                // The old pod would still reply: nothing goes there any more.
                int before = first.received();
                for (int i = 0; i < 10; i++) {
                    assertThat(pod(client)).isEqualTo("pod-2");
                }
                assertThat(first.received()).isEqualTo(before);
            }
        }
    }

    /** "should be able to preserve UDP traffic when initial unready endpoints get ready". */
    @EachTransport
    void a_client_that_came_too_early_is_served_once_an_endpoint_is_ready(Transport transport) throws Exception {
        try (RunningSluice sluice = service(new RunningSluice().transport(transport), "type: ClusterIP")) {
            pod(sluice, 1);
            endpoints(sluice, PORT, "unready " + sluice.address(1));
            sluice.start();
            try (DatagramSocket client = client(sluice)) {
                assertThatThrownBy(() -> pod(client)).isInstanceOf(PortUnreachableException.class);
                endpoints(sluice, PORT, sluice.address(1));
                await().atMost(SOON).ignoreExceptionsInstanceOf(IOException.class)
                        .until(() -> pod(client).equals("pod-1"));
                endpoints(sluice, PORT, "unready " + sluice.address(1));
                await().atMost(SOON).untilAsserted(() -> assertThatThrownBy(() -> pod(client))
                        .isInstanceOf(PortUnreachableException.class));
            }
        }
    }

    /** "should be able to cycle the target port of a UDP Service". */
    @EachTransport
    void a_flow_follows_the_target_port(Transport transport) throws Exception {
        try (RunningSluice sluice = service(new RunningSluice().transport(transport), "type: ClusterIP")) {
            pod(sluice, 1);
            sluice.with(DatagramPod.at(sluice.address(1), PORT + 1, "other-port"));
            endpoints(sluice, PORT, sluice.address(1));
            sluice.start();
            try (DatagramSocket client = client(sluice)) {
                assertThat(pod(client)).isEqualTo("pod-1");
                endpoints(sluice, PORT + 1, sluice.address(1));
                await().atMost(SOON).until(() -> pod(client).equals("other-port"));
            }
        }
    }

    /** "should serve endpoints on same port and different protocols". */
    @Test
    void tcp_and_udp_have_the_same_port_and_one_goes_without_the_other() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "tcp-pod");
            sluice.with(DatagramPod.at(sluice.address(1), 8080, "udp-pod"));
            String both = """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: udp}
                    spec:
                      ports: [%s]
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: udp-1, labels: {kubernetes.io/service-name: udp}}
                    addressType: IPv4
                    ports: [{name: t, port: 8080}, {name: u, port: 8080, protocol: UDP}]
                    endpoints: [{addresses: [%s]}]
                    """;
            String tcp = "{name: t, port: 80}";
            String udp = "{name: u, port: 80, protocol: UDP}";
            sluice.manifest("both.yaml", both.formatted(tcp + ", " + udp, sluice.address(1))).start();
            InetSocketAddress vip = sluice.vip("udp");
            assertThat(HttpClientConnection.hit(vip)).isEqualTo("tcp-pod");
            assertThat(DatagramPod.ask(vip)).isEqualTo("udp-pod");
            sluice.manifest("both.yaml", both.formatted(tcp, sluice.address(1)));
            await().atMost(SOON).untilAsserted(
                    () -> assertThatThrownBy(() -> DatagramPod.ask(vip)).isInstanceOf(PortUnreachableException.class));
            assertThat(HttpClientConnection.hit(vip)).isEqualTo("tcp-pod");
            sluice.manifest("both.yaml", both.formatted(udp, sluice.address(1)));
            await().atMost(SOON).ignoreExceptionsInstanceOf(IOException.class)
                    .until(() -> DatagramPod.ask(vip).equals("udp-pod"));
            assertThatThrownBy(() -> HttpClientConnection.hit(vip)).isInstanceOf(java.net.ConnectException.class);
        }
    }

    @EachTransport
    void a_crowd_of_forged_clients_keeps_nobody_else_out(Transport transport) throws Exception {
        FlowSettings few = new FlowSettings(Duration.ofSeconds(30), Duration.ofSeconds(180), 2_000, 0, 100);
        try (RunningSluice sluice = service(new RunningSluice().transport(transport).flows(few), "type: ClusterIP")) {
            pod(sluice, 1);
            endpoints(sluice, PORT, sluice.address(1));
            sluice.start();
            AtomicInteger asked = new AtomicInteger();
            Thread flood = Thread.ofPlatform().daemon().start(() -> flood(sluice.vip("udp"), asked));
            try {
                await().atMost(SOON).until(() -> asked.get() > 4_000);
                for (int i = 0; i < 200; i++) {
                    assertThat(patiently(sluice.vip("udp"))).isEqualTo("pod-1");
                }
            } finally {
                flood.interrupt();
                flood.join();
            }
            String flows = sluice.get(false, "/api/v1/connections?limit=0");
            assertThat(Integer.parseInt(flows.replaceAll("(?s).*\"total\":(\\d+).*", "$1"))).isLessThanOrEqualTo(2_000);
            assertThat(sluice.metric("sluice_flows_gave_way_total{namespace=\"default\",port=\"\",service=\"udp\"}"))
                    .isPositive();
        }
    }

    /** As a resolver asks, which tries it again. */
    private static String patiently(InetSocketAddress service) throws IOException {
        try {
            return DatagramPod.ask(service);
        } catch (SocketTimeoutException e) {
            return DatagramPod.ask(service);
        }
    }

    /** From ever other addresses of loopback, a datagram each. */
    private static void flood(InetSocketAddress service, AtomicInteger asked) {
        while (!Thread.currentThread().isInterrupted()) {
            int n = asked.incrementAndGet();
            try (DatagramSocket forged = new DatagramSocket(
                    new InetSocketAddress(InetAddress.ofLiteral("127.99." + n / 250 % 250 + "." + (1 + n % 250)),
                            0))) {
                forged.send(new DatagramPacket(new byte[10], 10, service));
                if (n % 4 == 0) {
                    Thread.sleep(1); // the pace of the flood; nothing is waited for
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    @EachTransport
    void endpoints_come_and_go_under_load_and_no_exchange_is_lost(Transport transport) throws Exception {
        try (RunningSluice sluice = service(new RunningSluice().transport(transport), "type: ClusterIP")) {
            for (int i = 1; i <= 3; i++) {
                pod(sluice, i);
            }
            endpoints(sluice, PORT, sluice.address(1), sluice.address(2));
            sluice.start();
            AtomicInteger exchanges = new AtomicInteger();
            AtomicInteger lost = new AtomicInteger();
            Thread load = Thread.ofPlatform().daemon().start(() -> exchange(sluice.vip("udp"), exchanges, lost));
            for (int change = 0; change < 10; change++) {
                int seen = exchanges.get();
                endpoints(sluice, PORT, sluice.address(1 + change % 3), sluice.address(1 + (change + 1) % 3));
                await().atMost(SOON).until(() -> exchanges.get() > seen + 200);
            }
            load.interrupt();
            load.join();
            assertThat(lost).hasValue(0);
        }
    }

    private static void exchange(InetSocketAddress service, AtomicInteger exchanges, AtomicInteger lost) {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                DatagramPod.ask(service);
            } catch (IOException e) {
                lost.incrementAndGet();
            }
            exchanges.incrementAndGet();
        }
    }
}
