package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.ScriptedUpstream;
import io.sluice.dns.Wire;
import io.sluice.dns.zone.PodRecords;
import io.sluice.liveness.Faults;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;

/** Who is asked follows what names them. */
class UpstreamFollowerTest {

    private final MultiThreadIoEventLoopGroup loops = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
    private final List<Logger> loggers = Stream.of(UpstreamFollower.class, Faults.class)
            .map(type -> (Logger) LoggerFactory.getLogger(type)).toList();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final List<AutoCloseable> open = new ArrayList<>();
    private volatile UpstreamReader reader;
    private DnsServer server;
    private InetSocketAddress address;

    @BeforeEach
    void captureLog() {
        log.start();
        loggers.forEach(logger -> logger.addAppender(log));
    }

    @AfterEach
    void close() throws Exception {
        loggers.forEach(logger -> logger.detachAppender(log));
        for (AutoCloseable closeable : open.reversed()) {
            closeable.close();
        }
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void other_servers_are_asked_and_old_answers_forgotten() throws Exception {
        InetSocketAddress first = upstream("192.0.2.1");
        InetSocketAddress second = upstream("192.0.2.2");
        start(first);
        assertThat(ask()).isEqualTo("A 192.0.2.1");

        names(second);
        await().untilAsserted(() -> assertThat(ask()).isEqualTo("A 192.0.2.2"));
        names(first);
        server.reload();
        await().untilAsserted(() -> assertThat(ask()).isEqualTo("A 192.0.2.1"));
    }

    @Test
    void nobody_yet_is_said_once_and_answered_servfail() throws Exception {
        reader = () -> new UpstreamReader.Read(List.of(), List.of("/etc/resolv.conf"));
        start();

        assertThat(ask()).isEqualTo("SERVFAIL");
        for (int i = 0; i < 5; i++) {
            server.reload();
        }
        await().untilAsserted(() -> assertThat(lines()).hasSize(1));
        assertThat(lines().getFirst()).startsWith("/etc/resolv.conf names no DNS server");
        names(upstream("192.0.2.3"));
        server.reload();
        await().untilAsserted(() -> assertThat(ask()).isEqualTo("A 192.0.2.3"));
    }

    @Test
    void what_cannot_be_read_or_names_nobody_changes_nothing() throws Exception {
        InetSocketAddress first = upstream("192.0.2.1");
        start(first);
        reader = () -> {
            throw new IOException("it is gone");
        };
        server.reload();
        await().untilAsserted(() -> assertThat(lines()).anyMatch(line -> line.startsWith("it is gone")));
        reader = () -> new UpstreamReader.Read(List.of(), List.of("/etc/resolv.conf"));
        server.reload();
        await().untilAsserted(() -> assertThat(lines()).anyMatch(line -> line.startsWith("/etc/resolv.conf")));

        assertThat(ask()).isEqualTo("A 192.0.2.1");
    }

    @Test
    void a_fault_while_reading_is_reported_and_the_next_look_reads_again() throws Exception {
        start(upstream("192.0.2.1"));
        InetSocketAddress second = upstream("192.0.2.2");
        reader = () -> {
            throw new IllegalStateException("thrown by the test");
        };
        server.reload();
        await().untilAsserted(() -> assertThat(lines()).contains(
                "reading which DNS servers are asked failed: a fault in the proxy; please report it"));
        assertThat(ask()).isEqualTo("A 192.0.2.1");

        names(second);
        server.reload();
        await().untilAsserted(() -> assertThat(ask()).isEqualTo("A 192.0.2.2"));
    }

    private List<String> lines() {
        return List.copyOf(log.list).stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private void names(InetSocketAddress... servers) {
        reader = () -> new UpstreamReader.Read(List.of(servers), List.of());
    }

    private InetSocketAddress upstream(String answer) throws IOException {
        ScriptedUpstream upstream = new ScriptedUpstream((query, stream) -> List.of(ScriptedUpstream
                .answer(query, Rcode.NOERROR, Section.ANSWER, "example.com. 60 A " + answer).toWire()));
        open.add(upstream);
        return upstream.address();
    }

    private String ask() throws IOException {
        return DnsMessages.brief(Wire.udp(address, DnsMessages.query("example.com", "A")));
    }

    private void start(InetSocketAddress... first) throws Exception {
        if (first.length > 0) {
            names(first);
        }
        DnsSettings settings = new DnsSettings("cluster.local", 5, PodRecords.OFF,
                List.of(new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 0)), List.of(first), () -> reader.read(),
                List.of(Cidr.parse("127.0.0.0/8")), List.of(), DnsLimits.DEFAULT);
        server = new DnsServer(settings, new DnsMetrics(new SimpleMeterRegistry()), loops);
        open.add(server);
        server.update(new Cluster().snapshot());
        address = server.start().toCompletableFuture().get(10, TimeUnit.SECONDS).getFirst().address();
    }
}
