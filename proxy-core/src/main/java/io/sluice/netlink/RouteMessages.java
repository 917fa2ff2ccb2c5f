package io.sluice.netlink;

import io.sluice.linux.SocketOptions;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The form of rtnetlink(7) messages, as far as routes, routing rules and switching on an interface need it. Pure. */
public final class RouteMessages {

    // Types of messages.
    static final int NLMSG_ERROR = 2;
    static final int NLMSG_DONE = 3;
    /** An interface was added or changed. */
    public static final int RTM_NEWLINK = 16;
    /** An interface was removed. */
    public static final int RTM_DELLINK = 17;
    /** An address was added. */
    public static final int RTM_NEWADDR = 20;
    /** An address was removed. */
    public static final int RTM_DELADDR = 21;
    static final int RTM_NEWROUTE = 24;
    /** A route was removed. */
    public static final int RTM_DELROUTE = 25;
    static final int RTM_GETROUTE = 26;
    static final int RTM_NEWRULE = 32;
    static final int RTM_DELRULE = 33;
    static final int RTM_GETRULE = 34;

    static final int TABLE_MAIN = 254;
    static final int TABLE_LOCAL = 255;
    static final int TYPE_UNICAST = 1;
    static final int TYPE_LOCAL = 2;

    private static final int HEADER_BYTES = 16;
    private static final int ROUTE_BYTES = 12;
    private static final int LINK_BYTES = 16;
    private static final int IFF_UP = 1;
    private static final int SCOPE_HOST = 254;
    private static final int SCOPE_LINK = 253;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_EXCL = 0x200;
    private static final int NLM_F_CREATE = 0x400;
    private static final int NLM_F_DUMP = 0x300;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_PREFSRC = 7;
    private static final int RTA_MULTIPATH = 9;
    private static final int RTA_TABLE = 15;
    private static final int RTA_VIA = 18;
    private static final int RTNH_BYTES = 8;
    /** Tables up to this one have room in the header; others are an attribute. */
    private static final int LAST_SMALL_TABLE = 255;

    private static final int RULE_BYTES = 12;
    private static final int FR_ACT_TO_TBL = 1;
    private static final int FR_ACT_GOTO = 2;
    private static final int FR_ACT_NOP = 3;
    private static final int FRA_SRC = 2;
    private static final int FRA_IIFNAME = 3;
    private static final int FRA_GOTO = 4;
    private static final int FRA_PRIORITY = 6;
    private static final int FRA_FWMARK = 10;
    private static final int FRA_TABLE = 15;
    private static final int FRA_FWMASK = 16;
    private static final int FRA_PROTOCOL = 21;
    private static final int FRA_IP_PROTO = 22;
    private static final int FRA_SPORT_RANGE = 23;
    private static final int FRA_DPORT_RANGE = 24;

    /** What {@link #linkUp} writes. */
    public static final int LINK_UP_BYTES = HEADER_BYTES + LINK_BYTES;
    /** The longest of what {@link #localRoute} writes. */
    public static final int LOCAL_ROUTE_BYTES = HEADER_BYTES + ROUTE_BYTES + 4 + 16 + 8 + 8;
    private static final byte[] LOOPBACK_NAME = {'l', 'o', 0};

    /** The longest of what writes a rule. */
    public static final int RULE_ORDER_BYTES = HEADER_BYTES + RULE_BYTES + 4 + 16 + 6 * 8;

    private RouteMessages() {}

    /**
     * One message of a datagram.
     *
     * @param error    what an acknowledgement or a failure says, as a positive error number; 0 for success
     * @param link     which interface a message about a link or an address is about, else 0
     * @param subject  of a message about a route or a rule, else null
     */
    public record Message(int type, int sequence, int error, int link, @Nullable Subject subject) {}

    /** What a message is about. */
    public sealed interface Subject permits Route, Rule, MarkRule {}

    /**
     * A route.
     *
     * @param link     the interface it leads to; 0 for several or none
     * @param gateways next hops
     */
    public record Route(Cidr destination, int table, int protocol, int type, int link, List<InetAddress> gateways)
            implements Subject {

        /** Whether it leads to another node or to a network. */
        public boolean isUnicast() {
            return type == TYPE_UNICAST;
        }
    }

