package io.sluice.netlink;

import io.sluice.linux.SocketOptions;
import io.sluice.netlink.TrackedConnection.Count;
import io.sluice.netlink.TrackedConnection.State;
import io.sluice.netlink.TrackedConnection.Tuple;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Messages of ctnetlink (linux/netfilter/nfnetlink_conntrack.h), for TCP: headers in host byte order, values in network byte
 * order. Pure.
 */
final class ConntrackMessages {

    /** The longest message that is written here, for IPv6. */
    static final int LONGEST_BYTES = 640;

    private static final int SUBSYSTEM = 1;
    private static final int NEW = 0;
    private static final int GET = 1;
    private static final int DELETE = 2;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_EXCL = 0x200;
    private static final int NLM_F_DUMP = 0x300;
    private static final int NLM_F_CREATE = 0x400;
    private static final int NLA_F_NESTED = 0x8000;
    private static final int NLA_TYPE_MASK = 0x3fff;
    private static final int HEADER_BYTES = 16;
    private static final int FAMILY_BYTES = 4;
    private static final int ATTRIBUTE_BYTES = 4;

    private static final int CTA_TUPLE_ORIG = 1;
    private static final int CTA_TUPLE_REPLY = 2;
    private static final int CTA_STATUS = 3;
    private static final int CTA_PROTOINFO = 4;
    private static final int CTA_NAT_SRC = 6;
    private static final int CTA_TIMEOUT = 7;
    private static final int CTA_MARK = 8;
    private static final int CTA_COUNTERS_ORIG = 9;
    private static final int CTA_COUNTERS_REPLY = 10;
    private static final int CTA_NAT_DST = 13;
    private static final int CTA_SEQ_ADJ_ORIG = 15;
    private static final int CTA_SEQ_ADJ_REPLY = 16;
    private static final int CTA_MARK_MASK = 21;

    /** Seen both ways, and not to be forgotten first when the table is full (IPS_SEEN_REPLY, IPS_ASSURED, IPS_CONFIRMED). */
    private static final int STATUS = 2 | 4 | 8;
    private static final byte TCP_CONNTRACK_ESTABLISHED = 3;
    private static final byte TCP_CONNTRACK_FIN_WAIT = 4;
    private static final byte TCP_CONNTRACK_CLOSE_WAIT = 5;
    private static final byte TCP_CONNTRACK_LAST_ACK = 6;
    private static final byte TCP_CONNTRACK_TIME_WAIT = 7;
    private static final byte TCP_CONNTRACK_CLOSE = 8;
    /** The kernel does not judge sequence numbers, of which it has seen none (IP_CT_TCP_FLAG_BE_LIBERAL). */
    private static final byte BE_LIBERAL = 8;

    /** What the kernel answers. */
    enum Answer {
        /** Each message. */
        ALWAYS(NLM_F_ACK),
        /** Only one that it refuses. */
        REFUSAL(0);

        private final int flag;

        Answer(int flag) {
            this.flag = flag;
        }
    }

    private final ByteBuffer out;
    private int sequence;
    private int began;

    /** @param out in host byte order */
    ConntrackMessages(ByteBuffer out) {
        this(out, 1);
    }

    /** @param first the number of the first message */
    ConntrackMessages(ByteBuffer out, int first) {
        this.out = out;
        this.sequence = first - 1;
    }

    /** The number of the next message. */
    int next() {
        return sequence + 1;
    }

    /** Asks for one connection, which is the answer; returns the number of the message. */
    int get(Tuple original) {
        begin(GET, NLM_F_REQUEST, original.source().getAddress());
        tuple(CTA_TUPLE_ORIG, original);
        return end();
    }

    /** Makes the kernel forget one; returns the number of the message. */
    int delete(Tuple original, Answer answer) {
        begin(DELETE, NLM_F_REQUEST | answer.flag, original.source().getAddress());
        tuple(CTA_TUPLE_ORIG, original);
        return end();
    }

    /** Makes it forget those whose mark has exactly the bits {@code mark} of {@code mask}; 0 and 0 for all. */
    int deleteAll(int mark, int mask) {
        all(DELETE, NLM_F_REQUEST | NLM_F_ACK);
        if (mask != 0) {
            number(CTA_MARK, mark);
            number(CTA_MARK_MASK, mask);
        }
        return end();
    }

