package io.sluice.node;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The form of rtnetlink(7) messages, as far as routes need it. Pure. */
final class RouteMessages {

    static final int NLMSG_ERROR = 2;
    static final int NLMSG_DONE = 3;
    static final int RTM_NEWLINK = 16;
    static final int RTM_DELLINK = 17;
    static final int RTM_NEWADDR = 20;
    static final int RTM_DELADDR = 21;
    static final int RTM_NEWROUTE = 24;
    static final int RTM_DELROUTE = 25;
    static final int RTM_GETROUTE = 26;

    static final int TABLE_MAIN = 254;
    static final int TABLE_LOCAL = 255;
    static final int TYPE_UNICAST = 1;
    static final int TYPE_LOCAL = 2;

    private static final int HEADER_BYTES = 16;
    private static final int ROUTE_BYTES = 12;
    private static final int SCOPE_HOST = 254;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_EXCL = 0x200;
    private static final int NLM_F_CREATE = 0x400;
    private static final int NLM_F_DUMP = 0x300;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_MULTIPATH = 9;
    private static final int RTA_TABLE = 15;
    private static final int RTA_VIA = 18;
    private static final int RTNH_BYTES = 8;

    /** The longest of what {@link #localRoute} writes. */
    static final int LOCAL_ROUTE_BYTES = HEADER_BYTES + ROUTE_BYTES + 4 + 16 + 8;

    private RouteMessages() {}

    /**
     * One message of a datagram.
     *
     * @param error    what an acknowledgement or a failure says, as a positive error number; 0 for success
     * @param link     which interface a message about a link or an address is about, else 0
     * @param route    of a message about a route, else null
     */
    record Message(int type, int sequence, int error, int link, @Nullable Route route) {}

    /**
     * A route.
     *
     * @param link     the interface it leads to; 0 for several or none
     * @param gateways next hops
     */
    record Route(Cidr destination, int table, int protocol, int type, int link, List<InetAddress> gateways) {}

    /** An empty buffer for messages. */
    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }

    /**
     * Appends the order to add or remove {@code local destination dev link proto protocol}, to be acknowledged. An
     * existing route is not replaced.
     */
    static void localRoute(ByteBuffer out, boolean add, int sequence, Cidr destination, int link, int protocol) {
        int start = out.position();
        byte[] address = destination.network().getAddress();
        header(out, add ? RTM_NEWROUTE : RTM_DELROUTE,
                NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0), sequence);
        route(out, address.length == 4 ? SystemCalls.AF_INET : SystemCalls.AF_INET6, destination.prefixLength(),
                TABLE_LOCAL, protocol, SCOPE_HOST, TYPE_LOCAL);
        attribute(out, RTA_DST, address.length).put(address);
        attribute(out, RTA_OIF, Integer.BYTES).putInt(link);
        out.putInt(start, out.position() - start);
    }

    /** Appends the order to list the routes of one table; {@code protocol} 0 for those of all. */
    static void dump(ByteBuffer out, int sequence, IpFamily family, int table, int protocol) {
        int start = out.position();
        header(out, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence);
        route(out, family == IpFamily.IPV4 ? SystemCalls.AF_INET : SystemCalls.AF_INET6, 0, table, protocol, 0, 0);
        out.putInt(start, out.position() - start);
    }

    private static void header(ByteBuffer out, int type, int flags, int sequence) {
        out.putInt(0).putShort((short) type).putShort((short) flags).putInt(sequence).putInt(0);
    }

    private static void route(ByteBuffer out, int family, int prefixLength, int table, int protocol, int scope,
            int type) {
        out.put((byte) family).put((byte) prefixLength).put((byte) 0).put((byte) 0).put((byte) table)
                .put((byte) protocol).put((byte) scope).put((byte) type).putInt(0);
    }

    private static ByteBuffer attribute(ByteBuffer out, int type, int length) {
        return out.putShort((short) (4 + length)).putShort((short) type);
    }

    /** Tells {@code consumer} of each message of a datagram; what is cut off or of no interest is left out. */
    static void read(ByteBuffer in, Consumer<Message> consumer) {
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
            case RTM_NEWROUTE, RTM_DELROUTE -> {
                Route route = route(body);
                yield route == null ? null : new Message(type, sequence, 0, 0, route);
            }
            default -> null;
        };
    }

    private static @Nullable Route route(ByteBuffer body) {
        if (body.remaining() < ROUTE_BYTES) {
            return null;
        }
        int family = body.get(0) & 0xff;
        int prefixLength = body.get(1) & 0xff;
        if (family != SystemCalls.AF_INET && family != SystemCalls.AF_INET6) {
            return null;
        }
        int[] table = {body.get(4) & 0xff};
        int[] link = {0};
        byte[][] destination = {new byte[family == SystemCalls.AF_INET ? 4 : 16]};
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
        if (prefixLength > destination[0].length * 8) {
            return null;
        }
        return new Route(new Cidr(address(destination[0]), prefixLength), table[0], body.get(5) & 0xff,
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
