package io.sluice.nftables;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The expressions of one rule, in the words of nft(8). The kernel leaves the rule at the first condition that is not met.
 * Pure.
 *
 * <p>All values go through the kernel's first register; the parts of a concatenated key go into it and the words after it.
 */
final class RuleExpressions {

    private static final int REGISTER = 1;
    /** The registers of 4 octets after the first 4 octets, and after the first 16. */
    private static final int SECOND_WORD = 9;
    private static final int FIFTH_WORD = 12;
    private static final int LOOPBACK_INDEX = 1;
    private static final int META_IIF = 4;
    private static final int NUMGEN_RANDOM = 1;
    private static final int NAT_DNAT = 1;
    private static final int IPV4_SOURCE = 12;
    private static final int IPV6_SOURCE = 8;
    private static final int VERDICT_REGISTER = 0;

    private static final int META_MARK = 3;
    private static final int META_NFPROTO = 15;
    private static final int META_L4PROTO = 16;
    private static final int META_IIFKIND = 26;
    private static final int KIND_BYTES = 16;
    private static final int FIB_ADDRTYPE = 3;
    private static final int FIB_DADDR = 2;
    private static final int RTN_LOCAL = 2;
    private static final int CT_DIRECTION = 1;
    private static final int CT_STATUS = 2;
    private static final int CT_MARK = 3;
    private static final int CT_BYTES = 15;
    private static final int IPS_CONFIRMED = 1 << 3;
    private static final int SOCKET_TRANSPARENT = 0;
    private static final int SOCKET_WILDCARD = 2;
    private static final int NETWORK_HEADER = 1;
    private static final int TRANSPORT_HEADER = 2;
    private static final int EQUAL = 0;
    private static final int NOT_EQUAL = 1;
    private static final int REJECT_TCP_RST = 1;
    private static final int REJECT_ICMPX_UNREACH = 2;
    private static final int ICMPX_PORT_UNREACH = 1;
    private static final int NF_DROP = 0;
    private static final int NF_ACCEPT = 1;
    private static final int NFT_GOTO = -4;
    private static final int NFT_JUMP = -3;
    private static final int NFT_RETURN = -5;

    private static final int NFPROTO_IPV4 = 2;
    private static final int NFPROTO_IPV6 = 10;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_FLAGS_OFFSET = 13;
    private static final int FIN_SYN_RST_ACK = 0x17;
    private static final int SYN = 0x02;
    private static final int ACK = 0x10;
    private static final int TCP_WINDOW_OFFSET = 14;
    private static final int TCP_CHECKSUM_OFFSET = 16;
    private static final int PAYLOAD_CSUM_INET = 1;
    private static final int TCPOPT_TIMESTAMP = 8;
    private static final int EXTHDR_OP_TCPOPT = 1;
    private static final int IPV4_DESTINATION = 16;
    private static final int IPV6_DESTINATION = 24;
    private static final int SOURCE_PORT = 0;
    private static final int DESTINATION_PORT = 2;

    private final NftMessages out;
    private final Set<String> names = new LinkedHashSet<>();

    RuleExpressions(NftMessages out) {
        this.out = out;
    }

    /** The kernel's names of the expressions, so that an error can name the one that a kernel lacks. */
    String names() {
        return String.join(", ", names);
    }

    private interface Attributes {
        void write();
    }

    private void expression(String name, Attributes attributes) {
        names.add(name);
        int element = out.nest(1);
        out.text(1, name);
        int data = out.nest(2);
        attributes.write();
        out.unnest(data);
        out.unnest(element);
    }

    /** {@code meta nfproto}. */
    RuleExpressions family(IpFamily family) {
        meta(META_NFPROTO, REGISTER);
        return compare(EQUAL, octet(family == IpFamily.IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6));
    }

    /** {@code meta l4proto tcp}. */
    RuleExpressions tcp() {
        meta(META_L4PROTO, REGISTER);
        return compare(EQUAL, octet(IPPROTO_TCP));
    }

