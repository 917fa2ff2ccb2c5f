package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.AffinityTable;
import io.sluice.balance.Routing;
import io.sluice.datagram.FlowGroup;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.PortMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows over real sockets of this machine, with each engine. */
class DatagramsTest {

    private static final ServiceName NAME = new ServiceName("default", "echo");
    private static final String UDP_REPLIES = "sluice.io/udp-replies";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final PortMeters meters =
            new ProxyMetrics(registry).port(new ServicePortName(NAME, "", Protocol.UDP));
    private final List<EndpointAddress> unanswered = new CopyOnWriteArrayList<>();
    private final List<DatagramSocket> open = new ArrayList<>();
    private DataPath dataPath;
    private ServicePortTargets port;
    private InetAddress loopback = IpAddresses.parse("127.0.0.1");
    private Map<String, String> annotations = Map.of();
    private Routing routing = Routing.NONE;

    static Stream<Transport> transports() {
        return Stream.of(Transport.NIO, Transport.EPOLL, Transport.IO_URING).filter(Transport::available);
    }

    private void start(Transport transport) {
        dataPath = new DataPath(ProxySettings.builder().transport(transport).workerThreads(2).build(), AccessLog.off());
        port = new ServicePortTargets(meters.name(), meters, new AtomicInteger(),
                (endpoint, why) -> unanswered.add(endpoint),
                new FlowGroup(), FlowSettings.DEFAULT);
    }

