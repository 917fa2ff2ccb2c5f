package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RawAcknowledgementsTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource({"10.0.1.2, 10.96.0.10, 20", "fd00::2, fd96::10, 40", "255.255.255.255, 255.255.255.254, 20"})
    void the_sums_are_those_that_the_peer_computes(String from, String to, int header) {
        ByteBuffer out = ByteBuffer.allocate(60).order(ByteOrder.BIG_ENDIAN);

        RawAcknowledgements.write(out, new InetSocketAddress(InetAddress.ofLiteral(from), 8080),
                new InetSocketAddress(InetAddress.ofLiteral(to), 40_000), 0xfffffffe, 17, 0xffff);

        assertThat(out.position()).isEqualTo(header + 20);
        if (header == 20) {
            assertThat(sum(out, 0, header, 0)).as("header").isEqualTo(0xffff);
            assertThat(out.getShort(2)).as("length").isEqualTo((short) 40);
        } else {
            assertThat(out.getShort(4)).as("length").isEqualTo((short) 20);
        }
        assertThat(sum(out, header == 20 ? 12 : 8, header + 20, 6 + 20)).as("segment").isEqualTo(0xffff);
        assertThat(out.getInt(header + 4)).isEqualTo(0xfffffffe);
        assertThat(out.getInt(header + 8)).isEqualTo(17);
        assertThat(out.get(header + 13)).as("flags").isEqualTo((byte) 0x10);
    }

    /** RFC 1071: all words and the checksum among them make ones. */
    private static int sum(ByteBuffer bytes, int from, int to, int before) {
        int sum = before;
        for (int i = from; i < to; i += 2) {
            sum += bytes.getShort(i) & 0xffff;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }
}
