package io.sluice.handover;

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
import java.util.List;

/**
 * The connection over which two daemons on one machine pass listening sockets: a Unix socket of whole messages (unix(7),
 * {@code SOCK_SEQPACKET}), each a word and any number of descriptors ({@code SCM_RIGHTS}). For one thread.
 */
final class HandoverConnection implements AutoCloseable {

    private static final int WORD_BYTES = 64;

    private final int fd;
    private final int flags;

    /** A received message: a word, and descriptors that the receiver has to close. */
    record Message(HandoverWord word, List<Integer> descriptors) {

        /** Closes descriptors that were not requested, or are not needed any more. */
        void discard() throws IOException {
            for (int descriptor : descriptors) {
                SystemCalls.close(descriptor);
            }
        }
    }

    /**
     * A connection over a connected socket, which it owns; the peer must be a process of the same user, or root.
     *
     * @param timeoutMillis how long {@link #send} and {@link #receive} wait; 0: not at all
     */
    HandoverConnection(int fd, int timeoutMillis) throws IOException {
        this.fd = fd;
        this.flags = timeoutMillis == 0 ? SocketOptions.MSG_DONTWAIT : 0;
        try {
            UnixMessages.timeout(fd, timeoutMillis);
            requireSameUser();
        } catch (IOException e) {
            SystemCalls.close(fd);
            throw e;
        }
    }

    /** A new socket, not connected. */
    static int socket() throws IOException {
        return SystemCalls.socket(SocketOptions.AF_UNIX, SocketOptions.SOCK_SEQPACKET | SocketOptions.SOCK_CLOEXEC, 0);
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
     * @param descriptors at most {@link UnixMessages#DESCRIPTORS}, which stay open here
     * @throws ErrnoException {@code EAGAIN} after the timeout
     */
    void send(HandoverWord word, List<Integer> descriptors) throws IOException {
        UnixMessages.send(fd, word.text().getBytes(StandardCharsets.US_ASCII), descriptors, flags);
    }

    /**
     * The next message.
     *
     * @throws ErrnoException {@code EAGAIN} after the timeout
     * @throws IOException    also if this process has no room for all descriptors of the message; then it has none of them
     */
    Message receive() throws IOException {
        UnixMessages.Received received = UnixMessages.receive(fd, WORD_BYTES, flags);
        return new Message(HandoverWord.of(new String(received.bytes(), StandardCharsets.US_ASCII)),
                received.descriptors());
    }

    @Override
    public void close() throws IOException {
        SystemCalls.close(fd);
    }
}
