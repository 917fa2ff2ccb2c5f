package io.sluice.dns.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;

/** Upstreams that are old, half reachable, or say more than they were asked. */
class UpstreamFaultsTest {

    private static final InetAddress LOOPBACK = IpAddresses.parse("127.0.0.1");

    private final MultiThreadIoEventLoopGroup loops = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable closeable : open.reversed()) {
            closeable.close();
        }
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @ParameterizedTest
    @ValueSource(strings = {"FORMERR", "FORMERR without question", "NOTIMP", "BADVERS", "silence"})
    void an_upstream_without_edns_is_asked_again_without_and_then_only_so(String refusal) throws Exception {
        ScriptedUpstream upstream = upstream(refusal);
        InetSocketAddress server = start(upstream.address());

        assertThat(ask(server, "a.example.com")).isEqualTo("A 192.0.2.1");
        assertThat(ask(server, "b.example.com")).isEqualTo("A 192.0.2.1");
        assertThat(upstream.askedWithEdns()).containsExactly("a.example.com. A edns", "a.example.com. A",
                "b.example.com. A");
    }

    @Test
    void several_that_are_silent_to_edns_are_asked_without_by_the_first_question() throws Exception {
        InetSocketAddress server = start(upstream("silence").address(), upstream("silence").address());

        assertThat(ask(server, "a.example.com")).isEqualTo("A 192.0.2.1");
    }

    @Test
    void edns_is_used_again_once_the_upstream_understands_it() throws Exception {
        ScriptedUpstream upstream = upstream("silence");
        InetSocketAddress server = start(upstream.address());
        assertThat(ask(server, "a.example.com")).isEqualTo("A 192.0.2.1");
        upstream.script((query, stream) -> List.of(address(query).toWire()));

        await().untilAsserted(() -> {
            ask(server, "x" + System.nanoTime() + ".example.com");
            assertThat(upstream.askedWithEdns()).last().asString().endsWith(" edns");
        });
    }

    @Test
    void what_is_wrong_with_the_question_itself_is_no_matter_of_edns() throws Exception {
        ScriptedUpstream upstream = open(new ScriptedUpstream((query, stream) -> List
                .of(ScriptedUpstream.answer(query, Rcode.NOTIMP, Section.ANSWER).toWire())));
        InetSocketAddress server = start(upstream.address());

        assertThat(ask(server, "a.example.com")).isEqualTo("NOTIMP");
        assertThat(ask(server, "b.example.com")).isEqualTo("NOTIMP");
        assertThat(upstream.askedWithEdns()).containsExactly("a.example.com. A edns", "a.example.com. A",
                "b.example.com. A edns", "b.example.com. A");
    }

    @ParameterizedTest
    @ValueSource(strings = {"refused", "closed"})
    void a_truncated_answer_is_passed_on_if_tcp_fails(String failure) throws Exception {
        ScriptedUpstream upstream = open(new ScriptedUpstream((query, stream) -> {
            Message answer = address(query);
            answer.getHeader().setFlag(Flags.TC);
            return stream ? List.of() : List.of(answer.toWire());
        }));
        if (failure.equals("refused")) {
            upstream.refuseTcp();
        }
        InetSocketAddress server = start(upstream.address());
        for (String name : List.of("a.example.com", "ext.shop.svc.cluster.local")) {
            Message reply = Wire.udp(server, DnsMessages.query(name, "A"));

            assertThat(DnsMessages.brief(reply)).as(name).contains("A 192.0.2.1");
            assertThat(reply.getHeader().getFlag(Flags.TC)).as(name).isTrue();
        }
    }

    @Test
    void records_that_have_nothing_to_do_with_the_question_are_left_out() throws Exception {
        InetSocketAddress server = start(open(new ScriptedUpstream((query, stream) -> {
            Message answer = ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER,
                    "stranger.example.net. 60 A 203.0.113.1", "www.example.org. 60 A 192.0.2.7",
                    "A.Example.com. 60 CNAME www.example.org.", "a.example.com. 60 TXT hello",
                    "www.example.org. 60 AAAA 2001:db8::1");
            answer.addRecord(Record.fromString(Name.fromString("www.example.org."), 1, 3, 60, "203.0.113.2", Name.root),
                    Section.ANSWER);
            for (Record ns : ScriptedUpstream.answer(query, 0, Section.AUTHORITY,
                    "example.net. 60 NS evil.example.net.", "org. 60 NS ns.example.org.")
                    .getSection(Section.AUTHORITY)) {
                answer.addRecord(ns, Section.AUTHORITY);
            }
            return List.of(answer.toWire());
        })).address());
        for (int i = 0; i < 2; i++) {
            Message reply = Wire.udp(server, DnsMessages.query("a.example.com", "A"));

            assertThat(reply.getSection(Section.ANSWER)).extracting(Record::rdataToString)
                    .containsExactlyInAnyOrder("192.0.2.7", "www.example.org.");
            assertThat(reply.getSection(Section.AUTHORITY)).extracting(record -> record.getName().toString())
                    .containsExactly("org.");
        }
    }

    @Test
    void names_below_a_dname_belong_to_the_answer() throws Exception {
        InetSocketAddress server = start(open(new ScriptedUpstream((query, stream) -> List.of(ScriptedUpstream
                .answer(query, Rcode.NOERROR, Section.ANSWER, "example.com. 60 DNAME example.org.",
                        "a.example.com. 60 CNAME a.example.org.", "a.example.org. 60 A 192.0.2.7")
                .toWire()))).address());

        assertThat(ask(server, "a.example.com"))
                .isEqualTo("A 192.0.2.7; CNAME a.example.org.; DNAME example.org.");
    }

    private static String ask(InetSocketAddress server, String name) throws Exception {
        return DnsMessages.brief(Wire.udp(server, DnsMessages.query(name, "A")));
    }

    private static Message address(Message query) {
        return ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER,
                query.getQuestion().getName() + " 60 A 192.0.2.1");
    }

    private ScriptedUpstream upstream(String refusal) throws Exception {
        return open(new ScriptedUpstream((query, stream) -> {
            if (query.getOPT() == null) {
                return List.of(address(query).toWire());
            }
            byte[] formerr = ScriptedUpstream.answer(query, Rcode.FORMERR, Section.ANSWER).toWire();
            return switch (refusal) {
                case "silence" -> List.of();
                case "FORMERR without question" -> {
                    byte[] bare = Arrays.copyOf(formerr, 12);
                    bare[5] = 0;
                    yield List.of(bare);
                }
                case "BADVERS" -> {
                    Message answer = ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER);
                    answer.addRecord(new OPTRecord(1232, 1, 0), Section.ADDITIONAL);
                    yield List.of(answer.toWire());
                }
                default -> List
                        .of(ScriptedUpstream.answer(query, Rcode.value(refusal), Section.ANSWER).toWire());
            };
        }));
    }

    private <T extends AutoCloseable> T open(T closeable) {
        open.add(closeable);
        return closeable;
    }

    private InetSocketAddress start(InetSocketAddress... upstreams) throws Exception {
        DnsLimits limits = DnsLimits.builder().queriesPerSecond(10_000).connections(100).connectionsPerClient(100)
                .pipelined(10).upstreamQueries(6).upstreamTimeout(Duration.ofMillis(500)).cacheEntries(100)
                .cacheBytes(1024 * 1024).build();
        DnsSettings settings = new DnsSettings("cluster.local", 5, PodRecords.OFF, List.of(), List.of(upstreams),
                List.of(Cidr.parse("127.0.0.0/8")), List.of(), limits);
        DnsServer server = open(new DnsServer(settings, new DnsMetrics(new SimpleMeterRegistry()), loops));
        server.update(new Cluster().externalName("shop/ext", "example.com").snapshot());
        server.start().toCompletableFuture().join();
        return server.listen(new InetSocketAddress(LOOPBACK, 0)).toCompletableFuture().get(10, TimeUnit.SECONDS)
                .address();
    }
}
