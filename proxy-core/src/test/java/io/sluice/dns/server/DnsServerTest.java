package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.ScriptedUpstream;
import io.sluice.dns.Wire;
import io.sluice.dns.zone.PodRecords;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Section;

/** The server over real sockets. */
class DnsServerTest {

    private static final InetAddress LOOPBACK = IpAddresses.parse("127.0.0.1");
    private static final Cluster CLUSTER = new Cluster()
            .clusterIp("shop/kubia", "10.96.0.7", "http:80/TCP")
            .headless("shop/many", "http:80/TCP",
                    IntStream.range(0, 200).mapToObj(i -> "10.1.0." + i + ":80").toArray(String[]::new))
            .externalName("shop/ext", "example.com");

    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable closeable : open.reversed()) {
            closeable.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nio", "epoll"})
    void answers_over_udp_and_tcp(String transport) throws Exception {
        Assumptions.assumeTrue(transport.equals("nio") || Epoll.isAvailable());
        InetSocketAddress server = start(DnsLimits.DEFAULT, transport, "127.0.0.0/8");

        assertThat(DnsMessages.brief(Wire.udp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
        assertThat(DnsMessages.brief(Wire.tcp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
        await().ignoreExceptions().untilAsserted(() -> {
            assertThat(registry.get("sluice.dns.requests").tags("zone", "cluster.local.", "proto", "tcp", "family", "1",
                    "type", "A").counter().count()).isEqualTo(1);
            assertThat(registry.get("sluice.dns.responses").tags("rcode", "NOERROR").counter().count()).isEqualTo(2);
        });
    }

    @ParameterizedTest(name = "{0} octets allowed, {1} offered")
    @CsvSource({"1232, 8192, 73", "8192, 8192, 200", "65535, 65535, 200", "65535, 1400, 84", "512, 8192, 28",
            "65535, 0, 29"})
    void a_reply_over_udp_is_as_long_as_is_allowed_and_offered(int allowed, int offered, int records) throws Exception {
        InetSocketAddress server = start(DnsLimits.builder().udpBytes(allowed).build(), "nio", "127.0.0.0/8");
        Message query = DnsMessages.query("many.shop.svc.cluster.local", "A");
        Message reply = Wire.udp(server, offered == 0 ? query : DnsMessages.edns(query, offered, 0, 0));

        assertThat(reply.getSection(Section.ANSWER)).hasSize(records);
        assertThat(reply.getHeader().getFlag(Flags.TC)).isEqualTo(records < 200);
    }

    @Test
    void answers_over_ipv6() throws Exception {
        Assumptions.assumeTrue(hasIpv6());
        InetSocketAddress server =
                start(settings(DnsLimits.DEFAULT, "::1", List.of(), "::1/128"), "nio").getFirst().address();

        assertThat(DnsMessages.brief(Wire.udp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
        assertThat(DnsMessages.brief(Wire.tcp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
    }

    @Test
    void what_does_not_fit_a_datagram_is_whole_over_tcp() throws Exception {
        InetSocketAddress server = start(DnsLimits.DEFAULT, "nio", "127.0.0.0/8");
        Message query = DnsMessages.query("many.shop.svc.cluster.local", "A");
        Message udp = Wire.udp(server, query);

        assertThat(udp.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(udp.getSection(Section.ANSWER)).hasSizeBetween(20, 40);
        assertThat(Wire.tcp(server, query).getSection(Section.ANSWER)).hasSize(200);
    }

    @Test
    void many_queries_on_one_connection_in_any_pieces() throws Exception {
        InetSocketAddress server = start(DnsLimits.DEFAULT, "nio", "127.0.0.0/8");
        try (Socket socket = Wire.connect(server)) {
            byte[] two = DnsMessages.concat(Wire.framed(kubia()), Wire.framed(kubia()));
            for (byte octet : two) {
                socket.getOutputStream().write(octet);
                socket.getOutputStream().flush();
            }
            socket.getOutputStream().write(DnsMessages.concat(two, two));

            for (int i = 0; i < 6; i++) {
                assertThat(DnsMessages.brief(Wire.receive(socket))).isEqualTo("A 10.96.0.7 aa");
            }
        }
    }

    @Test
    void garbage_does_not_stop_it() throws Exception {
        InetSocketAddress server = start(DnsLimits.DEFAULT, "nio", "127.0.0.0/8");
        for (byte[] garbage : List.of(new byte[0], new byte[5], new byte[4_000], new byte[60_000])) {
            Wire.udp(server, garbage, 50);
        }
        try (Socket socket = Wire.connect(server)) {
            socket.getOutputStream().write(DnsMessages.octets(255, 255, 1, 2, 3));
            assertThat(socket.getInputStream().read()).as("closed").isEqualTo(-1);
        } catch (SocketException e) {
            assertThat(e).hasMessageContaining("reset");
        }

        assertThat(DnsMessages.brief(Wire.udp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
        assertThat(DnsMessages.brief(Wire.tcp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
    }

    @Test
    void strangers_get_nothing() throws Exception {
        InetSocketAddress server = start(DnsLimits.DEFAULT, "nio", "10.0.0.0/8");

        assertThat(Wire.udp(server, kubia().toWire(), 200)).isNull();
        assertThatThrownBy(() -> Wire.tcp(server, kubia())).isInstanceOf(IOException.class);
        assertThat(dropped("not_allowed")).isEqualTo(2);
    }

    @Test
    void who_asks_too_often_gets_nothing_over_udp_and_a_refusal_over_tcp() throws Exception {
        InetSocketAddress server = start(limits(3, 10, Duration.ofSeconds(10)), "nio", "127.0.0.0/8");
        for (int i = 0; i < 3; i++) {
            assertThat(DnsMessages.brief(Wire.udp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
        }

        assertThat(Wire.udp(server, kubia().toWire(), 200)).isNull();
        assertThat(DnsMessages.brief(Wire.tcp(server, kubia()))).isEqualTo("REFUSED");
        assertThat(dropped("rate_limit")).isEqualTo(2);
    }

    @Test
    void a_client_has_so_many_connections_and_no_more() throws Exception {
        ScriptedUpstream silent = new ScriptedUpstream((query, stream) -> List.of());
        open.add(silent);
        DnsSettings settings = settings(limits(1_000, 2, Duration.ofSeconds(10)), "127.0.0.1",
                List.of(silent.address()), "127.0.0.0/8");
        InetSocketAddress server = start(settings, "nio").getFirst().address();
        try (Socket first = Wire.connect(server); Socket second = Wire.connect(server)) {
            for (Socket busy : List.of(first, second)) {
                Wire.send(busy, kubia());
                Wire.receive(busy);
                Wire.send(busy, DnsMessages.query(busy.getLocalPort() + ".example.com", "A"));
            }
            await().until(() -> silent.asked().size() >= 2);

            assertThatThrownBy(() -> Wire.tcp(server, kubia())).isInstanceOf(IOException.class);
            assertThat(dropped("connection_limit")).isEqualTo(1);
        }

        await().untilAsserted(
                () -> assertThat(registry.get("sluice.dns.connections.active").gauge().value()).isZero());
        assertThat(DnsMessages.brief(Wire.tcp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
    }

    @Test
    void an_idle_connection_gives_way_to_a_new_one() throws Exception {
        InetSocketAddress server = start(limits(1_000, 2, Duration.ofSeconds(60)), "nio", "127.0.0.0/8");
        try (Socket first = Wire.connect(server); Socket second = Wire.connect(server)) {
            for (Socket idle : List.of(first, second)) {
                Wire.send(idle, kubia());
                Wire.receive(idle);
            }

            assertThat(DnsMessages.brief(Wire.tcp(server, kubia()))).isEqualTo("A 10.96.0.7 aa");
            // Which of the two has been idle longer depends on when their event loops saw their answers written.
            Socket other = hasEnded(first) ? second : first;
            assertThat(hasEnded(other)).isFalse();
            Wire.send(other, kubia());
            assertThat(DnsMessages.brief(Wire.receive(other))).isEqualTo("A 10.96.0.7 aa");
            assertThat(dropped("connection_limit")).isZero();
        }
    }

    private static boolean hasEnded(Socket socket) throws IOException {
        int before = socket.getSoTimeout();
        socket.setSoTimeout(500);
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } finally {
            socket.setSoTimeout(before);
        }
    }

    @Test
    void this_machine_is_answered_and_is_not_one_client() throws Exception {
        IoEventLoopGroup loops = loops("nio");
        DnsServer server = new DnsServer(settings(limits(3, 2, Duration.ofSeconds(10)), "127.0.0.1", List.of(),
                "10.0.0.0/8"), new DnsMetrics(registry), loops, LOOPBACK::equals);
        open.add(server);
        server.update(CLUSTER.snapshot());
        InetSocketAddress address = server.start().toCompletableFuture().get(10, TimeUnit.SECONDS).getFirst().address();
        List<Socket> many = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Socket socket = Wire.connect(address);
            open.add(socket);
            many.add(socket);
        }
        for (Socket socket : many) {
            Wire.send(socket, kubia());
            assertThat(DnsMessages.brief(Wire.receive(socket))).isEqualTo("A 10.96.0.7 aa");
            assertThat(DnsMessages.brief(Wire.udp(address, kubia()))).isEqualTo("A 10.96.0.7 aa");
        }
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.0/8, --dns-rate-limit", "10.0.0.0/8, --dns-allow"})
    void a_limit_that_bites_is_logged_once_with_its_setting(String allow, String setting) throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger(Dispatcher.class);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.addAppender(log);
        open.add(() -> logger.detachAppender(log));
        InetSocketAddress server = start(limits(1, 10, Duration.ofSeconds(10)), "nio", allow);
        for (int i = 0; i < 4; i++) {
            Wire.udp(server, kubia().toWire(), 100);
        }

        assertThat(log.list).extracting(ILoggingEvent::getFormattedMessage).singleElement().asString()
                .startsWith("127.0.0.1 ").contains(setting);
    }

    @Test
    void a_connection_on_which_no_whole_query_comes_is_closed() throws Exception {
        InetSocketAddress server = start(limits(1_000, 10, Duration.ofMillis(300)), "nio", "127.0.0.0/8");
        try (Socket socket = Wire.connect(server)) {
            socket.getOutputStream().write(0);
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void a_new_snapshot_is_answered_at_once() throws Exception {
        InetSocketAddress server = start(DnsLimits.DEFAULT, "nio", "127.0.0.0/8");
        DnsServer running = (DnsServer) open.getLast();
        running.update(new Cluster().clusterIp("shop/new", "10.96.0.8", "http:80/TCP").snapshot(1_800_000_000L));

        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("new.shop.svc.cluster.local", "A"))))
                .isEqualTo("A 10.96.0.8 aa");
        assertThat(DnsMessages.brief(Wire.udp(server, kubia()))).startsWith("NXDOMAIN");
    }

    @Test
    void an_address_that_is_taken_is_named_with_a_way_out() throws Exception {
        try (DatagramSocket taken = new DatagramSocket(0, LOOPBACK)) {
            DnsSettings settings = new DnsSettings("cluster.local", 5, PodRecords.OFF,
                    List.of(new InetSocketAddress(LOOPBACK, taken.getLocalPort())), List.of(),
                    List.of(Cidr.parse("127.0.0.0/8")), List.of(), DnsLimits.DEFAULT);
            IoEventLoopGroup loops = loops("nio");
            try (DnsServer server = new DnsServer(settings, new DnsMetrics(registry), loops)) {
                assertThatThrownBy(() -> server.start().toCompletableFuture().join())
                        .isInstanceOf(CompletionException.class).cause().isInstanceOf(IOException.class)
                        .hasMessageContaining("Cannot answer DNS at 127.0.0.1:" + taken.getLocalPort())
                        .hasMessageContaining("--dns-listen");
            }
        }
    }

    @Test
    void a_socket_that_somebody_else_bound_is_taken_over() throws Exception {
        Assumptions.assumeTrue(Epoll.isAvailable());
        start(settings(DnsLimits.DEFAULT, "", List.of(), "127.0.0.0/8"), "epoll");
        DnsServer running = (DnsServer) open.getLast();
        io.netty.channel.unix.Socket socket = BoundSocket.udp(LOOPBACK);
        InetSocketAddress bound = socket.localAddress();
        running.adopt(new EpollDatagramChannel(socket.intValue()))
                .toCompletableFuture().get(10, TimeUnit.SECONDS);

        assertThat(DnsMessages.brief(Wire.udp(bound, kubia()))).isEqualTo("A 10.96.0.7 aa");
    }

    @ParameterizedTest
    @ValueSource(strings = {"+notcp", "+tcp", "+notcp +edns=0 +bufsize=4096", "+notcp +cookie"})
    void dig_understands_it(String options) throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/dig")));
        InetSocketAddress server = start(DnsLimits.DEFAULT, "nio", "127.0.0.0/8");
        Map<String, String> expected = new TreeMap<>(Map.of("kubia.shop.svc.cluster.local A", "10.96.0.7",
                "_http._tcp.kubia.shop.svc.cluster.local SRV", "0 100 80 kubia.shop.svc.cluster.local.",
                "7.0.96.10.in-addr.arpa PTR", "kubia.shop.svc.cluster.local.", "ext.shop.svc.cluster.local CNAME",
                "example.com.", "dns-version.cluster.local TXT", "\"1.1.0\"", "cluster.local NS",
                "ns.dns.cluster.local.", "kubia.shop.svc.cluster.local AAAA", ""));
        for (Map.Entry<String, String> question : expected.entrySet()) {
            List<String> command = new ArrayList<>(List.of("/usr/bin/dig", "@127.0.0.1", "-p",
                    Integer.toString(server.getPort()), "+short", "+tries=1"));
            command.addAll(List.of(options.split(" ", -1)));
            command.addAll(List.of(question.getKey().split(" ", -1)));
            Process dig = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(dig.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();

            assertThat(dig.waitFor()).as(said).isZero();
            assertThat(said).as(question.getKey()).isEqualTo(question.getValue());
        }
    }

    @Test
    void settings_that_make_no_sense_are_refused() {
        InetSocketAddress wildcard = new InetSocketAddress("0.0.0.0", 53);
        InetSocketAddress own = new InetSocketAddress(LOOPBACK, 53);

        assertThatThrownBy(() -> settings("cluster.local", 5, wildcard, own)).hasMessageContaining("wildcard");
        assertThatThrownBy(() -> settings("cluster.local", 5, own, own)).hasMessageContaining("itself");
        assertThatThrownBy(() -> settings("cluster..local", 5, own, wildcard)).hasMessageContaining("domain");
        assertThatThrownBy(() -> settings("", 5, own, wildcard)).hasMessageContaining("domain");
        assertThatThrownBy(() -> settings("cluster.local", 3_601, own, wildcard)).hasMessageContaining("TTL");
    }

    private static DnsSettings settings(String domain, int ttl, InetSocketAddress listen, InetSocketAddress upstream) {
        return new DnsSettings(domain, ttl, PodRecords.OFF, List.of(listen), List.of(upstream), List.of(), List.of(),
                DnsLimits.DEFAULT);
    }

    private double dropped(String reason) {
        return registry.get("sluice.dns.dropped").tag("reason", reason).counter().count();
    }

    private static Message kubia() {
        return DnsMessages.query("kubia.shop.svc.cluster.local", "A");
    }

    private static DnsLimits limits(int burst, int connectionsPerClient, Duration idle) {
        return DnsLimits.builder().queriesPerSecond(1).burst(burst).connections(100)
                .connectionsPerClient(connectionsPerClient).pipelined(10).tcpIdle(idle).upstreamQueries(10)
                .upstreamTimeout(Duration.ofSeconds(1)).cacheEntries(10).cacheBytes(100_000).build();
    }

    private static DnsSettings settings(DnsLimits limits, String listen, List<InetSocketAddress> upstreams,
            String allow) {
        return new DnsSettings("cluster.local", 5, PodRecords.OFF,
                listen.isEmpty() ? List.of() : List.of(new InetSocketAddress(IpAddresses.parse(listen), 0)), upstreams,
                List.of(Cidr.parse(allow)), List.of(), limits);
    }

    private InetSocketAddress start(DnsLimits limits, String transport, String allow) throws Exception {
        return start(settings(limits, "127.0.0.1", List.of(), allow), transport).getFirst().address();
    }

    private List<DnsListener> start(DnsSettings settings, String transport) throws Exception {
        DnsServer server = new DnsServer(settings, new DnsMetrics(registry), loops(transport));
        open.add(server);
        server.update(CLUSTER.snapshot());
        return server.start().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private IoEventLoopGroup loops(String transport) {
        IoEventLoopGroup loops = new MultiThreadIoEventLoopGroup(2,
                transport.equals("epoll") ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        open.add(() -> loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly());
        return loops;
    }

    private static boolean hasIpv6() {
        try (DatagramSocket socket = new DatagramSocket(0, IpAddresses.parse("::1"))) {
            return socket.isBound();
        } catch (SocketException e) {
            return false;
        }
    }

    /** A UDP socket as another process would hand it over: bound, and known by its descriptor only. */
    private static final class BoundSocket {
        static io.netty.channel.unix.Socket udp(InetAddress address) throws IOException {
            io.netty.channel.unix.Socket socket = io.netty.channel.unix.Socket.newSocketDgram();
            socket.bind(new InetSocketAddress(address, 0));
            return socket;
        }
    }
}