    /** Changes the mark of one; returns the number of the message. */
    int mark(Tuple original, int mark) {
        begin(NEW, NLM_F_REQUEST | NLM_F_ACK, original.source().getAddress());
        tuple(CTA_TUPLE_ORIG, original);
        number(CTA_MARK, mark);
        return end();
    }

    /** Changes after how many seconds the kernel forgets one; returns the number of the message. */
    int keep(Tuple original, int seconds) {
        begin(NEW, NLM_F_REQUEST | NLM_F_ACK, original.source().getAddress());
        tuple(CTA_TUPLE_ORIG, original);
        number(CTA_TIMEOUT, seconds);
        return end();
    }

    /** Makes one that is established; returns the number of the message. */
    int create(NewConnection made, Answer answer) {
        begin(NEW, NLM_F_REQUEST | answer.flag | NLM_F_CREATE | NLM_F_EXCL, made.original().source().getAddress());
        tuple(CTA_TUPLE_ORIG, made.original());
        tuple(CTA_TUPLE_REPLY, made.original().reversed());
        if (made.source() != null) {
            translation(CTA_NAT_SRC, made.source());
        }
        if (made.target() != null) {
            translation(CTA_NAT_DST, made.target());
        }
        int protocol = nest(CTA_PROTOINFO);
        int tcp = nest(1);
        octets(1, TCP_CONNTRACK_ESTABLISHED);
        octets(4, BE_LIBERAL, BE_LIBERAL);
        octets(5, BE_LIBERAL, BE_LIBERAL);
        unnest(tcp);
        unnest(protocol);
        number(CTA_STATUS, STATUS);
        number(CTA_TIMEOUT, made.timeoutSeconds());
        number(CTA_MARK, made.mark());
        if (made.toTarget() != 0 || made.toClient() != 0) {
            adjustment(CTA_SEQ_ADJ_ORIG, made.toTarget());
            adjustment(CTA_SEQ_ADJ_REPLY, made.toClient());
        }
        return end();
    }

    /** Asks for all whose mark has exactly the bits {@code mark} of {@code mask}; returns the number of the message. */
    int list(int mark, int mask) {
        all(GET, NLM_F_REQUEST | NLM_F_DUMP);
        number(CTA_MARK, mark);
        number(CTA_MARK_MASK, mask);
        return end();
    }

    private void all(int command, int flags) {
        began = out.position();
        out.putInt(0).putShort((short) (SUBSYSTEM << 8 | command)).putShort((short) flags).putInt(++sequence).putInt(0)
                .putInt(0); // nfgenmsg: all families
    }

    private void begin(int command, int flags, InetAddress address) {
        began = out.position();
        out.putInt(0).putShort((short) (SUBSYSTEM << 8 | command)).putShort((short) flags).putInt(++sequence).putInt(0);
        out.put((byte) (address instanceof Inet4Address ? SocketOptions.AF_INET : SocketOptions.AF_INET6)).put((byte) 0)
                .putShort((short) 0);
    }

    private int end() {
        out.putInt(began, out.position() - began);
        return sequence;
    }

    private int nest(int type) {
        int at = out.position();
        out.putShort((short) 0).putShort((short) (type | NLA_F_NESTED));
        return at;
    }

    private void unnest(int at) {
        out.putShort(at, (short) (out.position() - at));
    }

    private void octets(int type, byte... value) {
        out.putShort((short) (ATTRIBUTE_BYTES + value.length)).putShort((short) type).put(value);
        while ((out.position() - began) % 4 != 0) {
            out.put((byte) 0);
        }
    }

    private void number(int type, int value) {
        octets(type, (byte) (value >> 24), (byte) (value >> 16), (byte) (value >> 8), (byte) value);
    }

    private void port(int type, int port) {
        octets(type, (byte) (port >> 8), (byte) port);
    }

