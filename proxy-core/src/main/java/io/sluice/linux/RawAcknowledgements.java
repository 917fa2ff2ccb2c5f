package io.sluice.linux;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sends TCP segments without data that are not of any socket of this machine (raw(7), needs CAP_NET_RAW): a peer learns
 * from one how much it may send. For one thread, which does not wait.
 */
public final class RawAcknowledgements implements Closeable {

    private static final int IPPROTO_RAW = 255;
    private static final int IPV4_HEADER_BYTES = 20;
    private static final int IPV6_HEADER_BYTES = 40;
    private static final int SEGMENT_BYTES = 20;
    private static final int TCP_CHECKSUM = 16;
    private static final int IPV4_CHECKSUM = 10;
    private static final int HOP_LIMIT = 64;
    private static final int IPV4_ADDRESS_BYTES = 16;
    private static final int IPV6_ADDRESS_BYTES = 28;

    private final TcpCalls calls;
    private final int four;
    private final int six;
    private final MemorySegment packet = Arena.ofAuto().allocate(IPV6_HEADER_BYTES + SEGMENT_BYTES, Long.BYTES);
    private final MemorySegment address = Arena.ofAuto().allocate(IPV6_ADDRESS_BYTES, Long.BYTES);
    /** struct iovec. */
    private final MemorySegment content = Arena.ofAuto().allocate(16, Long.BYTES);
    /** struct msghdr. */
    private final MemorySegment message = Arena.ofAuto().allocate(56, Long.BYTES);

    private RawAcknowledgements(TcpCalls calls, int four, int six) {
        this.calls = calls;
        this.four = four;
        this.six = six;
    }

    /**
     * Opens the sockets.
     *
     * @param calls of the thread that is to send
     * @param mark of the packets (SO_MARK, socket(7))
     * @throws IOException if this user may not
     */
    public static RawAcknowledgements open(TcpCalls calls, int mark) throws IOException {
        int four = socket(SocketOptions.AF_INET, mark);
        try {
            return new RawAcknowledgements(calls, four, socket(SocketOptions.AF_INET6, mark));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EAFNOSUPPORT) {
                return new RawAcknowledgements(calls, four, -1);
            }
            SystemCalls.close(four);
            throw e;
        }
    }

    private static int socket(int family, int mark) throws IOException {
        int fd = SystemCalls.socket(family,
                SocketOptions.SOCK_RAW | SocketOptions.SOCK_CLOEXEC | SocketOptions.SOCK_NONBLOCK, IPPROTO_RAW);
        try (Arena arena = Arena.ofConfined()) {
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK,
                    arena.allocateFrom(ValueLayout.JAVA_INT, mark));
            return fd;
        } catch (IOException e) {
            SystemCalls.close(fd);
            throw e;
        }
    }

    /**
     * Sends one.
     *
     * @param from         the sender that it names, of the same family as {@code to}
     * @param sequence     the number of the next byte of {@code from}
     * @param acknowledged the number of the next byte that {@code from} expects
     * @param window       how much {@code from} takes, shifted as the two have agreed; at most 65,535
     */
    public void send(InetSocketAddress from, InetSocketAddress to, int sequence, int acknowledged, int window)
            throws IOException {
        ByteBuffer bytes = packet.asByteBuffer().order(ByteOrder.BIG_ENDIAN);
        write(bytes, from, to, sequence, acknowledged, window);
        boolean ipv4 = to.getAddress() instanceof Inet4Address;
        address.fill((byte) 0);
        ByteBuffer name = address.asByteBuffer().order(ByteOrder.nativeOrder());
        name.putShort((short) (ipv4 ? SocketOptions.AF_INET : SocketOptions.AF_INET6));
        name.position(ipv4 ? 4 : 8).put(to.getAddress().getAddress());
        content.set(ValueLayout.JAVA_LONG, 0, packet.address());
        content.set(ValueLayout.JAVA_LONG, 8, bytes.position());
        message.set(ValueLayout.JAVA_LONG, 0, address.address());
        message.set(ValueLayout.JAVA_INT, 8, ipv4 ? IPV4_ADDRESS_BYTES : IPV6_ADDRESS_BYTES);
        message.set(ValueLayout.JAVA_LONG, 16, content.address());
        message.set(ValueLayout.JAVA_LONG, 24, 1);
        calls.sendMessage(ipv4 ? four : six, message.address());
    }

    /** Writes the packet from the beginning of {@code out}, which is in network byte order. */
    static void write(ByteBuffer out, InetSocketAddress from, InetSocketAddress to, int sequence, int acknowledged,
            int window) {
        byte[] source = from.getAddress().getAddress();
        byte[] destination = to.getAddress().getAddress();
        out.clear();
        if (source.length == 4) {
            out.put((byte) 0x45).put((byte) 0).putShort((short) (IPV4_HEADER_BYTES + SEGMENT_BYTES)).putShort((short) 0)
                    .putShort((short) 0x4000).put((byte) HOP_LIMIT).put((byte) SocketOptions.IPPROTO_TCP)
                    .putShort((short) 0).put(source).put(destination);
            out.putShort(IPV4_CHECKSUM, checksum(sum(out, 0, IPV4_HEADER_BYTES)));
        } else {
            out.putInt(0x6000_0000).putShort((short) SEGMENT_BYTES).put((byte) SocketOptions.IPPROTO_TCP)
                    .put((byte) HOP_LIMIT).put(source).put(destination);
        }
        int segment = out.position();
        out.putShort((short) from.getPort()).putShort((short) to.getPort()).putInt(sequence).putInt(acknowledged)
                .putShort((short) 0x5010).putShort((short) window).putShort((short) 0).putShort((short) 0);
        int addresses = segment - 2 * source.length;
        out.putShort(segment + TCP_CHECKSUM, checksum(sum(out, addresses, out.position())
                + SocketOptions.IPPROTO_TCP + SEGMENT_BYTES));
    }

    private static int sum(ByteBuffer bytes, int from, int to) {
        int sum = 0;
        for (int i = from; i < to; i += 2) {
            sum += Short.toUnsignedInt(bytes.getShort(i));
        }
        return sum;
    }

    private static short checksum(int sum) {
        int folded = (sum & 0xffff) + (sum >>> 16);
        return (short) ~(folded + (folded >>> 16));
    }

    @Override
    public void close() throws IOException {
        SystemCalls.close(four);
        if (six >= 0) {
            SystemCalls.close(six);
        }
    }
}
