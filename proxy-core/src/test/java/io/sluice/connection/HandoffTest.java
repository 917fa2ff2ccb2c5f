package io.sluice.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@link Handoff} in a world where packets come between any two steps. A stream is a row of numbered bytes, of which the
 * world knows who has received how many: a byte that is lost or comes twice shows as a gap.
 */
class HandoffTest {

    private static final SocketTerms LINUX =
            new SocketTerms(true, true, false, true, false, 7, 7, 1460, 1460);
    private static final int SEEDS = 200_000;

    /** One direction of the stream: from a peer by way of a socket here to the other peer. */
    private static final class Direction {
        /** Numbers are what the wire has, which may overflow. */
        private final int peerBegin;
        private final int ourBegin;
        /** How many bytes the peer has sent, of which this many were received here, read here, written, and delivered. */
        private int sent;
        private int received;
        private int read;
        private int written;
        private int delivered;
        private int acknowledged;

        private Direction(Random random) {
            this.peerBegin = random.nextInt();
            this.ourBegin = random.nextInt();
        }
    }

    /** Two peers, two sockets, the kernel's table, and a proxy that goes on if the hand-over fails. */
    private static final class World implements HandoffSteps {

        private final Random random;
        private final Map<Side, Direction> from = new EnumMap<>(Side.class);
        private final Map<Side, Boolean> frozen = new EnumMap<>(Side.class);
        private boolean installed;
        private boolean opened;
        private int toBackend;
        private int toClient;
        private final double busy;
        private final double failing;
        private boolean full;

        World(long seed) {
            random = new Random(seed);
            for (Side side : Side.values()) {
                from.put(side, new Direction(random));
                frozen.put(side, false);
            }
            busy = random.nextBoolean() ? 0 : random.nextDouble() * random.nextDouble();
            failing = random.nextInt(4) == 0 ? 0.1 : 0;
            full = random.nextInt(10) == 0;
        }

        private Direction from(Side side) {
            return from.get(side);
        }

        /** Some packets come. */
        private void pass() {
            while (random.nextDouble() < busy) {
                Side side = random.nextBoolean() ? Side.CLIENT : Side.BACKEND;
                Direction stream = from(side);
                if (random.nextBoolean()) {
                    stream.sent += random.nextInt(5);
                }
                segment(side, stream.peerBegin + (random.nextInt(3) == 0 ? stream.acknowledged : stream.received),
                        stream.peerBegin + stream.sent);
            }
        }

        /** A segment of a peer with the bytes between two numbers, which may be an old one. */
        private void segment(Side side, int begin, int end) {
            Direction stream = from(side);
            if (installed && !opened) {
                return;
            }
            if (!installed) {
                int last = end - stream.peerBegin;
                if (begin - stream.peerBegin <= stream.received && last > stream.received) {
                    stream.received = last;
                }
                stream.acknowledged = Math.max(stream.acknowledged, stream.received);
                return;
            }
            int shift = side == Side.CLIENT ? toBackend : toClient;
            int first = begin + shift - stream.ourBegin;
            int last = end + shift - stream.ourBegin;
            assertThat(first).as("the same place in the stream").isEqualTo(begin - stream.peerBegin);
            if (first > stream.delivered) {
                return; // out of order: the peer keeps it, and acknowledges what it has
            }
            stream.delivered = Math.max(stream.delivered, last);
            stream.acknowledged = Math.max(stream.acknowledged, stream.delivered);
        }

        private void step() throws IOException {
            pass();
            if (random.nextDouble() < failing) {
                throw new IOException("the kernel refuses");
            }
        }

        @Override
        public SocketTerms terms(Side side) throws IOException {
            step();
            return LINUX;
        }

        @Override
        public Numbers freeze(Side side) throws IOException {
            step();
            frozen.put(side, true);
            int written = from(side.other()).ourBegin + from(side.other()).written;
            pass();
            return new Numbers(written, from(side).peerBegin + from(side).received);
        }

        @Override
        public int received(Side side) throws IOException {
            pass();
            return from(side).peerBegin + from(side).received;
        }

        @Override
        public boolean hasUnread(Side side) throws IOException {
            step();
            return from(side).received > from(side).read;
        }

        @Override
        public HandoffResult install(int toBackendNow, int toClientNow) throws IOException {
            step();
            if (full) {
                return HandoffResult.NO_ENTRY;
            }
            toBackend = toBackendNow;
            toClient = toClientNow;
            installed = true;
            return HandoffResult.HANDED;
        }

        @Override
        public void open() throws IOException {
            step();
            opened = true;
            pass();
        }

        @Override
        public void uninstall() {
            assertThat(opened).isFalse();
            installed = false;
            pass();
        }

        @Override
        public void thaw(Side side) {
            frozen.put(side, false);
            pass();
        }