    private void tuple(int type, Tuple tuple) {
        boolean ipv4 = tuple.source().getAddress() instanceof Inet4Address;
        int all = nest(type);
        int addresses = nest(1);
        octets(ipv4 ? 1 : 3, tuple.source().getAddress().getAddress());
        octets(ipv4 ? 2 : 4, tuple.destination().getAddress().getAddress());
        unnest(addresses);
        int protocol = nest(2);
        octets(1, (byte) SocketOptions.IPPROTO_TCP);
        port(2, tuple.source().getPort());
        port(3, tuple.destination().getPort());
        unnest(protocol);
        unnest(all);
    }

    private void translation(int type, InetSocketAddress to) {
        byte[] address = to.getAddress().getAddress();
        int all = nest(type);
        octets(address.length == 4 ? 1 : 4, address);
        octets(address.length == 4 ? 2 : 5, address);
        int protocol = nest(3);
        port(1, to.getPort());
        port(2, to.getPort());
        unnest(protocol);
        unnest(all);
    }

    private void adjustment(int type, int offset) {
        int all = nest(type);
        number(1, 0);
        number(2, offset);
        number(3, offset);
        unnest(all);
    }

    /**
     * Reads the message that begins at the position of {@code in}, of which it is long enough; null unless it is about a TCP
     * connection.
     *
     * @param in in host byte order
     */
    static @Nullable TrackedConnection read(ByteBuffer in, int length) {
        Reader reader = new Reader();
        reader.attributes(in, in.position() + HEADER_BYTES + FAMILY_BYTES, in.position() + length, reader::connection);
        Tuple original = reader.original.tuple();
        Tuple reply = reader.reply.tuple();
        return original == null || reply == null
                ? null
                : new TrackedConnection(original, reply, reader.mark, reader.state, reader.timeout, reader.fromClient,
                        reader.fromBackend);
    }

    /** Whether a message of this type is about a connection. */
    static boolean isConnection(int type) {
        return type >>> 8 == SUBSYSTEM;
    }

    /** The parts of a tuple as they come. */
    private static final class TupleParts {
        private @Nullable InetAddress source;
        private @Nullable InetAddress destination;
        private int protocol;
        private int sourcePort;
        private int destinationPort;

        @Nullable
        Tuple tuple() {
            return source == null || destination == null || protocol != SocketOptions.IPPROTO_TCP
                    ? null
                    : new Tuple(new InetSocketAddress(source, sourcePort),
                            new InetSocketAddress(destination, destinationPort));
        }
    }

    /** Reads attributes of attributes; what it does not know, and what is too short, is passed over. */
    private static final class Reader {

        private final TupleParts original = new TupleParts();
        private final TupleParts reply = new TupleParts();
        private int mark;
        private State state = State.ESTABLISHED;
        private long timeout;
        private Count fromClient = Count.NONE;
        private Count fromBackend = Count.NONE;

        private interface EachAttribute {
            void attribute(int type, ByteBuffer in, int from, int to);
        }

        private void attributes(ByteBuffer in, int from, int to, EachAttribute each) {
            int at = from;
            while (at + ATTRIBUTE_BYTES <= to) {
                int length = Short.toUnsignedInt(in.getShort(at));
                if (length < ATTRIBUTE_BYTES || at + length > to) {
                    return;
                }
                each.attribute(in.getShort(at + 2) & NLA_TYPE_MASK, in, at + ATTRIBUTE_BYTES, at + length);
                at += length + 3 & ~3;
            }
        }

        private void connection(int type, ByteBuffer in, int from, int to) {
            switch (type) {
                case CTA_TUPLE_ORIG -> tuple(original, in, from, to);
                case CTA_TUPLE_REPLY -> tuple(reply, in, from, to);
                case CTA_PROTOINFO -> attributes(in, from, to,
                        (tcp, a, b, c) -> attributes(a, b, c, this::protocol));
                case CTA_TIMEOUT -> timeout = Integer.toUnsignedLong((int) big(in, from, to, Integer.BYTES));
                case CTA_MARK -> mark = (int) big(in, from, to, Integer.BYTES);
                case CTA_COUNTERS_ORIG -> fromClient = count(in, from, to);
                case CTA_COUNTERS_REPLY -> fromBackend = count(in, from, to);
                default -> {
                }
            }
        }