    @AfterEach
    void stop() {
        open.forEach(DatagramSocket::close);
        dataPath.close();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_reply_comes_from_the_address_that_was_spoken_to(Transport transport) throws IOException {
        start(transport);
        DatagramSocket endpoint = socket();
        endpoints(endpoint);
        // It is connected, and so takes replies from there alone.
        DatagramSocket client = client(listen());
        for (String word : List.of("one", "two", "three")) {
            send(client, word);
            assertThat(answer(endpoint)).isEqualTo(word);
            assertThat(receive(client)).isEqualTo("re " + word);
        }
        assertThat(dataPath.datagrams().flows()).isEqualTo(1);
        assertThat(meters.total()).isEqualTo(1);
        assertThat(dataPath.connections(10)).singleElement()
                .satisfies(flow -> assertThat(flow.bytesFromClient()).isEqualTo(11))
                .satisfies(flow -> assertThat(flow.bytesFromBackend()).isEqualTo(20));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void ipv6_is_as_good_as_ipv4(Transport transport) throws IOException {
        loopback = IpAddresses.parse("::1");
        a_reply_comes_from_the_address_that_was_spoken_to(transport);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void the_longest_datagram_arrives_whole(Transport transport) throws IOException {
        start(transport);
        DatagramSocket endpoint = socket();
        endpoints(endpoint);
        DatagramSocket client = client(listen());
        byte[] longest = new byte[65_507];
        new Random(31).nextBytes(longest);
        client.send(new DatagramPacket(longest, longest.length));
        DatagramPacket arrived = new DatagramPacket(new byte[65_536], 65_536);
        endpoint.receive(arrived);
        assertThat(Arrays.copyOf(arrived.getData(), arrived.getLength())).isEqualTo(longest);
        endpoint.send(arrived);
        client.receive(arrived);
        assertThat(arrived.getLength()).isEqualTo(longest.length);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_flow_stays_with_its_endpoint_until_that_is_gone(Transport transport) throws IOException {
        start(transport);
        DatagramSocket first = socket();
        DatagramSocket second = socket();
        endpoints(first);
        DatagramSocket client = client(listen());
        send(client, "a");
        assertThat(answer(first)).isEqualTo("a");
        receive(client);
        endpoints(first, second);
        for (int i = 0; i < 4; i++) {
            send(client, "b");
            assertThat(answer(first)).as("it has its endpoint").isEqualTo("b");
            receive(client);
        }
        endpoints(second);
        send(client, "c");
        assertThat(answer(second)).as("the very next datagram").isEqualTo("c");
        assertThat(receive(client)).isEqualTo("re c");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void after_an_icmp_error_the_next_datagram_goes_elsewhere(Transport transport) throws IOException {
        start(transport);
        DatagramSocket gone = socket();
        DatagramSocket other = socket();
        endpoints(gone);
        DatagramSocket client = client(listen());
        send(client, "a");
        answer(gone);
        receive(client);
        endpoints(gone, other);
        EndpointAddress silent = address(gone);
        gone.close();
        send(client, "lost");
        await().untilAsserted(() -> assertThat(unanswered).containsExactly(silent));
        send(client, "b");
        assertThat(answer(other)).isEqualTo("b");
        assertThat(receive(client)).isEqualTo("re b");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_question_is_over_with_its_answer(Transport transport) throws IOException {
        annotations = Map.of(UDP_REPLIES, "1");
        start(transport);
        DatagramSocket endpoint = socket();
        endpoints(endpoint);
        InetSocketAddress service = listen();
        for (int i = 0; i < 200; i++) {
            DatagramSocket client = client(service);
            send(client, "q");
            answer(endpoint);
            assertThat(receive(client)).isEqualTo("re q");
            client.close();
        }
        await().untilAsserted(() -> assertThat(dataPath.datagrams().flows()).isZero());
        await().untilAsserted(() -> assertThat(meters.active()).isZero());
        assertThat(meters.failed()).isZero();
        assertThat(meters.total()).isEqualTo(200);
    }

    /** What is received together is sent together, but each datagram stays what it is. */
    @ParameterizedTest
    @MethodSource("transports")
    void a_burst_arrives_datagram_by_datagram_and_in_order(Transport transport) throws IOException {
        start(transport);
        DatagramSocket endpoint = socket();
        endpoints(endpoint);
        DatagramSocket client = client(listen());
        send(client, "a");
        answer(endpoint);
        receive(client);
        List<Integer> lengths = new ArrayList<>(Collections.nCopies(40, 1_200));
        lengths.addAll(List.of(700, 1_200, 1_200, 3, 3, 3, 1, 20_000, 20_000, 19_999, 5, 1_200));
        Semaphore held = new Semaphore(0);
        dataPath.eventLoops().forEach(loop -> loop.execute(held::acquireUninterruptibly));
        for (int i = 0; i < lengths.size(); i++) {
            byte[] datagram = new byte[lengths.get(i)];
            datagram[0] = (byte) i;
            client.send(new DatagramPacket(datagram, datagram.length));
        }
        held.release(2);
        for (int i = 0; i < lengths.size(); i++) {
            DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
            endpoint.receive(packet);
            assertThat(packet.getLength()).as("datagram %s", i).isEqualTo(lengths.get(i));
            assertThat(packet.getData()[0]).isEqualTo((byte) i);
            endpoint.send(packet);
        }
        for (int i = 0; i < lengths.size(); i++) {
            DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
            client.receive(packet);
            assertThat(packet.getLength()).as("reply %s", i).isEqualTo(lengths.get(i));
            assertThat(packet.getData()[0]).isEqualTo((byte) i);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void who_is_closed_refuses(Transport transport) throws IOException {
        start(transport);
        DatagramSocket endpoint = socket();
        endpoints(endpoint);
        DatagramListener listener = open();
        DatagramSocket client = client(listener.address());
        send(client, "a");
        answer(endpoint);
        receive(client);
        listener.stop().toCompletableFuture().join();
        assertThat(dataPath.datagrams().flows()).isZero();
        refused(client);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_reply_that_is_due_comes_while_the_proxy_ends(Transport transport) throws IOException {
        start(transport);
        DatagramSocket endpoint = socket();
        endpoints(endpoint);
        DatagramListener listener = open();
        DatagramSocket client = client(listener.address());
        send(client, "a");
        DatagramPacket asked = new DatagramPacket(new byte[100], 100);
        endpoint.receive(asked);
        listener.finish().toCompletableFuture().join();
        assertThat(dataPath.datagrams().flows()).isEqualTo(1);
        if (transport != Transport.NIO) {
            refused(client(listener.address()));
        }
        endpoint.send(asked);
        assertThat(receive(client)).isEqualTo("a");
    }

    private static void refused(DatagramSocket client) throws IOException {
        // The JDK closes a socket some time after it was asked to.
        client.setSoTimeout(200);
        await().untilAsserted(() -> assertThatThrownBy(() -> {
            send(client, "b");
            receive(client);
        }).isInstanceOf(PortUnreachableException.class));
    }

    private DatagramSocket socket() throws IOException {
        DatagramSocket made = new DatagramSocket(0, loopback);
        made.setSoTimeout(10_000);
        made.setSendBufferSize(1 << 20);
        open.add(made);
        return made;
    }

    private DatagramSocket client(InetSocketAddress service) throws IOException {
        DatagramSocket client = socket();
        client.connect(service);
        return client;
    }

    private DatagramListener open() throws IOException {
        int free;
        try (DatagramSocket probe = new DatagramSocket(0, loopback)) {
            free = probe.getLocalPort();
        }
        return dataPath.datagrams()
                .listen(new InetSocketAddress(loopback, free), AddressKind.CLUSTER_IP, port, false)
                .toCompletableFuture().join();
    }

    private InetSocketAddress listen() throws IOException {
        return open().address();
    }

    private static EndpointAddress address(DatagramSocket socket) {
        return new EndpointAddress(socket.getLocalAddress(), socket.getLocalPort());
    }

    private void endpoints(DatagramSocket... sockets) {
        Service service = Service.builder(NAME).clusterIps(List.of(loopback)).annotations(annotations)
                .ports(List.of(new ServicePort("", Protocol.UDP, 7000, 0, "7000", null))).build();
        routing = routing.next(service,
                EndpointSet.of(Stream.of(sockets).map(s -> Endpoint.ready(address(s))).toList()),
                new NodeTopology("n1", null),
                new Routing.Settings(BalancerKind.ROUND_ROBIN, new AffinityTable(1), List.of(), 50),
                new Routing.Tools(address -> () -> 0, bound -> 0), 0);
        port.update(routing, List.of());
    }

    private static void send(DatagramSocket from, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        from.send(new DatagramPacket(bytes, bytes.length));
    }

    private static String receive(DatagramSocket at) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[1000], 1000);
        at.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8);
    }

    /** Answers one datagram; what it was. */
    private static String answer(DatagramSocket endpoint) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[1000], 1000);
        endpoint.receive(packet);
        String asked = new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8);
        byte[] reply = ("re " + asked).getBytes(StandardCharsets.UTF_8);
        endpoint.send(new DatagramPacket(reply, reply.length, packet.getSocketAddress()));
        return asked;
    }
}
