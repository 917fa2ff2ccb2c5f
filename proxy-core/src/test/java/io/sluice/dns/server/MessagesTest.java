package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.Zone;
import io.sluice.dns.zone.ZoneSettings;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Header;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;

/** What is checked of a message before its name is looked up, and how long a reply may be. */
class MessagesTest {

    private static final byte[] QUESTION =
            DnsMessages.octets(4, 'p', 'l', 'a', 'n', 7, 'c', 'l', 'u', 's', 't', 'e', 'r', 5, 'l', 'o', 'c', 'a', 'l',
                    0, 0,
                    1, 0, 1);
    private static final byte[] OPT = DnsMessages.octets(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0);
    private static final Zone ZONE =
            Zone.unsynced(new ZoneSettings(Name.fromConstantString("cluster.local."), 5, PodRecords.OFF, List.of(),
                    List.of())).with(new Cluster()
                            .headless("shop/many", "http:80/TCP", endpoints(100))
                            .headless("shop/huge", "http:80/TCP", endpoints(5_000))
                            .clusterIp("shop/one", "10.96.0.1", "http:80/TCP").snapshot(), Map.of());
    private static final Asker ASKER = new Asker(ZONE, false);

    static Stream<Arguments> rejected() {
        byte[] valid = DnsMessages.concat(header(0x0100, 1, 0, 0, 0), QUESTION);
        return Stream.of(
                argumentSet("nothing at all", new byte[0], -1),
                argumentSet("11 octets", Arrays.copyOf(valid, 11), -1),
                argumentSet("a reply", DnsMessages.concat(header(0x8100, 1, 0, 0, 0), QUESTION), -1),
                argumentSet("a header alone", header(0x0100, 1, 0, 0, 0), Rcode.FORMERR),
                argumentSet("STATUS", DnsMessages.concat(header(2 << 11, 1, 0, 0, 0), QUESTION), Rcode.NOTIMP),
                argumentSet("NOTIFY", DnsMessages.concat(header(4 << 11, 1, 0, 0, 0), QUESTION), Rcode.NOTIMP),
                argumentSet("UPDATE", DnsMessages.concat(header(5 << 11, 1, 0, 0, 0), QUESTION), Rcode.NOTIMP),
                argumentSet("opcode 15", DnsMessages.concat(header(15 << 11, 1, 0, 0, 0), QUESTION), Rcode.NOTIMP),
                argumentSet("no question", header(0, 0, 0, 0, 0), Rcode.FORMERR),
                argumentSet("two questions", DnsMessages.concat(header(0, 2, 0, 0, 0), QUESTION, QUESTION),
                        Rcode.FORMERR),
                argumentSet("65,535 promised answers", DnsMessages.concat(header(0, 1, 65535, 0, 0), QUESTION),
                        Rcode.FORMERR),
                argumentSet("two authorities", DnsMessages.concat(header(0, 1, 0, 2, 0), QUESTION), Rcode.FORMERR),
                argumentSet("three additionals", DnsMessages.concat(header(0, 1, 0, 0, 3), QUESTION), Rcode.FORMERR),
                argumentSet("a promised record that is not there", DnsMessages.concat(header(0, 1, 0, 0, 1), QUESTION),
                        Rcode.FORMERR),
                argumentSet("the same with TC set", DnsMessages.concat(header(0x0200, 1, 0, 0, 1), QUESTION),
                        Rcode.FORMERR),
                argumentSet("a name cut short", Arrays.copyOf(valid, 20), Rcode.FORMERR),
                argumentSet("the same with TC set",
                        Arrays.copyOf(DnsMessages.concat(header(0x0200, 1, 0, 0, 0), QUESTION), 20), Rcode.FORMERR),
                argumentSet("no class", Arrays.copyOf(valid, valid.length - 2), Rcode.FORMERR),
                argumentSet("label type 0x40",
                        DnsMessages.concat(header(0, 1, 0, 0, 0), DnsMessages.octets(0x41, 0, 0, 1, 0, 1)),
                        Rcode.FORMERR),
                argumentSet("label type 0x80",
                        DnsMessages.concat(header(0, 1, 0, 0, 0), DnsMessages.octets(0x81, 0, 0, 1, 0, 1)),
                        Rcode.FORMERR),
                argumentSet("a pointer to itself",
                        DnsMessages.concat(header(0, 1, 0, 0, 0), DnsMessages.octets(0xc0, 12, 0, 1, 0, 1)),
                        Rcode.FORMERR),
                argumentSet("a pointer forward",
                        DnsMessages.concat(header(0, 1, 0, 0, 0), DnsMessages.octets(0xc0, 14, 0, 1, 0, 1)),
                        Rcode.FORMERR),
                argumentSet("a pointer into the header",
                        DnsMessages.concat(header(0, 1, 0, 0, 0), DnsMessages.octets(0xc0, 6, 0, 1, 0, 1)),
                        Rcode.FORMERR),
                argumentSet("a name of more than 255 octets",
                        DnsMessages.concat(header(0, 1, 0, 0, 0), tooLong(), QUESTION),
                        Rcode.FORMERR),
                argumentSet("octets after the message", DnsMessages.concat(valid, new byte[1]), Rcode.FORMERR),
                argumentSet("OPT cut short",
                        DnsMessages.concat(header(0, 1, 0, 0, 1), QUESTION, Arrays.copyOf(OPT, OPT.length - 1)),
                        Rcode.FORMERR),
                argumentSet("two OPT", DnsMessages.concat(header(0, 1, 0, 0, 2), QUESTION, OPT, OPT), Rcode.FORMERR),
                argumentSet("OPT as an answer", DnsMessages.concat(header(0, 1, 1, 0, 0), QUESTION, OPT),
                        Rcode.FORMERR));
    }

