package io.sluice.handover;

import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Whole messages over a Unix socket ({@code SOCK_SEQPACKET}), with descriptors ({@code SCM_RIGHTS}). */
final class UnixMessages {

    /** The descriptors in one message; the kernel takes 253. */
    static final int DESCRIPTORS = 200;

    private static final int MESSAGE_HEADER_BYTES = 56;
    private static final int CONTROL_HEADER_BYTES = 16;

    /** What came: no bytes when the other side is gone, and descriptors that are the receiver's to close. */
    static final class Received {
        private final byte[] bytes;
        private final List<Integer> descriptors;

        private Received(byte[] bytes, List<Integer> descriptors) {
            this.bytes = bytes;
            this.descriptors = descriptors;
        }

        byte[] bytes() {
            return bytes;
        }

        List<Integer> descriptors() {
            return descriptors;
        }

        /** For descriptors that nobody asked for, or that are not wanted any more. */
        void discard() throws IOException {
            for (int descriptor : descriptors) {
                SystemCalls.close(descriptor);
            }
        }
    }

    private UnixMessages() {}

    /** Two sockets that are connected to each other. */
    static int[] pair() throws IOException {
        return SystemCalls.socketPair(SocketOptions.AF_UNIX,
                SocketOptions.SOCK_SEQPACKET | SocketOptions.SOCK_CLOEXEC);
    }

    /** Lets every wait on {@code fd} end after so long, with {@code EAGAIN}. */
    static void timeout(int fd, int millis) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocateFrom(ValueLayout.JAVA_LONG, millis / 1000, millis % 1000 * 1000L);
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVTIMEO, time);
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_SNDTIMEO, time);
        }
    }

    /**
     * Sends one message.
     *
     * @param descriptors at most {@link #DESCRIPTORS}, which stay open here
     * @throws ErrnoException {@code EAGAIN} after the timeout
     */
    static void send(int fd, byte[] bytes, List<Integer> descriptors, int flags) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = MemorySegment.NULL;
            if (!descriptors.isEmpty()) {
                control = control(arena, descriptors.size());
                control.set(ValueLayout.JAVA_LONG, 0, CONTROL_HEADER_BYTES + (long) descriptors.size() * Integer.BYTES);
                control.set(ValueLayout.JAVA_INT, 8, SocketOptions.SOL_SOCKET);
                control.set(ValueLayout.JAVA_INT, 12, SocketOptions.SCM_RIGHTS);
                for (int i = 0; i < descriptors.size(); i++) {
                    control.set(ValueLayout.JAVA_INT, CONTROL_HEADER_BYTES + (long) i * Integer.BYTES,
                            descriptors.get(i));
                }
            }
            SystemCalls.sendMessage(fd, header(arena, arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), control),
                    SocketOptions.MSG_NOSIGNAL | flags);
        }
    }

    /**
     * The next message.
     *
     * @param most bytes; what is longer is cut
     * @throws ErrnoException {@code EAGAIN} after the timeout
     * @throws IOException    also if this process has no room for all descriptors of the message; then it has none of them
     */
    static Received receive(int fd, int most, int flags) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(most);
            MemorySegment control = control(arena, DESCRIPTORS);
            MemorySegment header = header(arena, data, control);
            long length = SystemCalls.receiveMessage(fd, header, SocketOptions.MSG_CMSG_CLOEXEC | flags);
            List<Integer> descriptors = new ArrayList<>();
            if (header.get(ValueLayout.JAVA_LONG, 40) >= CONTROL_HEADER_BYTES
                    && control.get(ValueLayout.JAVA_INT, 12) == SocketOptions.SCM_RIGHTS) {
                long bytes = control.get(ValueLayout.JAVA_LONG, 0) - CONTROL_HEADER_BYTES;
                for (long i = 0; i < bytes; i += Integer.BYTES) {
                    descriptors.add(control.get(ValueLayout.JAVA_INT, CONTROL_HEADER_BYTES + i));
                }
            }
            Received received = new Received(data.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), descriptors);
            if ((header.get(ValueLayout.JAVA_INT, 48) & SocketOptions.MSG_CTRUNC) != 0) {
                received.discard();
                throw new IOException("this process may not open so many files: raise the limit (ulimit -n,"
                        + " LimitNOFILE=) to that of the other one");
            }
            return received;
        }
    }

    /** struct cmsghdr and room for descriptors, rounded up as CMSG_SPACE(3) does. */
    private static MemorySegment control(Arena arena, int descriptors) {
        return arena.allocate(CONTROL_HEADER_BYTES + (descriptors * Integer.BYTES + 7 & ~7), 8);
    }

    /** struct msghdr over one piece of data. */
    private static MemorySegment header(Arena arena, MemorySegment data, MemorySegment control) {
        MemorySegment vector = arena.allocate(16, 8);
        vector.set(ValueLayout.ADDRESS, 0, data);
        vector.set(ValueLayout.JAVA_LONG, 8, data.byteSize());
        MemorySegment header = arena.allocate(MESSAGE_HEADER_BYTES, 8);
        header.set(ValueLayout.ADDRESS, 16, vector);
        header.set(ValueLayout.JAVA_LONG, 24, 1);
        header.set(ValueLayout.ADDRESS, 32, control);
        header.set(ValueLayout.JAVA_LONG, 40, control.byteSize());
        return header;
    }
}
