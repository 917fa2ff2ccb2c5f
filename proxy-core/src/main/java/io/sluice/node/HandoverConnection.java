package io.sluice.node;

import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Two daemons on one machine over which listening sockets pass: a Unix socket of whole messages (unix(7),
 * {@code SOCK_SEQPACKET}), each a word and any number of descriptors ({@code SCM_RIGHTS}). For one thread.
 */
final class HandoverConnection implements AutoCloseable {

    /** So many descriptors in one message; the kernel takes 253. */
    static final int DESCRIPTORS = 200;

    private static final int WORD_BYTES = 64;
    private static final int MESSAGE_HEADER_BYTES = 56;
    private static final int CONTROL_HEADER_BYTES = 16;

    private final int fd;
    private final int flags;

    /** What came: a word, and descriptors that are the receiver's to close. */
    record Message(HandoverWord word, List<Integer> descriptors) {

        /** For descriptors that nobody asked for, or that are not wanted any more. */
        void discard() throws IOException {
            for (int descriptor : descriptors) {
                SystemCalls.close(descriptor);
            }
        }
    }

    /**
     * Over a connected socket, which it owns; whoever is at the other end must be of the same user, or root.
     *
     * @param timeoutMillis how long {@link #send} and {@link #receive} wait; 0: not at all
     */
    HandoverConnection(int fd, int timeoutMillis) throws IOException {
        this.fd = fd;
        this.flags = timeoutMillis == 0 ? SocketOptions.MSG_DONTWAIT : 0;
        try {
            timeout(fd, timeoutMillis);
            requireSameUser();
        } catch (IOException e) {
            SystemCalls.close(fd);
            throw e;
        }
    }

    /** A new socket, connected to nobody. */
    static int socket() throws IOException {
        return SystemCalls.socket(SocketOptions.AF_UNIX, SocketOptions.SOCK_SEQPACKET | SocketOptions.SOCK_CLOEXEC, 0);
    }

    /** Lets every wait on {@code fd} end after so long, with {@code EAGAIN}. */
    static void timeout(int fd, int millis) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocateFrom(ValueLayout.JAVA_LONG, millis / 1000, millis % 1000 * 1000L);
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVTIMEO, time);
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_SNDTIMEO, time);
        }
    }

    private void requireSameUser() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(12, Integer.BYTES);
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_PEERCRED, credentials,
                    arena.allocateFrom(ValueLayout.JAVA_INT, 12));
            int theirs = credentials.get(ValueLayout.JAVA_INT, 4);
            if (theirs != 0 && !Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(theirs)) {
                throw new IOException(
                        "at the other end of the handover socket is a process of another user (uid " + theirs
                                + ")");
            }
        }
    }

    int descriptor() {
        return fd;
    }

    /**
     * Sends one message.
     *
     * @param descriptors at most {@link #DESCRIPTORS}, which stay open here
     * @throws ErrnoException {@code EAGAIN} after the timeout
     */
    void send(HandoverWord word, List<Integer> descriptors) throws IOException {
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
            byte[] bytes = word.text().getBytes(StandardCharsets.US_ASCII);
            SystemCalls.sendMessage(fd, header(arena, arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), control),
                    SocketOptions.MSG_NOSIGNAL | flags);
        }
    }

    /**
     * The next message.
     *
     * @throws ErrnoException {@code EAGAIN} after the timeout
     * @throws IOException    also if this process has no room for all descriptors of the message; then it has none of them
     */
    Message receive() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment word = arena.allocate(WORD_BYTES);
            MemorySegment control = control(arena, DESCRIPTORS);
            MemorySegment header = header(arena, word, control);
            long length = SystemCalls.receiveMessage(fd, header, SocketOptions.MSG_CMSG_CLOEXEC | flags);
            List<Integer> descriptors = new ArrayList<>();
            if (header.get(ValueLayout.JAVA_LONG, 40) >= CONTROL_HEADER_BYTES
                    && control.get(ValueLayout.JAVA_INT, 12) == SocketOptions.SCM_RIGHTS) {
                long bytes = control.get(ValueLayout.JAVA_LONG, 0) - CONTROL_HEADER_BYTES;
                for (long i = 0; i < bytes; i += Integer.BYTES) {
                    descriptors.add(control.get(ValueLayout.JAVA_INT, CONTROL_HEADER_BYTES + i));
                }
            }
            byte[] bytes = word.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
            Message message =
                    new Message(HandoverWord.of(new String(bytes, StandardCharsets.US_ASCII)), descriptors);
            if ((header.get(ValueLayout.JAVA_INT, 48) & SocketOptions.MSG_CTRUNC) != 0) {
                message.discard();
                throw new IOException("this process may not open so many files: raise the limit (ulimit -n,"
                        + " LimitNOFILE=) to that of the other one");
            }
            return message;
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

    @Override
    public void close() throws IOException {
        SystemCalls.close(fd);
    }
}