    /** {@code meta l4proto != tcp}. */
    RuleExpressions notTcp() {
        meta(META_L4PROTO, REGISTER);
        return compare(NOT_EQUAL, octet(IPPROTO_TCP));
    }

    /** {@code meta l4proto}, by number. */
    RuleExpressions protocol(int number) {
        meta(META_L4PROTO, REGISTER);
        return compare(EQUAL, octet(number));
    }

    /** {@code tcp flags & (fin|syn|rst|ack) != syn}: no segment that opens a connection. */
    RuleExpressions notFirstSegment() {
        tcp();
        payload(TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, REGISTER);
        bits(octet(FIN_SYN_RST_ACK), octet(0));
        return compare(NOT_EQUAL, octet(SYN));
    }

    /** {@code tcp flags & (fin|syn|rst|ack) == syn}: the segment that opens a connection. */
    RuleExpressions firstSegment() {
        return segment(SYN);
    }

    /** {@code tcp flags & (fin|syn|rst|ack) == syn|ack}: the reply to it. */
    RuleExpressions secondSegment() {
        return segment(SYN | ACK);
    }

    private RuleExpressions segment(int flags) {
        tcp();
        payload(TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, REGISTER);
        bits(octet(FIN_SYN_RST_ACK), octet(0));
        return compare(EQUAL, octet(flags));
    }

    /** {@code reset tcp option timestamp}: replaces that option by nothing; Linux 5.18. */
    void resetTimestamps() {
        expression("exthdr", () -> {
            out.octet(2, TCPOPT_TIMESTAMP);
            out.number(6, EXTHDR_OP_TCPOPT);
        });
    }

    /** {@code tcp window set 0}. */
    void closeWindow() {
        immediate(REGISTER, port(0));
        expression("payload", () -> {
            out.number(5, REGISTER);
            out.number(2, TRANSPORT_HEADER);
            out.number(3, TCP_WINDOW_OFFSET);
            out.number(4, 2);
            out.number(6, PAYLOAD_CSUM_INET);
            out.number(7, TCP_CHECKSUM_OFFSET);
            out.number(8, 0);
        });
    }

    /** {@code notrack}. */
    void notTracked() {
        expression("notrack", () -> {});
    }

    /** {@code meta iifkind bridge}: the interface that the packet came in by is a bridge. */
    RuleExpressions fromBridge() {
        meta(META_IIFKIND, REGISTER);
        return compare(EQUAL, Arrays.copyOf("bridge".getBytes(StandardCharsets.US_ASCII), KIND_BYTES));
    }

    /** {@code tcp dport}. */
    RuleExpressions tcpPort(int port) {
        tcp();
        payload(TRANSPORT_HEADER, DESTINATION_PORT, 2, REGISTER);
        return compare(EQUAL, port(port));
    }

    /** {@code fib daddr type local}: the packet is for this machine. */
    RuleExpressions toThisMachine() {
        expression("fib", () -> {
            out.number(1, REGISTER);
            out.number(2, FIB_ADDRTYPE);
            out.number(3, FIB_DADDR);
        });
        return compare(EQUAL, word(RTN_LOCAL));
    }

    /** {@code socket transparent 1}: there is a socket with IP_TRANSPARENT for the packet. */
    RuleExpressions transparentSocket() {
        return socket(SOCKET_TRANSPARENT, 1);
    }

    /** {@code socket transparent 0}: there is a socket without it for the packet. */
    RuleExpressions plainSocket() {
        return socket(SOCKET_TRANSPARENT, 0);
    }

    /** {@code socket wildcard 1}: that socket listens on all addresses. */
    RuleExpressions wildcardSocket() {
        return socket(SOCKET_WILDCARD, 1);
    }