    /**
     * A rule for TCP segments: what comes from one address and port and goes to one of a range of ports looks into a
     * table ({@code ip rule}, with {@code ipproto}, {@code sport} and {@code dport}).
     *
     * @param source    where the segments come from
     * @param firstPort the first port that they go to
     * @param lastPort  the last one
     * @param table     where their route is looked for
     * @param priority  the rule's place among others
     * @param protocol  who made the rule
     */
    public record Rule(EndpointAddress source, int firstPort, int lastPort, int table, int priority, int protocol)
            implements Subject {}

    /**
     * A rule for packets with a mark ({@code ip rule}, with {@code fwmark bits/bits}).
     *
     * @param loopback  only for those that come from {@code lo}, as all do that this machine sends itself
     * @param bits      the bits of the mark that have to be set; 0 for any mark, of {@link MarkAction#NOP} only
     * @param action    what is done with them
     * @param target    of {@link MarkAction#LOOKUP} the table, of {@link MarkAction#GOTO} the priority of another rule
     * @param priority  the rule's place among others
     * @param protocol  who made the rule
     */
    public record MarkRule(IpFamily family, boolean loopback, int bits, MarkAction action, int target, int priority,
            int protocol) implements Subject {}

    /** What a {@link MarkRule} does: looks into a table, goes on with a later rule, or with the next one. */
    public enum MarkAction {
        LOOKUP, GOTO, NOP
    }

