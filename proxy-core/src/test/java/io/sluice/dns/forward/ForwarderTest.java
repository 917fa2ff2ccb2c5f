package io.sluice.dns.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.ScriptedUpstream;
import io.sluice.dns.Wire;
import io.sluice.dns.server.DnsLimits;
import io.sluice.dns.server.DnsServer;
import io.sluice.dns.server.DnsSettings;
import io.sluice.dns.zone.PodRecords;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;

/** Names that are not ours, through scripted upstreams over real sockets. */
class ForwarderTest {

    private static final InetAddress LOOPBACK = IpAddresses.parse("127.0.0.1");
    private static final ScriptedUpstream.Script ADDRESS = (query, stream) -> List
            .of(ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER, "example.com. 60 A 192.0.2.1").toWire());
    private static final ScriptedUpstream.Script SILENCE = (query, stream) -> List.of();

    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final MultiThreadIoEventLoopGroup loops = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable closeable : open.reversed()) {
            closeable.close();
        }
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void an_answer_is_passed_on_and_kept() throws Exception {
        ScriptedUpstream upstream = upstream(ADDRESS);
        InetSocketAddress server = start(upstream.address());

        for (int i = 0; i < 3; i++) {
            Message reply = Wire.udp(server, DnsMessages.query("Example.COM", "A"));
            assertThat(DnsMessages.brief(reply)).isEqualTo("A 192.0.2.1");
            assertThat(reply.getHeader().getFlag(Flags.RA)).isTrue();
            assertThat(reply.getQuestion().getName()).hasToString("Example.COM.");
            assertThat(reply.getSection(Section.ANSWER).getFirst().getTTL()).isBetween(50L, 60L);
        }
        assertThat(upstream.asked()).hasSize(1);
        assertThat(registry.get("sluice.dns.cache.hits").tag("type", "success").counter().count()).isEqualTo(2);
    }

    @Test
    void a_denial_is_kept_as_long_as_its_soa_says() throws Exception {
        ScriptedUpstream upstream = upstream((query, stream) -> List.of(ScriptedUpstream.answer(query, Rcode.NXDOMAIN,
                Section.AUTHORITY, "com. 900 SOA a.example. b.example. 1 2 3 4 300").toWire()));
        InetSocketAddress server = start(upstream.address());

        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("nothing.com", "A"))))
                .isEqualTo("NXDOMAIN +SOA com.");
        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("nothing.com", "A"))))
                .isEqualTo("NXDOMAIN +SOA com.");
        assertThat(upstream.asked()).hasSize(1);
        assertThat(registry.get("sluice.dns.cache.hits").tag("type", "denial").counter().count()).isEqualTo(1);
    }

    @Test
    void a_ttl_of_zero_is_not_kept() throws Exception {
        ScriptedUpstream upstream = upstream((query, stream) -> List.of(ScriptedUpstream
                .answer(query, Rcode.NOERROR, Section.ANSWER, "example.com. 0 A 192.0.2.1").toWire()));
        InetSocketAddress server = start(upstream.address());

        Wire.udp(server, DnsMessages.query("example.com", "A"));
        Wire.udp(server, DnsMessages.query("example.com", "A"));
        assertThat(upstream.asked()).hasSize(2);
    }

    @Test
    void each_question_goes_out_from_a_port_of_its_own() throws Exception {
        ScriptedUpstream upstream = upstream(ADDRESS);
        InetSocketAddress server = start(upstream.address());
        for (int i = 0; i < 20; i++) {
            Wire.udp(server, DnsMessages.query("h" + i + ".example.com", "A"));
        }

        assertThat(upstream.clientPorts()).hasSizeGreaterThan(10);
    }

    @Test
    void forgeries_are_waited_past() throws Exception {
        ScriptedUpstream upstream = upstream((query, stream) -> {
            Message right =
                    ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER, "example.com. 60 A 192.0.2.1");
            Message wrongId =
                    ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER, "example.com. 60 A 203.0.113.1");
            wrongId.getHeader().setID(query.getHeader().getID() ^ 1);
            Message wrongQuestion = ScriptedUpstream.answer(DnsMessages.query("example.net", "A"), Rcode.NOERROR,
                    Section.ANSWER, "example.com. 60 A 203.0.113.2");
            wrongQuestion.getHeader().setID(query.getHeader().getID());
            byte[] cut = Arrays.copyOf(right.toWire(), right.toWire().length - 3);
            byte[] noReply = right.toWire();
            noReply[2] &= 0x7f;
            return List.of(wrongId.toWire(), wrongQuestion.toWire(), cut, noReply, new byte[3], right.toWire());
        });
        InetSocketAddress server = start(upstream.address());

        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("example.com", "A")))).isEqualTo("A 192.0.2.1");
    }

    @Test
    void a_truncated_answer_is_fetched_over_tcp() throws Exception {
        ScriptedUpstream upstream = upstream((query, stream) -> {
            String[] records = IntStream.range(0, stream ? 120 : 1).mapToObj(i -> "example.com. 60 A 192.0.2." + i)
                    .toArray(String[]::new);
            Message answer = ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER, records);
            if (!stream) {
                answer.getHeader().setFlag(Flags.TC);
            }
            return List.of(answer.toWire());
        });
        InetSocketAddress server = start(upstream.address());
        Message udp = Wire.udp(server, DnsMessages.edns(DnsMessages.query("example.com", "A"), 1232, 0, 0));

        assertThat(udp.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(udp.getSection(Section.ANSWER)).hasSizeBetween(60, 80);
        assertThat(udp.getOPT().getPayloadSize()).isEqualTo(1232);
        assertThat(Wire.tcp(server, DnsMessages.query("example.com", "A")).getSection(Section.ANSWER)).hasSize(120);
        assertThat(upstream.asked()).containsExactly("example.com. A", "example.com. A/tcp");
    }

    @Test
    void the_next_is_asked_when_one_is_silent_and_the_silent_one_last_from_then_on() throws Exception {
        ScriptedUpstream silent = upstream(SILENCE);
        ScriptedUpstream well = upstream(ADDRESS);
        InetSocketAddress server = start(silent.address(), well.address());
        for (int i = 0; i < 4; i++) {
            assertThat(Wire.udp(server, DnsMessages.query("h" + i + ".example.com", "A")).getRcode())
                    .isEqualTo(Rcode.NOERROR);
        }

        assertThat(silent.asked()).hasSizeLessThan(3);
        assertThat(well.asked()).hasSize(4);
        silent.script(ADDRESS);
        await().untilAsserted(() -> {
            Wire.udp(server, DnsMessages.query("x" + System.nanoTime() + ".example.com", "A"));
            assertThat(silent.asked()).anyMatch(name -> name.startsWith("x"));
        });
    }

    @Test
    void the_next_is_asked_when_one_refuses() throws Exception {
        ScriptedUpstream refusing = upstream(
                (query, stream) -> List.of(ScriptedUpstream.answer(query, Rcode.REFUSED, Section.ANSWER).toWire()));
        InetSocketAddress server = start(refusing.address(), upstream(ADDRESS).address());

        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("example.com", "A")))).isEqualTo("A 192.0.2.1");
    }

    @Test
    void nobody_answers_is_servfail() throws Exception {
        InetSocketAddress nobody;
        try (DatagramSocket socket = new DatagramSocket(0, LOOPBACK)) {
            nobody = (InetSocketAddress) socket.getLocalSocketAddress();
        }
        InetSocketAddress server = start(nobody);

        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("example.com", "A")))).isEqualTo("SERVFAIL");
    }

    @Test
    void too_many_that_wait_are_refused() throws Exception {
        InetSocketAddress server = start(upstream(SILENCE).address());
        List<CompletableFuture<Message>> replies = IntStream.range(0, 12).mapToObj(i -> CompletableFuture
                .supplyAsync(() -> ask(server, "h" + i + ".example.com"), task -> Thread.ofVirtual().start(task)))
                .toList();

        assertThat(replies.stream().map(CompletableFuture::join).map(DnsMessages::brief)).hasSize(12)
                .containsOnly("REFUSED", "SERVFAIL").filteredOn("REFUSED"::equals).hasSizeBetween(4, 11);
        assertThat(registry.get("sluice.dns.upstream.rejects").counter().count()).isPositive();
    }

    @Test
    void one_question_of_many_clients_is_asked_once() throws Exception {
        CompletableFuture<Void> go = new CompletableFuture<>();
        ScriptedUpstream upstream = upstream((query, stream) -> {
            if (query.getQuestion().getName().toString().startsWith("example")) {
                go.join();
            }
            return ADDRESS.answers(query, stream);
        });
        InetSocketAddress server = start(upstream.address());
        List<CompletableFuture<Message>> replies = IntStream.range(0, 5).mapToObj(i -> CompletableFuture
                .supplyAsync(() -> ask(server, "example.com"), task -> Thread.ofVirtual().start(task))).toList();
        await().untilAsserted(() -> assertThat(registry.get("sluice.dns.cache.requests").counter().count())
                .isGreaterThanOrEqualTo(5));
        go.complete(null);

        assertThat(replies.stream().map(CompletableFuture::join).map(DnsMessages::brief)).containsOnly("A 192.0.2.1");
        assertThat(upstream.asked()).containsOnly("example.com. A").hasSizeLessThan(5);
    }

    @Test
    void the_target_of_an_external_name_is_followed() throws Exception {
        ScriptedUpstream upstream = upstream((query, stream) -> query.getQuestion().getName().toString()
                .equals("example.com.")
                        ? List.of(ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER,
                                "example.com. 60 CNAME www.example.com.", "www.example.com. 60 A 192.0.2.7").toWire())
                        : List.of(ScriptedUpstream.answer(query, Rcode.NXDOMAIN, Section.AUTHORITY,
                                "net. 60 SOA a.example. b.example. 1 2 3 4 30").toWire()));
        InetSocketAddress server = start(upstream.address());
        Message reply = Wire.udp(server, DnsMessages.query("ext.shop.svc.cluster.local", "A"));

        assertThat(reply.getSection(Section.ANSWER)).extracting(Record::rdataToString).containsExactly("example.com.",
                "www.example.com.", "192.0.2.7");
        assertThat(reply.getHeader().getFlag(Flags.AA)).isTrue();
        assertThat(DnsMessages.brief(Wire.udp(server, DnsMessages.query("gone.shop.svc.cluster.local", "A"))))
                .isEqualTo("NXDOMAIN; CNAME nothing.example.net. +SOA net. aa");
    }

    @Test
    void an_upstream_that_asks_us_back_is_found_out() throws Exception {
        AtomicReference<InetSocketAddress> self = new AtomicReference<>();
        ScriptedUpstream relay = upstream((query, stream) -> {
            InetSocketAddress back = self.get();
            if (back == null) {
                return List.of();
            }
            Thread.ofVirtual().start(() -> {
                try {
                    Wire.udp(back, query.toWire(), 10);
                } catch (IOException e) {
                    // the server is gone
                }
            });
            return List.of();
        });
        DnsServer server = new DnsServer(settings(relay.address()), new DnsMetrics(registry), loops);
        open.add(server);
        self.set(server.listen(new InetSocketAddress(LOOPBACK, 0)).toCompletableFuture().join().address());
        server.start().toCompletableFuture().join();

        await().untilAsserted(() -> {
            int before = relay.asked().size();
            assertThat(DnsMessages.brief(Wire.udp(self.get(), DnsMessages.query("example.com", "A"))))
                    .isEqualTo("SERVFAIL");
            assertThat(relay.asked()).hasSize(before);
        });
    }

    private static Message ask(InetSocketAddress server, String name) {
        try {
            return Wire.udp(server, DnsMessages.query(name, "A"));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private ScriptedUpstream upstream(ScriptedUpstream.Script script) throws IOException {
        ScriptedUpstream upstream = new ScriptedUpstream(script);
        open.add(upstream);
        return upstream;
    }

    private static DnsSettings settings(InetSocketAddress... upstreams) {
        DnsLimits limits = DnsLimits.builder().queriesPerSecond(10_000).connections(100).connectionsPerClient(100)
                .pipelined(10).upstreamQueries(6).upstreamTimeout(Duration.ofMillis(500)).cacheEntries(100)
                .cacheBytes(1024 * 1024).build();
        return new DnsSettings("cluster.local", 5, PodRecords.OFF, List.of(), List.of(upstreams),
                List.of(Cidr.parse("127.0.0.0/8")), List.of(), limits);
    }

    private InetSocketAddress start(InetSocketAddress... upstreams) throws Exception {
        DnsServer server = new DnsServer(settings(upstreams), new DnsMetrics(registry), loops);
        open.add(server);
        server.update(new Cluster().externalName("shop/ext", "example.com")
                .externalName("shop/gone", "nothing.example.net").snapshot());
        server.start().toCompletableFuture().join();
        return server.listen(new InetSocketAddress(LOOPBACK, 0)).toCompletableFuture().get(10, TimeUnit.SECONDS)
                .address();
    }
}