    private RuleExpressions socket(int key, int value) {
        expression("socket", () -> {
            out.number(1, key);
            out.number(2, REGISTER);
        });
        return compare(EQUAL, octet(value));
    }

    /** {@code meta mark & bits != 0}. */
    RuleExpressions marked(int bits) {
        meta(META_MARK, REGISTER);
        bits(word(bits), word(0));
        return compare(NOT_EQUAL, word(0));
    }

    /** {@code meta mark & bits == bits}. */
    RuleExpressions markedBoth(int bits) {
        meta(META_MARK, REGISTER);
        bits(word(bits), word(0));
        return compare(EQUAL, word(bits));
    }

    /** {@code meta mark & bits == 0}. */
    RuleExpressions notMarked(int bits) {
        meta(META_MARK, REGISTER);
        bits(word(bits), word(0));
        return compare(EQUAL, word(0));
    }

    /** {@code meta mark set meta mark | bits}. */
    RuleExpressions mark(int bits) {
        return setMark(bits, bits);
    }

    /** {@code meta mark set meta mark & ~bits}. */
    RuleExpressions unmark(int bits) {
        return setMark(bits, 0);
    }

    private RuleExpressions setMark(int bits, int value) {
        meta(META_MARK, REGISTER);
        bits(word(~bits), word(value));
        expression("meta", () -> {
            out.number(2, META_MARK);
            out.number(3, REGISTER);
        });
        return this;
    }

    /** {@code ct mark & bits != 0}. */
    RuleExpressions connectionMarked(int bits) {
        ct(CT_MARK);
        bits(word(bits), word(0));
        return compare(NOT_EQUAL, word(0));
    }

    /** {@code ct mark & bits == bits}. */
    RuleExpressions connectionMarkedBoth(int bits) {
        ct(CT_MARK);
        bits(word(bits), word(0));
        return compare(EQUAL, word(bits));
    }

    /** {@code ct bytes} is the largest number, which it never is: that a rule asks makes the kernel count packets. */
    RuleExpressions endlessBytes() {
        ct(CT_BYTES);
        byte[] largest = new byte[Long.BYTES];
        Arrays.fill(largest, (byte) 0xff);
        return compare(EQUAL, largest);
    }

    /** {@code ct direction original}: the packet comes from the side that opened the connection. */
    RuleExpressions original() {
        ct(CT_DIRECTION);
        return compare(EQUAL, octet(0));
    }

    /** {@code ct direction reply}. */
    RuleExpressions reply() {
        ct(CT_DIRECTION);
        return compare(EQUAL, octet(1));
    }

    /** {@code ct status & confirmed == 0}: the first packet of a connection, for which NAT is not yet decided. */
    RuleExpressions firstPacket() {
        ct(CT_STATUS);
        bits(word(IPS_CONFIRMED), word(0));
        return compare(EQUAL, word(0));
    }

    /** {@code ct mark set ct mark | bits}. */
    RuleExpressions markConnection(int bits) {
        ct(CT_MARK);
        bits(word(~bits), word(bits));
        expression("ct", () -> {
            out.number(2, CT_MARK);
            out.number(4, REGISTER);
        });
        return this;
    }

    /** {@code ip daddr . meta l4proto . th dport @set} or {@code ip daddr @set}, or the same for IPv6. */
    RuleExpressions destinationIn(ElementSet set) {
        family(set.family());
        int addressBytes = loadAddress(set.family());
        if (set.keyBytes() > addressBytes) {
            loadProtocolAndPort(set.family());
        }
        return lookUp(set);
    }

    /** {@code ip saddr . meta l4proto . th sport @set}, or the same for IPv6. */
    RuleExpressions sourceIn(ElementSet set) {
        family(set.family());
        boolean four = set.family() == IpFamily.IPV4;
        payload(NETWORK_HEADER, four ? IPV4_SOURCE : IPV6_SOURCE, four ? 4 : 16, REGISTER);
        int next = four ? SECOND_WORD : FIFTH_WORD;
        meta(META_L4PROTO, next);
        payload(TRANSPORT_HEADER, SOURCE_PORT, 2, next + 1);
        return lookUp(set);
    }

