package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/**
 * Datagrams that are received and sent with one system call: recvmmsg(2) and sendmmsg(2), and the memory for them. Received
 * datagrams can be sent without a copy. Lives on one event loop; a call allocates nothing.
 */
public final class DatagramBatch {

    /** The length of the longest datagram. */
    public static final int DATAGRAM_BYTES = 65_536;

    private static final MethodHandle RECVMMSG = Libc.quickFunction("recvmmsg");
    private static final MethodHandle SENDMMSG = Libc.quickFunction("sendmmsg");

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfInt NETWORK_INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong NETWORK_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfShort PORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    /** IPv4-mapped, RFC 4291 2.5.5.2. */
    private static final long MAPPED = 0xFFFF_0000_0000L;

    // struct mmsghdr: a struct msghdr, and the length of the received datagram.
    private static final int HEADER_BYTES = 64;
    private static final int NAME = 0;
    private static final int NAME_LENGTH = 8;
    private static final int VECTOR = 16;
    private static final int VECTORS = 24;
    private static final int CONTROL = 32;
    private static final int CONTROL_LENGTH = 40;
    private static final int FLAGS = 48;
    private static final int LENGTH = 56;
    // struct iovec
    private static final int VECTOR_BYTES = 16;
    /** sockaddr_in6(7) takes 28. */
    private static final int NAME_BYTES = 32;
    private static final int IPV4_NAME_BYTES = 16;
    private static final int IPV6_NAME_BYTES = 28;
    /** One control message with an address; struct cmsghdr takes 16. */
    private static final int CONTROL_BYTES = 64;
    private static final int CONTROL_DATA = 16;
    /** One control message with two bytes: its length, and the room that it takes. */
    private static final int SEGMENT_MESSAGE_BYTES = CONTROL_DATA + Short.BYTES;
    private static final int SEGMENT_MESSAGE_SPACE = 24;
    /** UDP_MAX_SEGMENTS. */
    private static final int MOST_SEGMENTS = 64;
    private static final int MOST_SEGMENTED_BYTES = 65_000;
    /** Pages apart, and not all in the same sets of the processor's caches. */
    private static final int STRIDE = DATAGRAM_BYTES + 4096 + 64;

    private final int capacity;
    private final boolean named;
    private final boolean controlled;
    private final MemorySegment headers;
    private final MemorySegment vectors;
    private final MemorySegment names;
    private final MemorySegment control;
    private final MemorySegment bytes;
    private final MemorySegment state;

    /**
     * A batch with room for {@code capacity} datagrams.
     *
     * @param named      whether the kernel writes the sender of each datagram
     * @param controlled whether the kernel writes the original destination of each datagram, for a transparent socket
     */
    public DatagramBatch(int capacity, boolean named, boolean controlled) {
        this.capacity = capacity;
        this.named = named;
        this.controlled = controlled;
        Arena arena = Arena.ofAuto();
        headers = arena.allocate((long) capacity * HEADER_BYTES, Long.BYTES);
        vectors = arena.allocate((long) capacity * VECTOR_BYTES, Long.BYTES);
        names = arena.allocate((long) capacity * NAME_BYTES, Long.BYTES);
        control = arena.allocate((long) capacity * CONTROL_BYTES, Long.BYTES);
        bytes = RingCalls.lazyMemory((long) capacity * STRIDE);
        state = arena.allocate(Libc.STATE);
        for (int i = 0; i < capacity; i++) {
            headers.set(LONG, header(i) + VECTOR, vectors.address() + (long) i * VECTOR_BYTES);
            headers.set(LONG, header(i) + VECTORS, 1);
            vectors.set(LONG, (long) i * VECTOR_BYTES, address(i));
        }
        reset(0, capacity);
    }

    public int capacity() {
        return capacity;
    }

