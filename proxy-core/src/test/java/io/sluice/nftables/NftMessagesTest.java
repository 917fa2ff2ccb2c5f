package io.sluice.nftables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class NftMessagesTest {

    private static final Map<IpFamily, ProxyPorts> BOTH =
            Map.of(IpFamily.IPV4, new ProxyPorts(1, 2), IpFamily.IPV6, new ProxyPorts(3, 4));

    private static final int HEADER_BYTES = 16;

    @BeforeEach
    void the_numbers_below_are_of_such_a_machine() {
        assumeThat(ByteOrder.nativeOrder()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    }

    /** A message: its body is the part after the netlink header. */
    private record Message(int type, int flags, int sequence, String body) {}

    private static List<Message> messages(NftMessages messages) {
        ByteBuffer in = messages.written();
        List<Message> all = new ArrayList<>();
        while (in.hasRemaining()) {
            int length = in.getInt(in.position());
            byte[] body = new byte[length - HEADER_BYTES];
            in.get(in.position() + HEADER_BYTES, body);
            all.add(new Message(in.getShort(in.position() + 4), in.getShort(in.position() + 6),
                    in.getInt(in.position() + 8), HexFormat.of().formatHex(body)));
            in.position(in.position() + length);
            assertThat(length % 4).isZero();
        }
        return all;
    }

    private static String only(Consumer<NftMessages> write) {
        NftMessages out = new NftMessages(4096);
        write.accept(out);
        List<Message> all = messages(out);
        assertThat(all).hasSize(1);
        return all.getFirst().body();
    }

    private static String rule(String chain, Consumer<RuleExpressions> expressions) {
        return only(out -> out.rule("t", chain, expressions));
    }

    /** The right side is what {@code nft} 1.0.6 sends for a table and sets that are there, as {@code strace -e write=all} shows it. */
    static Stream<Arguments> what_nft_writes() {
        return Stream.of(
                Arguments.of("add chain inet t x", only(out -> out.chain("t", "x")),
                        "0100000006000100740000000600030078000000"),
                Arguments.of("add element inet t served4 { 10.96.0.1 . tcp . 80 }",
                        only(out -> out.elements(true, "t", ElementSet.SERVED4,
                                List.of(Element.of(key("10.96.0.1", 80))))),
                        "0100000006000100740000000c00020073657276656434001c0003801800018014000180100001000a60"
                                + "00010600000000500000"),
                Arguments.of("add rule inet t x meta l4proto tcp reject with tcp reset",
                        rule("x", rule -> rule.tcp().rejectWithReset()),
                        "01000000060001007400000006000200780000007800048024000180090001006d65746100000000140002800800"
                                + "02000000001008000100000000012c00018008000100636d7000200002800800010000000001080002"
                                + "00000000000c0003800500010006000000240001800b00010072656a65637400001400028008000100"
                                + "000000010500020000000000"),
                Arguments.of("add rule inet t x reject with icmpx type port-unreachable",
                        rule("x", RuleExpressions::rejectWithPortUnreachable),
                        "010000000600010074000000060002007800000028000480240001800b00010072656a6563740000140002800800"
                                + "0100000000020500020001000000"),
                Arguments.of("add rule inet t x goto y", rule("x", rule -> rule.goTo("y")),
                        "0100000006000100740000000600020078000000"
                                + "3c000480380001800e000100696d6d65646961746500000024000280080001000000000018000280"
                                + "1400028008000100fffffffc0600020079000000"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void what_nft_writes(String nft, String written, String expected) {
        assertThat(written).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @CsvSource({"10.96.0.1, TCP, 80, 0a600001 06000000 00500000", "255.0.0.1, UDP, 65535, ff000001 11000000 ffff0000",
            "fd96::1, SCTP, 443, fd960000000000000000000000000001 84000000 01bb0000"})
    void a_key_has_each_part_in_whole_words(String ip, Protocol protocol, int port, String hex) {
        ServiceSocket socket = new ServiceSocket(new EndpointAddress(IpAddresses.parse(ip), port), protocol);
        byte[] key = ElementChanges.key(socket);
        assertThat(HexFormat.of().formatHex(key)).isEqualTo(hex.replace(" ", ""));
        assertThat(ElementSet.of(socket, Verdict.PROXY).keyBytes()).isEqualTo(key.length);
    }

    /** The numbers of nft: {@code ipv4_addr} 7, {@code ipv6_addr} 8, {@code inet_proto} 12, {@code inet_service} 13. */
    @Test
    void a_set_has_the_type_by_which_nft_prints_its_elements() {
        assertThat(ElementSet.SERVED4.keyType()).isEqualTo(0x730d);
        assertThat(ElementSet.SERVED6.keyType()).isEqualTo(8 << 12 | 12 << 6 | 13);
        assertThat(ElementSet.CLUSTER_IPS4.keyType()).isEqualTo(7);
        assertThat(ElementSet.CLUSTER_IPS6.keyType()).isEqualTo(8);
    }

    @ParameterizedTest(name = "{0} elements of {1}: {2} messages")
    @CsvSource({"1, SERVED4, 1", "2730, SERVED4, 1", "2731, SERVED4, 2", "80000, SERVED4, 30", "1820, SERVED6, 1",
            "1821, SERVED6, 2", "80000, SERVED6, 44", "4095, CLUSTER_IPS4, 1", "4096, CLUSTER_IPS4, 2"})
    void elements_fill_messages_up_to_the_length_of_an_attribute(int count, ElementSet set, int expected) {
        NftMessages out = new NftMessages(NftMessages.elementsBytes(count, set));
        List<Element> elements = IntStream.range(0, count)
                .mapToObj(i -> Element.of(ByteBuffer.allocate(set.keyBytes()).putInt(i).array())).toList();
        out.elements(true, "sluice", set, elements);
        List<Message> all = messages(out);
        assertThat(all).hasSize(expected);
        int keyHex = 2 * set.keyBytes();
        Set<String> written = new HashSet<>();
        for (Message message : all) {
            int list = message.body().indexOf("0380", 2 * 24) + 4;
            for (int at = list; at < message.body().length(); at += keyHex + 2 * 12) {
                written.add(message.body().substring(at + 2 * 12, at + 2 * 12 + keyHex));
            }
        }
        assertThat(written).hasSize(count);
    }

    @Test
    void the_last_message_of_a_batch_is_acknowledged_and_only_that() {
        NftMessages out = new NftMessages(InterceptionRules.BYTES);
        out.beginBatch();
        InterceptionRules.write(out, "sluice", PacketMarks.SLUICE, List.of(), true, false, BOTH);
        out.endBatch();
        List<Message> all = messages(out);
        assertThat(all.getFirst()).isEqualTo(new Message(0x10, 1, 1, "0000000a"));
        assertThat(all.getLast()).isEqualTo(new Message(0x11, 1, all.size(), "0000000a"));
        assertThat(all.stream().filter(message -> (message.flags() & 4) != 0).map(Message::sequence))
                .containsExactly(all.size() - 1);
        assertThat(out.acknowledged()).isEqualTo(all.size() - 1);
        assertThat(all.stream().map(Message::sequence))
                .isEqualTo(IntStream.rangeClosed(1, all.size()).boxed().toList());
        assertThat(out.written().limit()).isLessThan(InterceptionRules.BYTES);
    }

    @Test
    void without_a_listener_of_a_family_nothing_is_given_to_it() {
        assertThat(leads(BOTH)).isEqualTo(2 * leads(Map.of(IpFamily.IPV6, new ProxyPorts(1, 2)))).isPositive();
        assertThat(leads(Map.of())).isZero();
    }

    private static long leads(Map<IpFamily, ProxyPorts> ports) {
        return descriptions(ports).stream().filter(rule -> rule.contains(", tproxy") || rule.contains(", redir"))
                .count();
    }

    private static List<String> descriptions(Map<IpFamily, ProxyPorts> ports) {
        NftMessages out = new NftMessages(InterceptionRules.BYTES);
        InterceptionRules.write(out, "sluice", PacketMarks.SLUICE, List.of(), true, false, ports);
        return IntStream.rangeClosed(1, messages(out).size()).mapToObj(out::description).toList();
    }

    /** A kernel without tproxy reports only ENOENT for the message. */
    @Test
    void a_rule_is_described_by_what_a_kernel_may_lack() {
        NftMessages out = new NftMessages(4096);
        out.rule("t", "intercept", rule -> rule.family(IpFamily.IPV4).tproxy(IpFamily.IPV4, 1).accept());
        assertThat(out.description(1)).isEqualTo("rule of chain intercept with meta, cmp, immediate, tproxy");
        assertThat(out.description(7)).isEqualTo("the batch");
    }

    private static byte[] key(String ip, int port) {
        return ElementChanges.key(new ServiceSocket(new EndpointAddress(IpAddresses.parse(ip), port), Protocol.TCP));
    }
}