    /** {@code ip daddr . meta l4proto . th dport map @map}, whose number is {@code number}. */
    RuleExpressions destinationHas(ElementSet map, int number) {
        return destinationIn(map).compare(EQUAL, word(number));
    }

    /** {@code dnat to ip daddr . meta l4proto . th dport . (numgen random mod count) map @map}. */
    void dnat(ElementSet map, int count) {
        boolean four = map.family() == IpFamily.IPV4;
        loadAddress(map.family());
        int next = loadProtocolAndPort(map.family());
        expression("numgen", () -> {
            out.number(1, next);
            out.number(2, count);
            out.number(3, NUMGEN_RANDOM);
            out.number(4, 0);
        });
        lookUp(map);
        expression("nat", () -> {
            out.number(1, NAT_DNAT);
            out.number(2, four ? NFPROTO_IPV4 : NFPROTO_IPV6);
            out.number(3, REGISTER);
            out.number(5, four ? SECOND_WORD : FIFTH_WORD);
        });
    }

    /** {@code ip saddr . ip daddr @set}. */
    RuleExpressions sourceAndDestinationIn(ElementSet set) {
        family(set.family());
        payload(NETWORK_HEADER, set.family() == IpFamily.IPV4 ? IPV4_SOURCE : IPV6_SOURCE, set.keyBytes(), REGISTER);
        return lookUp(set);
    }

    /** {@code ip daddr . meta l4proto . th dport . ip saddr @set}. */
    RuleExpressions destinationAndSourceIn(ElementSet set) {
        family(set.family());
        loadAddress(set.family());
        boolean four = set.family() == IpFamily.IPV4;
        payload(NETWORK_HEADER, four ? IPV4_SOURCE : IPV6_SOURCE, four ? 4 : 16, loadProtocolAndPort(set.family()));
        return lookUp(set);
    }

    /** {@code ip saddr} in a range. */
    RuleExpressions from(Cidr range) {
        family(range.family());
        byte[] network = range.network().getAddress();
        payload(NETWORK_HEADER, range.family() == IpFamily.IPV4 ? IPV4_SOURCE : IPV6_SOURCE, network.length, REGISTER);
        bits(new Cidr(allOnes(network.length), range.prefixLength()).network().getAddress(), new byte[network.length]);
        return compare(EQUAL, network);
    }

