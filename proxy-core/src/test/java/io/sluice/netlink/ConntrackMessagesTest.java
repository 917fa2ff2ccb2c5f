package io.sluice.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.netlink.ConntrackMessages.Answer;
import io.sluice.netlink.TrackedConnection.Count;
import io.sluice.netlink.TrackedConnection.State;
import io.sluice.netlink.TrackedConnection.Tuple;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConntrackMessagesTest {

    private static final Tuple FOUR = new Tuple(at("10.0.1.2", 40_000), at("10.96.0.10", 80));
    private static final Tuple SIX = new Tuple(at("fd00::2", 40_000), at("fd96::10", 80));

    private final ByteBuffer out = ConntrackMessages.buffer(3);
    private final ConntrackMessages messages = new ConntrackMessages(out);

    private static InetSocketAddress at(String address, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(address), port);
    }

    @ParameterizedTest
    @CsvSource({"4, 1", "6, 2"})
    void what_is_written_is_read(int family, int mark) {
        Tuple original = family == 4 ? FOUR : SIX;
        InetSocketAddress target = family == 4 ? at("10.0.2.2", 8080) : at("fd00:2::2", 8080);

        int number = messages.create(new NewConnection(original, null, target, 7, -7, mark, 3_600), Answer.ALWAYS);
        out.flip();

        assertThat(out.getInt(0)).isEqualTo(out.limit()).isLessThanOrEqualTo(ConntrackMessages.LONGEST_BYTES);
        assertThat(out.getInt(8)).isEqualTo(number);
        assertThat(ConntrackMessages.read(out, out.limit())).isEqualTo(new TrackedConnection(original,
                original.reversed(), mark, State.ESTABLISHED, 3_600, Count.NONE, Count.NONE));
    }

    @Test
    void each_message_has_its_own_number_and_length() {
        int first = messages.delete(FOUR, Answer.ALWAYS);
        int afterFirst = out.position();
        int second = messages.mark(FOUR, 0x5000);
        int afterSecond = out.position();
        int third = messages.list(0x5000, 0xd000);
        out.flip();

        assertThat(second).isEqualTo(first + 1);
        assertThat(third).isEqualTo(second + 1);
        assertThat(out.getInt(0)).isEqualTo(afterFirst);
        assertThat(out.getInt(afterFirst)).isEqualTo(afterSecond - afterFirst);
        assertThat(out.getInt(afterSecond)).isEqualTo(out.limit() - afterSecond);
        assertThat(out.limit() % 4).isZero();
    }

    @Test
    void no_octets_are_a_fault() {
        Random random = new Random(3);
        messages.create(new NewConnection(SIX, SIX.source(), SIX.destination(), 1, 2, 3, 4), Answer.ALWAYS);
        out.flip();
        byte[] whole = new byte[out.limit()];
        out.get(whole);
        for (int i = 0; i < 20_000; i++) {
            byte[] changed = whole.clone();
            for (int j = random.nextInt(8); j >= 0; j--) {
                changed[16 + random.nextInt(changed.length - 16)] = (byte) random.nextInt(256);
            }
            ByteBuffer in = ByteBuffer.wrap(changed).order(ByteOrder.nativeOrder());
            ConntrackMessages.read(in, 16 + random.nextInt(changed.length - 15));
        }
    }

    @Test
    void headers_are_no_bytes_of_the_stream() {
        assertThat(new Count(4, 178).payload(40)).isEqualTo(18);
        assertThat(new Count(3, 100).payload(40)).isZero();
    }
}
