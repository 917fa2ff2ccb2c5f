package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.node.RouteMessages.Message;
import io.sluice.node.RouteMessages.Route;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RouteMessagesTest {

    private static List<Message> read(ByteBuffer in) {
        List<Message> messages = new ArrayList<>();
        RouteMessages.read(in, messages::add);
        return messages;
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.96.0.0/16", "10.96.0.10/32", "fd00:10:96::/112", "fd00::1/128", "0.0.0.0/1"})
    void an_order_to_add_a_route_reads_back_as_that_route(String range) {
        ByteBuffer out = RouteMessages.buffer(2 * RouteMessages.LOCAL_ROUTE_BYTES);
        RouteMessages.localRoute(out, true, 7, Cidr.parse(range), 1, KernelRoutes.PROTOCOL);
        RouteMessages.localRoute(out, false, 8, Cidr.parse(range), 1, KernelRoutes.PROTOCOL);
        Route route = new Route(Cidr.parse(range), RouteMessages.TABLE_LOCAL, KernelRoutes.PROTOCOL,
                RouteMessages.TYPE_LOCAL, 1, List.of());
        assertThat(read(out.flip())).containsExactly(new Message(RouteMessages.RTM_NEWROUTE, 7, 0, 0, route),
                new Message(RouteMessages.RTM_DELROUTE, 8, 0, 0, route));
    }

    /** What the kernel sends, as {@code ip monitor} would see it; little-endian. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a default route with a gateway     | 34000000180000000000000000000000 0200000 0fe030001 00000000 08000f00fe000000 08000500c0000201 0800040002000000 | 0.0.0.0/0   | 254 | 192.0.2.1
            two next hops                      | 48000000180000000000000000000000 0218000 0fe030001 00000000 08000100cb007100 24000900 100000000200000008000500c0000201 10000000030000000800050 0c0000202 | 203.0.113.0/24 | 254 | 192.0.2.1 192.0.2.2
            an IPv4 route over an IPv6 gateway | 3c000000180000000000000000000000 0218000 0fe030001 00000000 08000100cb007100 160012000a00fe800000000000000000000000000001 0000 | 203.0.113.0/24 | 254 | fe80::1
            """)
    void what_the_kernel_sends_is_understood(String what, String hex, String destination, int table, String gateways) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        Route route = read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)).getFirst().route();
        assertThat(route.destination()).isEqualTo(Cidr.parse(destination));
        assertThat(route.table()).isEqualTo(table);
        assertThat(route.gateways().stream().map(IpAddresses::format)).containsExactly(gateways.split(" ", -1));
    }

    @Test
    void an_acknowledgement_says_what_went_wrong() {
        byte[] bytes = HexFormat.of().parseHex("14000000020000000500000000000000efffffff");
        assertThat(read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)))
                .containsExactly(new Message(RouteMessages.NLMSG_ERROR, 5, ErrnoException.EEXIST, 0, null));
    }

    @Test
    void no_bytes_break_the_reader() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
            if (bytes.length >= 32) {
                in.putInt(0, 16 + random.nextInt(bytes.length));
                in.putShort(4, (short) (RouteMessages.RTM_NEWLINK + random.nextInt(12)));
                in.put(16, (byte) (random.nextBoolean() ? 2 : 10)).put(17, (byte) random.nextInt(33));
                in.putShort(28, (short) random.nextInt(40)).putShort(30, (short) random.nextInt(20));
            }
            assertThat(read(in)).as("seed %d, round %d", seed, i).hasSizeLessThan(20);
        }
    }
}
