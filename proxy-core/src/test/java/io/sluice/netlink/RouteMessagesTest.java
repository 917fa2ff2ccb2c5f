package io.sluice.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.Errno;
import io.sluice.netlink.RouteMessages.MarkAction;
import io.sluice.netlink.RouteMessages.MarkRule;
import io.sluice.netlink.RouteMessages.Message;
import io.sluice.netlink.RouteMessages.Route;
import io.sluice.netlink.RouteMessages.Rule;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
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
    @CsvSource({"10.96.0.0/16, 255", "10.96.0.10/32, 255", "fd00:10:96::/112, 255", "fd00::1/128, 1150",
            "0.0.0.0/1, 254", "::/0, 1150", "0.0.0.0/0, 256"})
    void an_order_to_add_a_route_reads_back_as_that_route(String range, int table) {
        ByteBuffer out = RouteMessages.buffer(2 * RouteMessages.LOCAL_ROUTE_BYTES);
        RouteMessages.localRoute(out, true, 7, Cidr.parse(range), table, 1, KernelRoutes.PROTOCOL);
        RouteMessages.localRoute(out, false, 8, Cidr.parse(range), table, 1, KernelRoutes.PROTOCOL);
        Route route = new Route(Cidr.parse(range), table, KernelRoutes.PROTOCOL, RouteMessages.TYPE_LOCAL,
                1, List.of());
        assertThat(read(out.flip())).containsExactly(new Message(RouteMessages.RTM_NEWROUTE, 7, 0, 0, route),
                new Message(RouteMessages.RTM_DELROUTE, 8, 0, 0, route));
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.50.2.2", "fd50:2::2", "255.255.255.255"})
    void an_order_to_add_a_rule_reads_back_as_that_rule(String address) {
        Rule rule = new Rule(new EndpointAddress(IpAddresses.parse(address), 65_535), 61_440, 65_534, 1150, 1150, 115);
        ByteBuffer out = RouteMessages.buffer(2 * RouteMessages.RULE_ORDER_BYTES);
        RouteMessages.rule(out, true, 7, rule);
        RouteMessages.rule(out, false, 8, rule);
        assertThat(read(out.flip())).containsExactly(new Message(RouteMessages.RTM_NEWRULE, 7, 0, 0, rule),
                new Message(RouteMessages.RTM_DELRULE, 8, 0, 0, rule));
    }

    /** As {@code strace ip link set lo up} shows it. */
    @Test
    void an_order_to_switch_an_interface_on_has_the_form_of_the_kernel() {
        ByteBuffer out = RouteMessages.buffer(RouteMessages.LINK_UP_BYTES);
        RouteMessages.linkUp(out, 1, 1);
        assertThat(out.flip()).isEqualTo(ByteBuffer.wrap(HexFormat.of().parseHex(
                "20000000" + "1000" + "0500" + "01000000" + "00000000" + "00000000" + "01000000" + "01000000"
                        + "01000000")));
    }

    @ParameterizedTest
    @CsvSource({"IPV4, true, 0x3000, GOTO, 62, 60", "IPV6, true, 0x3000, GOTO, 62, 60",
            "IPV4, false, 0x2000, LOOKUP, 1151, 61", "IPV6, false, 0x2000, LOOKUP, 254, 61",
            "IPV4, false, 0, NOP, 0, 62"})
    void an_order_to_add_a_rule_for_a_mark_reads_back_as_that_rule(IpFamily family, boolean loopback, String bits,
            MarkAction action, int target, int priority) {
        MarkRule rule = new MarkRule(family, loopback, Integer.decode(bits), action, target, priority, 115);
        ByteBuffer out = RouteMessages.buffer(2 * RouteMessages.RULE_ORDER_BYTES);
        RouteMessages.rule(out, true, 7, rule);
        RouteMessages.rule(out, false, 8, rule);
        assertThat(read(out.flip())).containsExactly(new Message(RouteMessages.RTM_NEWRULE, 7, 0, 0, rule),
                new Message(RouteMessages.RTM_DELRULE, 8, 0, 0, rule));
    }

    /** As {@code strace ip rule add} shows it: what is of another form than ours is passed over. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            ours                             | 02002000 00000001 00000000 08000200 0a320202 08000600 7e040000 08000f00 7e040000 05001500 73000000 05001600 06000000 08001700 901f901f 08001800 00f0feff | true
            a range of source ports          | 02002000 00000001 00000000 08000200 0a320202 08000600 7e040000 08000f00 7e040000 05001500 73000000 05001600 06000000 08001700 901f911f 08001800 00f0feff | false
            UDP                              | 02002000 00000001 00000000 08000200 0a320202 08000600 7e040000 08000f00 7e040000 05001500 73000000 05001600 11000000 08001700 901f901f 08001800 00f0feff | false
            a network as its source          | 02001800 00000001 00000000 08000200 0a320200 08000600 7e040000 08000f00 7e040000 05001500 73000000 05001600 06000000 08001700 901f901f 08001800 00f0feff | false
            a destination                    | 02202000 00000001 00000000 08000100 0a320203 08000200 0a320202 05001600 06000000 08001700 901f901f 08001800 00f0feff | false
            an action other than a table     | 02002000 00000007 00000000 08000200 0a320202 05001600 06000000 08001700 901f901f 08001800 00f0feff | false
            the first one of every machine   | 02000000 ff000001 00000000 | false
            """)
    void rules_of_our_form_are_understood_and_others_passed_over(String what, String hex, boolean ours) {
        byte[] body = HexFormat.of().parseHex(hex.replace(" ", ""));
        ByteBuffer in = ByteBuffer.allocate(16 + body.length).order(ByteOrder.LITTLE_ENDIAN);
        in.putInt(16 + body.length).putShort((short) RouteMessages.RTM_NEWRULE).putShort((short) 0).putInt(1).putInt(0);
        Rule rule =
                new Rule(new EndpointAddress(IpAddresses.parse("10.50.2.2"), 8080), 61_440, 65_534, 1150, 1150, 115);
        assertThat(read(in.put(body).flip()).stream().map(Message::subject).toList())
                .isEqualTo(ours ? List.of(rule) : List.of());
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
        Route route = (Route) read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)).getFirst().subject();
        assertThat(route.destination()).isEqualTo(Cidr.parse(destination));
        assertThat(route.table()).isEqualTo(table);
        assertThat(route.gateways().stream().map(IpAddresses::format)).containsExactly(gateways.split(" ", -1));
    }

    @Test
    void an_acknowledgement_says_what_went_wrong() {
        byte[] bytes = HexFormat.of().parseHex("14000000020000000500000000000000efffffff");
        assertThat(read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)))
                .containsExactly(new Message(RouteMessages.NLMSG_ERROR, 5, Errno.EEXIST.number(), 0, null));
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
                in.putShort(4, (short) (RouteMessages.RTM_NEWLINK + random.nextInt(20)));
                in.put(16, (byte) (random.nextBoolean() ? 2 : 10)).put(17, (byte) random.nextInt(33));
                in.putShort(28, (short) random.nextInt(40)).putShort(30, (short) random.nextInt(20));
            }
            assertThat(read(in)).as("seed %d, round %d", seed, i).hasSizeLessThan(20);
        }
    }
}