    private static InetAddress allOnes(int octets) {
        return IpAddresses.parse(octets == 4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    }

    void masquerade() {
        expression("masq", () -> {});
    }

    /** Loads the destination address into the first register; returns its length. */
    private int loadAddress(IpFamily family) {
        boolean four = family == IpFamily.IPV4;
        int bytes = four ? 4 : 16;
        payload(NETWORK_HEADER, four ? IPV4_DESTINATION : IPV6_DESTINATION, bytes, REGISTER);
        return bytes;
    }

    /** Loads the protocol and the destination port behind the address; returns the next register. */
    private int loadProtocolAndPort(IpFamily family) {
        int next = family == IpFamily.IPV4 ? SECOND_WORD : FIFTH_WORD;
        meta(META_L4PROTO, next);
        payload(TRANSPORT_HEADER, DESTINATION_PORT, 2, next + 1);
        return next + 2;
    }

    /** Ends the rule if the set or map has no such element; the value in a map goes into the first register. */
    private RuleExpressions lookUp(ElementSet set) {
        expression("lookup", () -> {
            out.text(1, set.label());
            out.number(2, REGISTER);
            if (set.isMap()) {
                out.number(3, REGISTER);
            }
        });
        return this;
    }

    /** {@code iif != lo}: no process of this node has sent the packet. */
    RuleExpressions fromElsewhere() {
        meta(META_IIF, REGISTER);
        return compare(NOT_EQUAL, word(LOOPBACK_INDEX));
    }

    /** {@code tproxy} to a port of the loopback address; ends the rule if no socket with IP_TRANSPARENT listens there. */
    RuleExpressions tproxy(IpFamily family, int port) {
        boolean four = family == IpFamily.IPV4;
        byte[] loopback = new byte[four ? 4 : 16];
        loopback[loopback.length - 1] = 1;
        if (four) {
            loopback[0] = 127;
        }
        immediate(REGISTER, loopback);
        immediate(FIFTH_WORD, port(port));
        expression("tproxy", () -> {
            out.number(1, four ? NFPROTO_IPV4 : NFPROTO_IPV6);
            out.number(2, REGISTER);
            out.number(3, FIFTH_WORD);
        });
        return this;
    }

    /** {@code redirect to :port}: to the address of the interface that the packet came in by. */
    void redirect(int port) {
        immediate(REGISTER, port(port));
        expression("redir", () -> out.number(1, REGISTER));
    }

    /** {@code reject with tcp reset}. */
    void rejectWithReset() {
        reject(REJECT_TCP_RST, 0);
    }

    /** {@code reject with icmpx port-unreachable}. */
    void rejectWithPortUnreachable() {
        reject(REJECT_ICMPX_UNREACH, ICMPX_PORT_UNREACH);
    }

    private void reject(int type, int code) {
        expression("reject", () -> {
            out.number(1, type);
            out.octet(2, code);
        });
    }

    void accept() {
        verdict(NF_ACCEPT, "");
    }

    void drop() {
        verdict(NF_DROP, "");
    }

    /** {@code return}: back to the chain that has jumped here. */
    void back() {
        verdict(NFT_RETURN, "");
    }

    /** {@code goto}: goes on in another chain and does not come back to this one. */
    void goTo(String chain) {
        verdict(NFT_GOTO, chain);
    }

    /** {@code jump}: goes on in another chain, and comes back to this one at its end. */
    void jump(String chain) {
        verdict(NFT_JUMP, chain);
    }

    private void verdict(int code, String chain) {
        expression("immediate", () -> {
            out.number(1, VERDICT_REGISTER);
            int data = out.nest(2);
            int verdict = out.nest(2);
            out.number(1, code);
            if (!chain.isEmpty()) {
                out.text(2, chain);
            }
            out.unnest(verdict);
            out.unnest(data);
        });
    }

    private void immediate(int register, byte[] value) {
        expression("immediate", () -> {
            out.number(1, register);
            out.data(2, value);
        });
    }

    private void meta(int key, int register) {
        expression("meta", () -> {
            out.number(2, key);
            out.number(1, register);
        });
    }

    private void ct(int key) {
        expression("ct", () -> {
            out.number(2, key);
            out.number(1, REGISTER);
        });
    }

    private void payload(int header, int offset, int length, int register) {
        expression("payload", () -> {
            out.number(1, register);
            out.number(2, header);
            out.number(3, offset);
            out.number(4, length);
        });
    }

    /** {@code register = register & mask ^ xor}. */
    private void bits(byte[] mask, byte[] xor) {
        expression("bitwise", () -> {
            out.number(1, REGISTER);
            out.number(2, REGISTER);
            out.number(3, mask.length);
            out.data(4, mask);
            out.data(5, xor);
        });
    }

    private RuleExpressions compare(int operation, byte[] value) {
        expression("cmp", () -> {
            out.number(1, REGISTER);
            out.number(2, operation);
            out.data(3, value);
        });
        return this;
    }

    private static byte[] octet(int value) {
        return new byte[] {(byte) value};
    }

    private static byte[] port(int port) {
        return new byte[] {(byte) (port >> 8), (byte) port};
    }

    /** A mark, which is in host byte order, not in network byte order. */
    private static byte[] word(int value) {
        return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder()).putInt(value).array();
    }
}