    /** Makes the places from {@code first} on ready to receive; has to be called for used ones. */
    public void reset(int first, int count) {
        for (int i = first; i < first + count; i++) {
            long header = header(i);
            headers.set(LONG, header + NAME, named ? names.address() + (long) i * NAME_BYTES : 0);
            headers.set(INT, header + NAME_LENGTH, named ? NAME_BYTES : 0);
            headers.set(LONG, header + VECTORS, 1);
            headers.set(LONG, header + CONTROL, controlled ? control.address() + (long) i * CONTROL_BYTES : 0);
            headers.set(LONG, header + CONTROL_LENGTH, controlled ? CONTROL_BYTES : 0);
            vectors.set(LONG, (long) i * VECTOR_BYTES + Long.BYTES, DATAGRAM_BYTES);
        }
    }

    /** Receives up to {@code most} datagrams into the places from {@code first} on; an error as its negative number. */
    public int receive(int fd, int first, int most) {
        return call(RECVMMSG, fd, first, most, SocketOptions.MSG_DONTWAIT);
    }

    /**
     * Sends {@code count} datagrams from {@code first} on; how many the kernel took, or an error as its negative number.
     */
    public int send(int fd, int first, int count) {
        return call(SENDMMSG, fd, first, count, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_NOSIGNAL);
    }

    /**
     * How many datagrams from {@code place} on {@link #sendRun} sends at once: of or to the same socket, each as long as
     * the first, but the last, which may be shorter.
     *
     * @param end the first place that does not count
     */
    public int run(int place, int end) {
        int length = length(place);
        int total = length;
        int count = 1;
        while (length > 0 && place + count < end && count < MOST_SEGMENTS && sameName(place, place + count)) {
            int next = length(place + count);
            total += next;
            if (next > length || next == 0 || total > MOST_SEGMENTED_BYTES) {
                break;
            }
            count++;
            if (next < length) {
                break;
            }
        }
        return count;
    }

