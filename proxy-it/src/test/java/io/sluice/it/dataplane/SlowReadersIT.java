package io.sluice.it.dataplane;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Level;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.Script;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.TcpTable;
import io.sluice.proxy.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** More connections that do not read than there is memory for. */
class SlowReadersIT {

    private static final long MIB = 1 << 20;
    private static final long LIMIT = 2 * MIB;
    private static final int READERS = 120;
    /** More than the kernel takes for a client that does not read, where it is not told to take less. */
    private static final long ANSWER = 8 * MIB;

    /** What two event loops may be reading when the limit is reached: a pipe each, or all buffers of a ring twice over. */
    private static long beyond(Transport transport) {
        return (transport == Transport.IO_URING ? 9 : 1) * MIB;
    }

    @EachTransport
    void slow_readers_hold_no_more_than_the_buffer_memory_and_others_notice_nothing(Transport transport)
            throws Exception {
        Script other = script().send(MIB).finish().receiveToEnd(MIB);
        try (RunningSluice sluice = new RunningSluice().transport(transport).bufferMemory(LIMIT)) {
            Gate reading = new Gate();
            sluice.server(1, script().send(ANSWER).finish().receiveToEnd(0));
            sluice.server(2, script().receiveToEnd(MIB).send(MIB));
            sluice.service("slow", sluice.address(1)).service("other", sluice.address(2)).start();
            List<ScriptedPeer> slow = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                slow.add(sluice.client("slow", script().await(reading).receiveToEnd(ANSWER).finish()));
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> buffered(sluice) >= LIMIT * 3 / 4);
            for (int i = 0; i < 20; i++) {
                assertThat(sluice.client("other", other).outcome().received()).isEqualTo(MIB);
                assertThat(buffered(sluice)).isLessThanOrEqualTo((double) LIMIT + beyond(transport));
            }
            assertThat(sluice.log().lines(Level.WARN, "--buffer-memory")).isNotEmpty();
            reading.open();
            for (ScriptedPeer peer : slow) {
                assertThat(peer.outcome().received()).isEqualTo(ANSWER);
            }
            sluice.awaitIdle();
            assertThat(buffered(sluice)).isZero();
        }
    }

    /** Two event loops serve 64 connections each before they serve a crowd. */
    @EachTransport
    void of_each_slow_reader_in_a_crowd_the_kernel_keeps_little(Transport transport) throws Exception {
        assumeTrue(transport != Transport.NIO, "NIO cannot tell the kernel");
        int readers = 240;
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate reading = new Gate();
            sluice.server(1, script().send(ANSWER).finish().receiveToEnd(0));
            sluice.service("slow", sluice.address(1)).start();
            List<ScriptedPeer> slow = new ArrayList<>();
            for (int i = 0; i < readers; i++) {
                slow.add(sluice.client("slow", script().await(reading).receiveToEnd(ANSWER).finish()));
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> queues(sluice, 1).size() == readers);
            assertThat(queues(sluice, MIB)).hasSizeLessThanOrEqualTo(2 * 64);
            reading.open();
            for (ScriptedPeer peer : slow) {
                assertThat(peer.outcome().received()).isEqualTo(ANSWER);
            }
        }
    }

    private static List<Long> queues(RunningSluice sluice, long atLeast) throws Exception {
        return TcpTable.sendQueuesAt(sluice.vip("slow")).stream().filter(bytes -> bytes >= atLeast).toList();
    }

    private static double buffered(RunningSluice sluice) throws Exception {
        return sluice.metric("sluice_buffered_bytes");
    }
}
