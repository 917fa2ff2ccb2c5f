package io.sluice.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.proxy.FlowPassing;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FlowChannelTest {

    private int ours;
    private int theirs;

    @BeforeEach
    void open() throws IOException {
        assumeTrue(SystemCalls.available());
        int[] pair = UnixMessages.pair();
        ours = pair[0];
        theirs = pair[1];
    }

    private boolean send(int size, int descriptor, long millis) {
        FlowPassing.Sink sink = FlowChannel.sink(OptionalInt.of(ours));
        return sink.send(new byte[size], List.of(descriptor),
                System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis));
    }

    @Test
    void what_was_sent_comes_until_the_sender_is_done() throws IOException {
        assertThat(send(10, ours, 1000)).isTrue();
        assertThat(send(20_000, ours, 1000)).isTrue();
        SystemCalls.close(ours);
        List<Integer> lengths = new ArrayList<>();
        FlowChannel.receive(theirs, (message, descriptors) -> {
            lengths.add(message.length);
            assertThat(descriptors).hasSize(1);
            SystemCalls.close(descriptors.getFirst());
        }, () -> false);
        assertThat(lengths).containsExactly(10, 20_000);
    }

    @Test
    void one_that_does_not_read_is_waited_for_no_longer_than_agreed() throws IOException {
        int udp = SystemCalls.socket(SocketOptions.AF_INET, SocketOptions.SOCK_DGRAM, 0);
        long start = System.nanoTime();
        int sent = 0;
        while (send(20_000, udp, 300)) {
            sent++;
        }
        assertThat(sent).isPositive();
        assertThat(System.nanoTime() - start).isBetween(300_000_000L, 3_000_000_000L);
        SystemCalls.close(udp);
        SystemCalls.close(ours);
        SystemCalls.close(theirs);
    }

    @Test
    void one_that_is_gone_ends_it_at_once() throws IOException {
        SystemCalls.close(theirs);
        assertThat(send(10, ours, 10_000)).isFalse();
        assertThat(FlowChannel.sink(OptionalInt.empty()).send(new byte[1], List.of(), Long.MAX_VALUE)).isFalse();
        SystemCalls.close(ours);
    }

    @Test
    void one_that_says_nothing_is_waited_for_a_second() throws IOException {
        long start = System.nanoTime();
        FlowChannel.receive(theirs, (message, descriptors) -> {
            throw new IOException("nothing was sent");
        }, () -> false);
        assertThat(System.nanoTime() - start).isBetween(900_000_000L, 3_000_000_000L);
        SystemCalls.close(ours);
    }
}