    /** An empty buffer for messages. */
    public static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }

    /**
     * Appends the order to add or remove {@code local destination dev link table table proto protocol}, to be
     * acknowledged. An existing route is not replaced.
     */
    public static void localRoute(ByteBuffer out, boolean add, int sequence, Cidr destination, int table, int link,
            int protocol) {
        int start = out.position();
        byte[] address = destination.network().getAddress();
        order(out, add ? RTM_NEWROUTE : RTM_DELROUTE, add, sequence);
        route(out, family(address), destination.prefixLength(), table, protocol, SCOPE_HOST, TYPE_LOCAL);
        attribute(out, RTA_DST, address.length).put(address);
        attribute(out, RTA_OIF, Integer.BYTES).putInt(link);
        table(out, RTA_TABLE, table);
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to add {@code default dev link src source table main}, to be acknowledged. */
    public static void defaultRoute(ByteBuffer out, int sequence, InetAddress source, int link, int protocol) {
        int start = out.position();
        byte[] address = source.getAddress();
        order(out, RTM_NEWROUTE, true, sequence);
        route(out, family(address), 0, TABLE_MAIN, protocol, SCOPE_LINK, TYPE_UNICAST);
        attribute(out, RTA_OIF, Integer.BYTES).putInt(link);
        attribute(out, RTA_PREFSRC, address.length).put(address);
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to add or remove a rule, to be acknowledged. */
    public static void rule(ByteBuffer out, boolean add, int sequence, Rule rule) {
        int start = out.position();
        byte[] address = rule.source().ip().getAddress();
        order(out, add ? RTM_NEWRULE : RTM_DELRULE, add, sequence);
        rule(out, family(address), address.length * 8, rule.table(), FR_ACT_TO_TBL);
        attribute(out, FRA_SRC, address.length).put(address);
        attribute(out, FRA_PRIORITY, Integer.BYTES).putInt(rule.priority());
        table(out, FRA_TABLE, rule.table());
        attribute(out, FRA_PROTOCOL, Byte.BYTES).put((byte) rule.protocol()).put(new byte[3]);
        attribute(out, FRA_IP_PROTO, Byte.BYTES).put((byte) SocketOptions.IPPROTO_TCP).put(new byte[3]);
        attribute(out, FRA_SPORT_RANGE, 2 * Short.BYTES).putShort((short) rule.source().port())
                .putShort((short) rule.source().port());
        attribute(out, FRA_DPORT_RANGE, 2 * Short.BYTES).putShort((short) rule.firstPort())
                .putShort((short) rule.lastPort());
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to switch an interface on, to be acknowledged. */
    public static void linkUp(ByteBuffer out, int sequence, int link) {
        int start = out.position();
        order(out, RTM_NEWLINK, false, sequence);
        out.putShort((short) 0).putShort((short) 0).putInt(link).putInt(IFF_UP).putInt(IFF_UP);
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to add or remove a rule for a mark, to be acknowledged. */
    public static void rule(ByteBuffer out, boolean add, int sequence, MarkRule rule) {
        int start = out.position();
        boolean lookup = rule.action() == MarkAction.LOOKUP;
        order(out, add ? RTM_NEWRULE : RTM_DELRULE, add, sequence);
        rule(out, family(rule.family()), 0, lookup ? rule.target() : 0, switch (rule.action()) {
            case LOOKUP -> FR_ACT_TO_TBL;
            case GOTO -> FR_ACT_GOTO;
            case NOP -> FR_ACT_NOP;
        });
        attribute(out, FRA_PRIORITY, Integer.BYTES).putInt(rule.priority());
        attribute(out, FRA_PROTOCOL, Byte.BYTES).put((byte) rule.protocol()).put(new byte[3]);
        if (rule.loopback()) {
            attribute(out, FRA_IIFNAME, LOOPBACK_NAME.length).put(LOOPBACK_NAME).put((byte) 0);
        }
        if (rule.bits() != 0) {
            attribute(out, FRA_FWMARK, Integer.BYTES).putInt(rule.bits());
            attribute(out, FRA_FWMASK, Integer.BYTES).putInt(rule.bits());
        }
        if (lookup) {
            table(out, FRA_TABLE, rule.target());
        } else if (rule.action() == MarkAction.GOTO) {
            attribute(out, FRA_GOTO, Integer.BYTES).putInt(rule.target());
        }
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to list the rules of a family. */
    public static void dumpRules(ByteBuffer out, int sequence, IpFamily family) {
        int start = out.position();
        header(out, RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, sequence);
        rule(out, family(family), 0, 0, 0);
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to list the routes of one table; {@code protocol} 0 for those of all. */
    static void dump(ByteBuffer out, int sequence, IpFamily family, int table, int protocol) {
        int start = out.position();
        header(out, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence);
        route(out, family(family), 0, table, protocol, 0, 0);
        table(out, RTA_TABLE, table);
        out.putInt(start, out.position() - start);
    }

    private static int family(IpFamily family) {
        return family == IpFamily.IPV4 ? SocketOptions.AF_INET : SocketOptions.AF_INET6;
    }

    private static int family(byte[] address) {
        return address.length == 4 ? SocketOptions.AF_INET : SocketOptions.AF_INET6;
    }

    private static void order(ByteBuffer out, int type, boolean add, int sequence) {
        header(out, type, NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0), sequence);
    }

    private static void header(ByteBuffer out, int type, int flags, int sequence) {
        out.putInt(0).putShort((short) type).putShort((short) flags).putInt(sequence).putInt(0);
    }

    private static void route(ByteBuffer out, int family, int prefixLength, int table, int protocol, int scope,
            int type) {
        out.put((byte) family).put((byte) prefixLength).put((byte) 0).put((byte) 0)
                .put((byte) (table > LAST_SMALL_TABLE ? 0 : table)).put((byte) protocol).put((byte) scope)
                .put((byte) type).putInt(0);
    }

    private static void rule(ByteBuffer out, int family, int sourceLength, int table, int action) {
        out.put((byte) family).put((byte) 0).put((byte) sourceLength).put((byte) 0)
                .put((byte) (table > LAST_SMALL_TABLE ? 0 : table)).put((byte) 0).put((byte) 0).put((byte) action)
                .putInt(0);
    }

    private static void table(ByteBuffer out, int type, int table) {
        if (table > LAST_SMALL_TABLE) {
            attribute(out, type, Integer.BYTES).putInt(table);
        }
    }

    private static ByteBuffer attribute(ByteBuffer out, int type, int length) {
        return out.putShort((short) (4 + length)).putShort((short) type);
    }

    /** Tells {@code consumer} of each message of a datagram; what is cut off or of no interest is left out. */
    public static void read(ByteBuffer in, Consumer<Message> consumer) {
        while (in.remaining() >= HEADER_BYTES) {
            int start = in.position();
            int length = in.getInt(start);
            if (length < HEADER_BYTES || length > in.remaining()) {
                return;
            }
            int type = in.getShort(start + 4) & 0xffff;
            ByteBuffer body = in.slice(start + HEADER_BYTES, length - HEADER_BYTES).order(in.order());
            Message message = message(type, in.getInt(start + 8), body);
            if (message != null) {
                consumer.accept(message);
            }
            in.position(Math.min(in.limit(), start + align(length)));
        }
    }

    private static @Nullable Message message(int type, int sequence, ByteBuffer body) {
        return switch (type) {
            case NLMSG_ERROR -> body.remaining() < 4 ? null : new Message(type, sequence, -body.getInt(0), 0, null);
            case NLMSG_DONE -> new Message(type, sequence, body.remaining() < 4 ? 0 : -Math.min(0, body.getInt(0)), 0,
                    null);
            case RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR ->
                    body.remaining() < 8 ? null : new Message(type, sequence, 0, body.getInt(4), null);
            case RTM_NEWROUTE, RTM_DELROUTE -> message(type, sequence, route(body));
            case RTM_NEWRULE, RTM_DELRULE -> {
                Rule rule = rule(body);
                yield message(type, sequence, rule == null ? markRule(body) : rule);
            }
            default -> null;
        };
    }

    private static @Nullable Message message(int type, int sequence, @Nullable Subject subject) {
        return subject == null ? null : new Message(type, sequence, 0, 0, subject);
    }

    /** A rule of the form that {@link Rule} has; others are no business of ours. */
    private static @Nullable Rule rule(ByteBuffer body) {
        if (body.remaining() < RULE_BYTES) {
            return null;
        }
        int family = body.get(0) & 0xff;
        int octets = family == SocketOptions.AF_INET ? 4 : 16;
        if (family != SocketOptions.AF_INET && family != SocketOptions.AF_INET6 || body.get(1) != 0
                || (body.get(2) & 0xff) != octets * 8 || body.get(7) != FR_ACT_TO_TBL) {
            return null;
        }
        byte[] source = new byte[octets];
        int[] table = {body.get(4) & 0xff};
        int[] priority = {0};
        int[] protocol = {0};
        int[] ipProtocol = {0};
        int[] sourcePorts = {0, -1};
        int[] ports = {0, -1};
        attributes(body.slice(RULE_BYTES, body.remaining() - RULE_BYTES).order(body.order()), (type, value) -> {
            switch (type) {
                case FRA_SRC -> {
                    if (value.remaining() == octets) {
                        value.get(source);
                    }
                }
                case FRA_PRIORITY -> priority[0] = number(value);
                case FRA_TABLE -> table[0] = number(value);
                case FRA_PROTOCOL -> protocol[0] = octet(value);
                case FRA_IP_PROTO -> ipProtocol[0] = octet(value);
                case FRA_SPORT_RANGE -> range(value, sourcePorts);
                case FRA_DPORT_RANGE -> range(value, ports);
                default -> {
                    // Marks, interfaces and the like.
                }
            }
        });
        if (ipProtocol[0] != SocketOptions.IPPROTO_TCP || sourcePorts[0] != sourcePorts[1] || sourcePorts[0] == 0) {
            return null;
        }
        return new Rule(new EndpointAddress(address(source), sourcePorts[0]), ports[0], ports[1], table[0],
                priority[0], protocol[0]);
    }

    /** A rule of the form that {@link MarkRule} has; others are no business of ours. */
    private static @Nullable MarkRule markRule(ByteBuffer body) {
        if (body.remaining() < RULE_BYTES || body.get(1) != 0 || body.get(2) != 0 || body.get(3) != 0) {
            return null;
        }
        int family = body.get(0) & 0xff;
        MarkAction action = switch (body.get(7)) {
            case FR_ACT_TO_TBL -> MarkAction.LOOKUP;
            case FR_ACT_GOTO -> MarkAction.GOTO;
            case FR_ACT_NOP -> MarkAction.NOP;
            default -> null;
        };
        if (action == null || family != SocketOptions.AF_INET && family != SocketOptions.AF_INET6) {
            return null;
        }
        int[] table = {body.get(4) & 0xff};
        int[] goTo = {0};
        int[] priority = {0};
        int[] protocol = {0};
        int[] markAndMask = {0, 0};
        boolean[] loopback = {false};
        boolean[] other = {false};
        attributes(body.slice(RULE_BYTES, body.remaining() - RULE_BYTES).order(body.order()), (type, value) -> {
            switch (type) {
                case FRA_IIFNAME -> {
                    loopback[0] = value.equals(ByteBuffer.wrap(LOOPBACK_NAME));
                    other[0] |= !loopback[0];
                }
                case FRA_GOTO -> goTo[0] = number(value);
                case FRA_PRIORITY -> priority[0] = number(value);
                case FRA_FWMARK -> markAndMask[0] = number(value);
                case FRA_FWMASK -> markAndMask[1] = number(value);
                case FRA_TABLE -> table[0] = number(value);
                case FRA_PROTOCOL -> protocol[0] = octet(value);
                case FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE -> other[0] = true;
                default -> {
                    // What every rule has, such as the length of prefixes to suppress.
                }
            }
        });
        boolean anyMark = markAndMask[0] == 0 && action != MarkAction.NOP;
        if (other[0] || anyMark || markAndMask[0] != markAndMask[1]) {
            return null;
        }
        int target = switch (action) {
            case LOOKUP -> table[0];
            case GOTO -> goTo[0];
            case NOP -> 0;
        };
        return new MarkRule(family == SocketOptions.AF_INET ? IpFamily.IPV4 : IpFamily.IPV6, loopback[0],
                markAndMask[0], action, target, priority[0], protocol[0]);
    }

    private static int octet(ByteBuffer value) {
        return value.hasRemaining() ? value.get(0) & 0xff : 0;
    }

    private static void range(ByteBuffer value, int[] firstAndLast) {
        if (value.remaining() >= 2 * Short.BYTES) {
            firstAndLast[0] = value.getShort(0) & 0xffff;
            firstAndLast[1] = value.getShort(Short.BYTES) & 0xffff;
        }
    }

    private static @Nullable Route route(ByteBuffer body) {
        if (body.remaining() < ROUTE_BYTES) {
            return null;
        }
        int family = body.get(0) & 0xff;
        int prefixLength = body.get(1) & 0xff;
        if (family != SocketOptions.AF_INET && family != SocketOptions.AF_INET6) {
            return null;
        }
        int[] table = {body.get(4) & 0xff};
        int[] link = {0};
        byte[][] destination = {new byte[family == SocketOptions.AF_INET ? 4 : 16]};
        List<InetAddress> gateways = new ArrayList<>();
        attributes(body.slice(ROUTE_BYTES, body.remaining() - ROUTE_BYTES).order(body.order()), (type, value) -> {
            switch (type) {
                case RTA_DST -> {
                    if (value.remaining() == destination[0].length) {
                        value.get(destination[0]);
                    }
                }
                case RTA_OIF -> link[0] = number(value);
                case RTA_TABLE -> table[0] = number(value);
                case RTA_GATEWAY, RTA_VIA -> gateway(type, value, gateways);
                case RTA_MULTIPATH -> nextHops(value, gateways);
                default -> {
                    // Priorities, metrics and the like.
                }
            }
        });
        InetAddress network = address(destination[0]);
        // Java makes an IPv4 address of an IPv4-mapped one: some systems refuse ::ffff:0.0.0.0/96 by a route.
        if (prefixLength > destination[0].length * 8 || network.getAddress().length != destination[0].length) {
            return null;
        }
        return new Route(new Cidr(network, prefixLength), table[0], body.get(5) & 0xff,
                body.get(7) & 0xff, link[0], List.copyOf(gateways));
    }

    private static int number(ByteBuffer value) {
        return value.remaining() < Integer.BYTES ? 0 : value.getInt(0);
    }

    private static void gateway(int type, ByteBuffer value, List<InetAddress> gateways) {
        if (type == RTA_VIA && value.remaining() > Short.BYTES) {
            value.getShort(); // the address family
        }
        if (value.remaining() == 4 || value.remaining() == 16) {
            byte[] octets = new byte[value.remaining()];
            value.get(octets);
            gateways.add(address(octets));
        }
    }

    private static void nextHops(ByteBuffer in, List<InetAddress> gateways) {
        while (in.remaining() >= RTNH_BYTES) {
            int start = in.position();
            int length = in.getShort(start) & 0xffff;
            if (length < RTNH_BYTES || length > in.remaining()) {
                return;
            }
            attributes(in.slice(start + RTNH_BYTES, length - RTNH_BYTES).order(in.order()), (type, value) -> {
                if (type == RTA_GATEWAY || type == RTA_VIA) {
                    gateway(type, value, gateways);
                }
            });
            in.position(Math.min(in.limit(), start + align(length)));
        }
    }

    private interface Attribute {
        void is(int type, ByteBuffer value);
    }

    private static void attributes(ByteBuffer in, Attribute each) {
        while (in.remaining() >= 4) {
            int start = in.position();
            int length = in.getShort(start) & 0xffff;
            if (length < 4 || length > in.remaining()) {
                return;
            }
            int type = in.getShort(start + 2) & 0x3fff;
            each.is(type, in.slice(start + 4, length - 4).order(in.order()));
            in.position(Math.min(in.limit(), start + align(length)));
        }
    }

    private static int align(int length) {
        return length + 3 & ~3;
    }

    private static InetAddress address(byte[] octets) {
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