        private void protocol(int type, ByteBuffer in, int from, int to) {
            if (type == 1 && to > from) {
                state = switch (in.get(from)) {
                    case TCP_CONNTRACK_LAST_ACK -> State.FINISHING;
                    case TCP_CONNTRACK_FIN_WAIT, TCP_CONNTRACK_CLOSE_WAIT -> State.HALF_CLOSED;
                    case TCP_CONNTRACK_TIME_WAIT -> State.FINISHED;
                    case TCP_CONNTRACK_CLOSE -> State.RESET;
                    default -> State.ESTABLISHED;
                };
            }
        }

        private Count count(ByteBuffer counters, int begin, int end) {
            long[] both = new long[2];
            attributes(counters, begin, end, (type, in, from, to) -> {
                if (type == 1 || type == 2) {
                    both[type - 1] = big(in, from, to, Long.BYTES);
                }
            });
            return new Count(both[0], both[1]);
        }

        private void tuple(TupleParts parts, ByteBuffer tuple, int begin, int end) {
            attributes(tuple, begin, end, (group, all, first, last) -> attributes(all, first, last,
                    (type, in, from, to) -> {
                        if (group == 1) {
                            address(parts, type, in, from, to);
                        } else if (group == 2 && type == 1 && to > from) {
                            parts.protocol = in.get(from);
                        } else if (group == 2 && type == 2) {
                            parts.sourcePort = (int) big(in, from, to, Short.BYTES);
                        } else if (group == 2 && type == 3) {
                            parts.destinationPort = (int) big(in, from, to, Short.BYTES);
                        }
                    }));
        }

        private static void address(TupleParts parts, int type, ByteBuffer in, int from, int to) {
            if (to - from != 4 && to - from != 16) {
                return;
            }
            byte[] octets = new byte[to - from];
            in.get(from, octets);
            InetAddress address = ofOctets(octets);
            if (type == 1 || type == 3) {
                parts.source = address;
            } else if (type == 2 || type == 4) {
                parts.destination = address;
            }
        }

        private static InetAddress ofOctets(byte[] octets) {
            try {
                return InetAddress.getByAddress(octets);
            } catch (UnknownHostException e) {
                throw new IllegalStateException("4 or 16 octets are an address", e);
            }
        }

        /** A number in network byte order; 0 if it has another length. */
        private static long big(ByteBuffer in, int from, int to, int bytes) {
            if (to - from != bytes) {
                return 0;
            }
            long value = 0;
            for (int i = from; i < to; i++) {
                value = value << 8 | Byte.toUnsignedLong(in.get(i));
            }
            return value;
        }
    }

    /** A buffer for {@code messages} of the longest. */
    static ByteBuffer buffer(int messages) {
        return ByteBuffer.allocateDirect(messages * LONGEST_BYTES).order(ByteOrder.nativeOrder());
    }

    /** What is done with a message of the kernel. */
    interface Each {
        /**
         * Reads one.
         *
         * @param number of the message that it answers
         * @param in     at its beginning, at least {@code length} long
         */
        void message(int type, int number, ByteBuffer in, int length);
    }

    /** Reads the messages between position and limit, as far as they are whole. */
    static void each(ByteBuffer in, Each each) {
        while (in.remaining() >= HEADER_BYTES) {
            int at = in.position();
            int length = in.getInt(at);
            if (length < HEADER_BYTES || length > in.remaining()) {
                return;
            }
            each.message(Short.toUnsignedInt(in.getShort(at + 4)), in.getInt(at + 8), in, length);
            in.position(at + Math.min(length + 3 & ~3, in.remaining()));
        }
    }

    /** Whether a message of this type ends an answer. */
    static boolean isEnd(int type) {
        return type == RouteMessages.NLMSG_ERROR || type == RouteMessages.NLMSG_DONE;
    }

    /** The error number of one that ends an answer; 0 for none. */
    static int error(ByteBuffer message, int length) {
        return length < HEADER_BYTES + Integer.BYTES ? 0 : -message.getInt(message.position() + HEADER_BYTES);
    }
}
