package io.sluice.it.dataplane;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.util.internal.PlatformDependent;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.Descriptors;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.Script;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.ScriptedServer;
import io.sluice.it.testbed.TcpTable;
import io.sluice.proxy.Transport;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** What happens to the bytes of one connection and to its ends. */
class StreamIT {

    /** {@code -Dsluice.it.bulk} has it otherwise. */
    private static final long BULK = Long.getLong("sluice.it.bulk", 1L << 30);
    private static final long MIB = 1 << 20;

    /** Runs one connection between the two scripts and waits for both ends. */
    private static ScriptedPeer.Outcome run(Transport transport, Script client, Script server) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            ScriptedServer backend = sluice.server(1, server);
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer peer = sluice.client("kubia", client);
            ScriptedPeer.Outcome outcome = peer.outcome();
            backend.next().outcome();
            sluice.awaitIdle();
            return outcome;
        }
    }

    @EachTransport
    void a_backend_that_speaks_first_is_heard_by_a_silent_client(Transport transport) throws Exception {
        Gate heard = new Gate();
        run(transport, script().receive(20).open(heard).send(5).receiveToEnd(100),
                script().send(20).await(heard).receive(5).send(100));
    }

    @EachTransport
    void a_client_that_has_finished_sending_still_gets_its_whole_answer(Transport transport) throws Exception {
        run(transport, script().send(MIB).finish().receiveToEnd(10 * MIB),
                script().receiveToEnd(MIB).send(10 * MIB));
    }

    /** The kernel ends a read before an urgent byte, tcp(7): that is not all that it has. */
    @EachTransport
    void what_follows_an_urgent_byte_arrives_without_waiting_for_more(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            AtomicLong arrived = new AtomicLong();
            sluice.with(Backend.at(sluice.address(1), socket -> {
                byte[] bytes = new byte[100];
                for (int n = socket.getInputStream().read(bytes); n > 0; n = socket.getInputStream().read(bytes)) {
                    arrived.addAndGet(n);
                }
            }));
            sluice.service("kubia", sluice.address(1)).start();
            for (int i = 0; i < 20; i++) {
                arrived.set(0);
                try (Socket client = new Socket()) {
                    client.connect(sluice.vip("kubia"));
                    client.setTcpNoDelay(true);
                    client.getOutputStream().write(new byte[10]);
                    await().until(() -> arrived.get() == 10);
                    client.getOutputStream().write(new byte[4]);
                    client.sendUrgentData('!');
                    client.getOutputStream().write(new byte[4]);
                    await().until(() -> arrived.get() == 18);
                }
            }
        }
    }

    @EachTransport
    void a_client_that_finishes_without_a_byte_still_gets_its_whole_answer(Transport transport) throws Exception {
        run(transport, script().finish().receiveToEnd(MIB), script().receiveToEnd(0).send(MIB));
    }

    @EachTransport
    void a_client_goes_on_sending_after_the_backend_has_finished(Transport transport) throws Exception {
        Gate finished = new Gate();
        run(transport, script().receiveToEnd(20).open(finished).send(10 * MIB).finish(),
                script().send(20).finish().await(finished).receiveToEnd(10 * MIB));
    }

    @EachTransport
    void an_answer_given_before_the_whole_request_was_read_is_not_lost(Transport transport) throws Exception {
        run(transport, script().together(script().send(4 * MIB).finish(), script().receiveToEnd(300)),
                script().receive(1_000).send(300).finish().receiveToEnd(4 * MIB - 1_000));
    }

    @EachTransport
    void half_a_connection_stays_open_as_long_as_the_other_half_talks(Transport transport) throws Exception {
        Gate first = new Gate();
        Gate second = new Gate();
        run(transport,
                script().send(10).finish().receive(10).open(first).expectNothingFor(Duration.ofMillis(300)).open(second)
                        .receiveToEnd(10),
                script().receiveToEnd(10).send(10).await(first).await(second).send(10));
    }

    @EachTransport
    void a_backends_reset_is_a_reset_for_the_client_after_all_that_came_before(Transport transport) throws Exception {
        Gate received = new Gate();
        run(transport, script().receive(100_000).open(received).receiveToReset(),
                script().send(100_000).await(received).reset());
    }

    @EachTransport
    void a_clients_reset_is_a_reset_for_the_backend_after_all_that_came_before(Transport transport) throws Exception {
        Gate received = new Gate();
        run(transport, script().send(100_000).await(received).reset(),
                script().receive(100_000).open(received).receiveToReset());
    }

    @EachTransport
    void a_reset_after_the_other_side_has_finished_is_a_reset(Transport transport) throws Exception {
        Gate half = new Gate();
        run(transport, script().send(10).finish().receive(10).open(half).receiveToReset(),
                script().receiveToEnd(10).send(10).await(half).reset());
    }

    @EachTransport
    void a_clients_reset_ends_a_backend_that_is_sending_to_it(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            ScriptedServer backend = sluice.server(1, script().send(1L << 40));
            sluice.service("kubia", sluice.address(1)).start();
            assertThat(sluice.client("kubia", script().receive(5 * MIB).reset()).outcome().received())
                    .isEqualTo(5 * MIB);
            ScriptedPeer sender = backend.next();
            await().atMost(Duration.ofMinutes(1)).until(sender::done);
            sluice.awaitIdle();
        }
    }

    /** Were the endpoint not read on, it would never come to read: each would wait for the other, for an hour. */
    @EachTransport
    void a_client_that_resets_in_the_middle_of_bulk_leaves_nothing_behind_an_endpoint_that_writes_first(
            Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate stuck = new Gate();
            ScriptedServer backend = sluice.server(1, script().send(64 * MIB).receiveToReset());
            sluice.service("kubia", sluice.address(1)).start();
            long before = Descriptors.sockets();
            ScriptedPeer client = sluice.client("kubia",
                    script().together(script().send(64 * MIB), script().await(stuck).reset()));
            ScriptedPeer server = backend.next();
            awaitStandstill(client, server);
            stuck.open();
            await().atMost(Duration.ofSeconds(20)).until(server::done);
            server.outcome();
            sluice.awaitIdle();
            await().atMost(Duration.ofSeconds(40)).until(() -> Descriptors.sockets() <= before);
        }
    }

    private static void awaitStandstill(ScriptedPeer client, ScriptedPeer server) {
        long[] last = {-1};
        await().pollInterval(Duration.ofMillis(500)).atMost(Duration.ofMinutes(1)).until(() -> {
            long sent = client.sent() + server.sent();
            boolean stands = client.sent() > 0 && server.sent() > 0 && sent == last[0];
            last[0] = sent;
            return stands;
        });
    }

    /** Where the proxy can see what its peer has acknowledged; the JDK's own sockets do not show it. */
    @EachTransport
    void what_a_backend_sent_before_its_reset_reaches_even_a_slow_client(Transport transport) throws Exception {
        long sent = 100_000;
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate read = new Gate();
            Gate gone = new Gate();
            ScriptedServer backend = sluice.server(1, script().send(sent).await(read).reset());
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer client = sluice.client("kubia",
                    script().await(gone).receiveSlowly(sent, 5_000, Duration.ofMillis(10)).receiveToReset());
            ScriptedPeer server = backend.next();
            // A reset throws away what the other kernel has not handed over yet, so the proxy must have read it all.
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> server.sent() == sent && TcpTable.unreadByPeerOf(server.socket()) == 0);
            read.open();
            server.outcome();
            gone.open();
            client.outcome();
            sluice.awaitIdle();
        }
    }

    @EachTransport
    void what_an_endpoint_has_not_read_is_kept_no_longer_than_the_endpoint_is_there(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate gone = new Gate();
            ScriptedServer backend = sluice.server(1, script().await(gone).reset());
            sluice.service("kubia", sluice.address(1)).start();
            long before = Descriptors.sockets();
            ScriptedPeer server = resetWithUnread(sluice, backend);
            gone.open();
            server.outcome();
            await().atMost(Duration.ofSeconds(20)).until(() -> Descriptors.sockets() <= before);
        }
    }

    @EachTransport
    void an_endpoint_that_has_not_read_everything_sees_a_reset_when_the_proxy_stops(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate stopped = new Gate();
            ScriptedServer backend = sluice.server(1, script().await(stopped).receiveToReset());
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer server = resetWithUnread(sluice, backend);
            sluice.sluice().close();
            stopped.open();
            server.outcome();
        }
    }

    /** A client that has reset after it sent more than the kernel of an endpoint takes that does not read. */
    private static ScriptedPeer resetWithUnread(RunningSluice sluice, ScriptedServer backend) throws Exception {
        long sent = 300_000;
        Gate read = new Gate();
        ScriptedPeer client = sluice.client("kubia", script().send(sent).await(read).reset());
        ScriptedPeer server = backend.next();
        await().atMost(Duration.ofMinutes(1))
                .until(() -> client.sent() == sent && TcpTable.unreadByPeerOf(client.socket()) == 0);
        read.open();
        client.outcome();
        sluice.awaitIdle();
        return server;
    }

    @EachTransport
    void bulk_both_ways_at_once_against_slow_readers_arrives_whole_in_bounded_memory(Transport transport)
            throws Exception {
        Script slow = script().receiveSlowly(BULK, (int) (BULK / 64), Duration.ofMillis(10)).receiveToEnd(0);
        Script peer = script().together(script().send(BULK).finish(), slow);
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            ScriptedServer backend = sluice.server(1, peer);
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer client = sluice.client("kubia", peer);
            ScriptedPeer server = backend.next();
            AtomicLong most = new AtomicLong();
            await().pollInterval(Duration.ofMillis(100)).atMost(Duration.ofMinutes(5)).until(() -> {
                most.accumulateAndGet(directMemory(), Math::max);
                return client.done() && server.done();
            });
            assertThat(client.outcome().received()).isEqualTo(BULK);
            assertThat(server.outcome().received()).isEqualTo(BULK);
            assertThat(most.get()).as("direct memory").isLessThan(48 * MIB);
            sluice.awaitIdle();
            assertThat(sluice.metric("sluice_relayed_bytes_total{direction=\"from_client\",namespace=\"default\","
                    + "port=\"\",service=\"kubia\"}")).isEqualTo((double) BULK);
        }
    }

    /** On io_uring Netty lost what the kernel had to say of the other direction. */
    @EachTransport
    void whoever_finishes_first_and_reads_slowly_is_sent_everything(Transport transport) throws Exception {
        Script talker = script().receiveToEnd(0).send(64 * MIB).finish();
        Script reader = script().finish().receiveSlowly(64 * MIB, (int) MIB, Duration.ofMillis(5)).receiveToEnd(0);
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.server(1, reader);
            sluice.server(2, talker);
            sluice.service("slow-backend", sluice.address(1)).service("slow-client", sluice.address(2)).start();
            ScriptedPeer toSlow = sluice.client("slow-backend", talker);
            ScriptedPeer slow = sluice.client("slow-client", reader);
            toSlow.outcome();
            assertThat(slow.outcome().received()).isEqualTo(64 * MIB);
            sluice.awaitIdle();
        }
    }

    @EachTransport
    void a_client_that_does_not_read_stops_the_backend_instead_of_filling_the_proxy(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate stuck = new Gate();
            ScriptedServer backend = sluice.server(1, script().send(256 * MIB));
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer client = sluice.client("kubia", script().await(stuck).receiveToEnd(256 * MIB));
            ScriptedPeer server = backend.next();
            long[] last = {-1};
            await().pollInterval(Duration.ofMillis(500)).atMost(Duration.ofMinutes(1)).until(() -> {
                boolean stands = server.sent() > 0 && server.sent() == last[0];
                last[0] = server.sent();
                return stands;
            });
            assertThat(server.sent()).isLessThan(256 * MIB);
            assertThat(directMemory()).isLessThan(48 * MIB);
            stuck.open();
            client.outcome();
        }
    }

    /** Of this JVM, the proxy's buffers among it. */
    private static long directMemory() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct")).mapToLong(BufferPoolMXBean::getMemoryUsed).sum()
                + PlatformDependent.usedDirectMemory();
    }
}