        /** The proxy relays what it has. */
        private void relay() {
            for (Direction stream : from.values()) {
                stream.read = stream.received;
                stream.written = stream.received;
                stream.delivered = Math.max(stream.delivered, stream.received);
            }
        }

        /** Every byte arrives, whoever has the connection now. */
        private void goOn(HandoffResult result) {
            assertThat(installed).isEqualTo(result == HandoffResult.HANDED);
            if (result != HandoffResult.HANDED) {
                assertThat(frozen).doesNotContainValue(true);
            }
            for (int i = 0; i < 10; i++) {
                if (!installed) {
                    relay();
                }
                for (Side side : Side.values()) {
                    Direction stream = from(side);
                    stream.sent += random.nextInt(10);
                    segment(side, stream.peerBegin + stream.acknowledged, stream.peerBegin + stream.sent);
                }
            }
            if (!installed) {
                relay();
            }
            from.forEach((side, stream) -> assertThat(stream.delivered).as("from the " + side)
                    .isEqualTo(stream.sent));
        }
    }

    @Test
    void no_byte_is_lost_whatever_comes_between_two_steps() {
        Map<HandoffResult, Integer> results = new EnumMap<>(HandoffResult.class);
        for (long seed = 0; seed < SEEDS; seed++) {
            World world = new World(seed);
            try {
                world.pass();
                world.relay();
                HandoffResult result;
                try {
                    result = Handoff.attempt(world);
                } catch (IOException e) {
                    result = HandoffResult.BUSY;
                }
                world.goOn(result);
                results.merge(result, 1, Integer::sum);
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertThat(results).containsKeys(HandoffResult.HANDED, HandoffResult.BUSY, HandoffResult.INTERRUPTED,
                HandoffResult.NO_ENTRY);
        assertThat(results.get(HandoffResult.HANDED)).isGreaterThan(SEEDS / 4);
    }

    static Stream<Arguments> terms() {
        return Stream.of(
                Arguments.of("alike", LINUX, HandoffResult.HANDED),
                Arguments.of("one side has finished",
                        new SocketTerms(false, true, false, true, false, 7, 7, 1460, 1460),
                        HandoffResult.ENDING),
                Arguments.of("timestamps", new SocketTerms(true, true, true, true, false, 7, 7, 1460, 1460),
                        HandoffResult.TIMESTAMPS),
                Arguments.of("the peer's windows mean more", new SocketTerms(true, true, false, true, false, 8, 7, 1460,
                        1460), HandoffResult.WINDOW_SCALES),
                Arguments.of("our windows mean more", new SocketTerms(true, true, false, true, false, 7, 8, 1460, 1460),
                        HandoffResult.WINDOW_SCALES),
                Arguments.of("no selective acknowledgements",
                        new SocketTerms(true, true, false, false, false, 7, 7, 1460,
                                1460),
                        HandoffResult.SELECTIVE_ACKNOWLEDGEMENTS),
                Arguments.of("congestion marks", new SocketTerms(true, true, false, true, true, 7, 7, 1460, 1460),
                        HandoffResult.CONGESTION_MARKS),
                Arguments.of("the peer takes smaller segments",
                        new SocketTerms(true, true, false, true, false, 7, 7, 536,
                                1460),
                        HandoffResult.SEGMENT_SIZES),
                Arguments.of("the peer sends larger segments",
                        new SocketTerms(true, true, false, true, false, 7, 7, 1460,
                                8960),
                        HandoffResult.SEGMENT_SIZES),
                Arguments.of("something is under way",
                        new SocketTerms(true, false, false, true, false, 7, 7, 1460, 1460),
                        HandoffResult.BUSY));
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("terms")
    void peers_that_would_not_understand_each_other_stay_with_the_proxy(String name, SocketTerms one,
            HandoffResult expected) {
        assertThat(Handoff.compatible(one, LINUX)).as(name).isEqualTo(expected);
        assertThat(Handoff.compatible(LINUX, one)).as(name).isEqualTo(expected);
    }

    @Test
    void a_connection_that_is_not_quiet_is_not_handed_over() {
        ConnectionMachine machine = new ConnectionMachine(new ConnectionLimits(1, 0, 1, 1, 1, 1), new NoActions());
        assertThatThrownBy(machine::handOver).isInstanceOf(IllegalStateException.class);
    }

    /** Does nothing. */
    private static final class NoActions implements ConnectionActions {
        @Override
        public void connect() {}

        @Override
        public void cancelConnect() {}

        @Override
        public void read(Side side, boolean enabled) {}

        @Override
        public void finish(Side side) {}

        @Override
        public void close(Side side) {}

        @Override
        public void reset(Side side) {}

        @Override
        public void resetAfterDelivery(Side side) {}

        @Override
        public void ended(Termination termination) {}
    }
}