    @ParameterizedTest
    @MethodSource("rejected")
    void is_rejected_with_a_header_alone_or_silence(byte[] query, int rcode) throws IOException {
        byte[] reply = ASKER.answer(query, false);

        if (rcode < 0) {
            assertThat(reply).isNull();
        } else {
            Header header = new Header(reply);
            assertThat(reply).hasSize(12);
            assertThat(header.getID()).isEqualTo(0xabcd);
            assertThat(header.getRcode()).isEqualTo(rcode);
            assertThat(header.getFlag(Flags.QR)).isTrue();
            assertThat(header.getOpcode()).isEqualTo(query[2] >> 3 & 15);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, REFUSED", "3, REFUSED", "255, REFUSED", "1, NOERROR"})
    void only_class_internet_is_served(int type, String rcode) throws IOException {
        byte[] query = DnsMessages.query("one.shop.svc.cluster.local", "A").toWire();
        query[query.length - 1] = (byte) type;
        Message reply = new Message(ASKER.answer(query, false));

        assertThat(Rcode.string(reply.getRcode())).isEqualTo(rcode);
        assertThat(reply.getHeader().getFlag(Flags.AA)).isEqualTo(rcode.equals("NOERROR"));
    }

    @Test
    void id_and_flags_of_the_query_are_copied_as_they_should_be() throws IOException {
        Message query = DnsMessages.query("one.shop.svc.cluster.local", "A");
        query.getHeader().setID(4711);
        query.getHeader().setFlag(Flags.CD);
        query.getHeader().setFlag(Flags.AD);
        Message reply = ASKER.ask(query, false);

        assertThat(reply.getHeader().getID()).isEqualTo(4711);
        assertThat(reply.getHeader().printFlags().strip()).isEqualTo("qr aa rd cd");
    }

    @Test
    void an_opt_record_is_answered_with_one_of_our_own() throws IOException {
        Message reply = ASKER
                .ask(DnsMessages.edns(DnsMessages.query("one.shop.svc.cluster.local", "A"), 4096, 0, 0x8000), false);
        OPTRecord opt = reply.getOPT();

        assertThat(opt.getPayloadSize()).isEqualTo(1232);
        assertThat(opt.getVersion()).isZero();
        assertThat(opt.getFlags()).isEqualTo(0x8000);
        assertThat(opt.getOptions()).isEmpty();
        assertThat(ASKER.ask("one.shop.svc.cluster.local", "A").getOPT()).isNull();
    }

    @Test
    void an_unknown_version_of_edns_is_told_ours() throws IOException {
        Message reply =
                ASKER.ask(DnsMessages.edns(DnsMessages.query("one.shop.svc.cluster.local", "A"), 4096, 1, 0), false);

        assertThat(reply.getRcode()).isEqualTo(Rcode.BADVERS);
        assertThat(reply.getOPT().getVersion()).isZero();
        assertThat(reply.getSection(Section.ANSWER)).isEmpty();
    }

    @ParameterizedTest(name = "{0}: {1} of {2} records")
    @CsvSource(delimiter = '|', textBlock = """
            no EDNS | 0 | 29 | 512
            less than 512 counts as 512 | 100 | 28 | 512
            what the client takes | 1000 | 59 | 1000
            but not more than 1232 | 4096 | 73 | 1232
            """)
    void as_many_records_as_fit_and_tc_over_udp(String why, int size, int expected, int limit) throws IOException {
        Message query = DnsMessages.query("many.shop.svc.cluster.local", "A");
        byte[] octets = ASKER.answer((size == 0 ? query : DnsMessages.edns(query, size, 0, 0)).toWire(), false);
        Message reply = new Message(octets);

        assertThat(reply.getSection(Section.ANSWER)).as(why).hasSize(expected);
        assertThat(reply.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(octets.length).isBetween(limit - 16, limit);
    }

    @Test
    void all_of_them_over_tcp() throws IOException {
        Message reply = ASKER.ask(DnsMessages.query("many.shop.svc.cluster.local", "A"), true);

        assertThat(reply.getSection(Section.ANSWER)).hasSize(100);
        assertThat(reply.getHeader().getFlag(Flags.TC)).isFalse();
    }

    @Test
    void even_over_tcp_a_reply_ends_at_65535_octets() throws IOException {
        byte[] octets = ASKER.answer(DnsMessages.query("huge.shop.svc.cluster.local", "A").toWire(), true);
        Message reply = new Message(octets);

        assertThat(octets.length).isBetween(65_535 - 16, 65_535);
        assertThat(reply.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(reply.getSection(Section.ANSWER)).hasSizeGreaterThan(4_000);
    }

    @Test
    void additional_records_are_left_out_without_tc() throws IOException {
        Message query =
                DnsMessages.edns(DnsMessages.query("_http._tcp.many.shop.svc.cluster.local", "SRV"), 1232, 0, 0);
        Message udp = ASKER.ask(query, false);
        Message tcp = ASKER.ask(query, true);

        assertThat(udp.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(udp.getSection(Section.ADDITIONAL)).hasSize(1);
        assertThat(tcp.getSection(Section.ANSWER)).hasSize(100);
        assertThat(tcp.getSection(Section.ADDITIONAL)).hasSize(101);

        Message few = DnsMessages.query("_http._tcp.few.shop.svc.cluster.local", "SRV");
        Zone zone = ZONE.with(new Cluster().headless("shop/few", "http:80/TCP", endpoints(8)).snapshot(), Map.of());
        Message cut = new Asker(zone, false).ask(few, false);
        assertThat(cut.getHeader().getFlag(Flags.TC)).isFalse();
        assertThat(cut.getSection(Section.ANSWER)).hasSize(8);
        assertThat(cut.getSection(Section.ADDITIONAL)).hasSizeLessThan(8);
    }

    private static byte[] header(int flags, int questions, int answers, int authorities, int additionals) {
        int[] words = {0xabcd, flags, questions, answers, authorities, additionals};
        byte[] header = new byte[12];
        for (int i = 0; i < words.length; i++) {
            header[2 * i] = (byte) (words[i] >> 8);
            header[2 * i + 1] = (byte) words[i];
        }
        return header;
    }

    private static byte[] tooLong() {
        byte[] labels = new byte[256];
        for (int i = 0; i < 256; i += 2) {
            labels[i] = 1;
            labels[i + 1] = 'a';
        }
        return labels;
    }

    private static String[] endpoints(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> IpAddresses.format(IpAddresses.parse("10.2." + i / 250 + '.' + i % 250), 80))
                .toArray(String[]::new);
    }
}