    private boolean sameName(int a, int b) {
        for (long at = 0; at < IPV6_NAME_BYTES; at += Integer.BYTES) {
            if (names.get(INT, name(a) + at) != names.get(INT, name(b) + at)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Sends a {@link #run} of datagrams as one, which the kernel, or the network card, segments (UDP_SEGMENT, udp(7)).
     *
     * @param connected whether the socket is connected to their destination; else {@link #sendTo} has addressed them
     * @return 1, or an error as its negative number: the kernel sent none, and each may be sent on its own
     */
    public int sendRun(int fd, int first, int count, boolean connected) {
        long header = header(first);
        for (int i = first; i < first + count; i++) {
            vectors.set(LONG, (long) i * VECTOR_BYTES + Long.BYTES, length(i));
        }
        long message = (long) first * CONTROL_BYTES;
        control.set(LONG, message, SEGMENT_MESSAGE_BYTES);
        control.set(INT, message + 8, SocketOptions.SOL_UDP);
        control.set(INT, message + 12, SocketOptions.UDP_SEGMENT);
        control.set(ValueLayout.JAVA_SHORT, message + CONTROL_DATA, (short) length(first));
        if (connected) {
            headers.set(LONG, header + NAME, 0);
            headers.set(INT, header + NAME_LENGTH, 0);
        }
        headers.set(LONG, header + VECTORS, count);
        headers.set(LONG, header + CONTROL, control.address() + message);
        headers.set(LONG, header + CONTROL_LENGTH, SEGMENT_MESSAGE_SPACE);
        int length = length(first);
        int result = send(fd, first, 1);
        // The kernel has written the length of all of them there.
        headers.set(INT, header + LENGTH, length);
        headers.set(LONG, header + VECTORS, 1);
        headers.set(LONG, header + CONTROL, 0);
        headers.set(LONG, header + CONTROL_LENGTH, 0);
        return result;
    }

    private int call(MethodHandle function, int fd, int first, int count, int flags) {
        int result;
        try {
            result = (int) (long) function.invokeExact(state, (long) fd, headers.address() + header(first),
                    (long) count, (long) flags, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        return result < 0 ? -Libc.errno(state) : result;
    }

    /** The length of a received datagram. */
    public int length(int place) {
        return headers.get(INT, header(place) + LENGTH);
    }

    /** The address of its bytes in memory. */
    public long address(int place) {
        return bytes.address() + (long) place * STRIDE;
    }

    /** Copies its bytes. */
    public byte[] copy(int place) {
        byte[] copy = new byte[length(place)];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, (long) place * STRIDE, copy, 0, copy.length);
        return copy;
    }

    /** Copies bytes to a place; returns their address in memory. */
    public long put(int place, byte[] datagram) {
        MemorySegment.copy(datagram, 0, bytes, ValueLayout.JAVA_BYTE, (long) place * STRIDE, datagram.length);
        return address(place);
    }

    /** The first half of the sender's address; IPv4 addresses are mapped. */
    public long senderHigh(int place) {
        return high(names, name(place));
    }

    /** The second half of the sender's address. */
    public long senderLow(int place) {
        return low(names, name(place));
    }

    /** The sender's port. */
    public int senderPort(int place) {
        return Short.toUnsignedInt(names.get(PORT, name(place) + 2));
    }

    /** The interface of the sender's address if that is link-local; else 0. */
    public int senderScope(int place) {
        return isIpv4(names, name(place)) ? 0 : names.get(INT, name(place) + 24);
    }

    /** Fills {@code into} with its original destination, if the kernel wrote it (IP_RECVORIGDSTADDR, ip(7)); else false. */
    public boolean meantFor(int place, SocketName into) {
        long message = (long) place * CONTROL_BYTES;
        if (headers.get(LONG, header(place) + CONTROL_LENGTH) < CONTROL_DATA + IPV4_NAME_BYTES) {
            return false;
        }
        int level = control.get(INT, message + 8);
        int type = control.get(INT, message + 12);
        if (!(level == SocketOptions.IPPROTO_IP && type == SocketOptions.IP_RECVORIGDSTADDR
                || level == SocketOptions.IPPROTO_IPV6 && type == SocketOptions.IPV6_RECVORIGDSTADDR)) {
            return false;
        }
        long name = message + CONTROL_DATA;
        into.set(high(control, name), low(control, name), Short.toUnsignedInt(control.get(PORT, name + 2)));
        return true;
    }

    /** Addresses a received datagram, to send it on without a copy; an address that is not IPv4-mapped is IPv6. */
    public void sendTo(int place, long high, long low, int port, int scope) {
        long name = name(place);
        boolean ipv4 = high == 0 && (low & ~0xFFFF_FFFFL) == MAPPED;
        names.set(FAMILY, name, (short) (ipv4 ? SocketOptions.AF_INET : SocketOptions.AF_INET6));
        names.set(PORT, name + 2, (short) port);
        if (ipv4) {
            names.set(NETWORK_INT, name + 4, (int) low);
            names.set(LONG, name + 8, 0);
        } else {
            names.set(INT, name + 4, 0);
            names.set(NETWORK_LONG, name + 8, high);
            names.set(NETWORK_LONG, name + 16, low);
            names.set(INT, name + 24, scope);
        }
        headers.set(LONG, header(place) + NAME, names.address() + name);
        headers.set(INT, header(place) + NAME_LENGTH, ipv4 ? IPV4_NAME_BYTES : IPV6_NAME_BYTES);
        headers.set(LONG, header(place) + CONTROL, 0);
        headers.set(LONG, header(place) + CONTROL_LENGTH, 0);
        headers.set(INT, header(place) + FLAGS, 0);
        vectors.set(LONG, (long) place * VECTOR_BYTES + Long.BYTES, length(place));
    }

    private static boolean isIpv4(MemorySegment in, long name) {
        return in.get(FAMILY, name) == SocketOptions.AF_INET;
    }

    private static long high(MemorySegment in, long name) {
        return isIpv4(in, name) ? 0 : in.get(NETWORK_LONG, name + 8);
    }

    private static long low(MemorySegment in, long name) {
        return isIpv4(in, name) ? MAPPED | Integer.toUnsignedLong(in.get(NETWORK_INT, name + 4))
                : in.get(NETWORK_LONG, name + 16);
    }

    private static long header(int place) {
        return (long) place * HEADER_BYTES;
    }

    private static long name(int place) {
        return (long) place * NAME_BYTES;
    }
}
