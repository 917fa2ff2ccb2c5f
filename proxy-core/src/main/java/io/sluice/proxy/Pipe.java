package io.sluice.proxy;

import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;

/**
 * A kernel pipe through which bytes go from socket to socket without being copied to this process: splice(2). Lives on
 * one event loop; {@link LoopConnections} keeps empty ones for the next use.
 */
final class Pipe {

    /** Room that is asked for, and so the most that a spliced direction holds. */
    static final int BYTES = 512 * 1024;

    private final FileDescriptor readEnd;
    private final FileDescriptor writeEnd;
    private int held;

    private Pipe(FileDescriptor readEnd, FileDescriptor writeEnd) {
        this.readEnd = readEnd;
        this.writeEnd = writeEnd;
    }

    /** An empty pipe; fails if there are no descriptors for it. */
    static Pipe open() throws IOException {
        FileDescriptor[] ends = FileDescriptor.pipe();
        LinuxCalls.pipeSize(ends[1].intValue(), BYTES);
        return new Pipe(ends[0], ends[1]);
    }

    /** Bytes in it. */
    int held() {
        return held;
    }

    /** Takes what {@code socket} has; 0 if that is nothing now or has ended, which only reading tells. */
    int fill(FileDescriptor socket) throws IOException {
        int n = Native.splice(socket.intValue(), -1, writeEnd.intValue(), -1, BYTES);
        held += n;
        return n;
    }

    /** Gives {@code socket} what it takes; 0 if that is nothing now. */
    int drain(FileDescriptor socket) throws IOException {
        int n = Native.splice(readEnd.intValue(), -1, socket.intValue(), -1, held);
        held -= n;
        return n;
    }

    /** Gives the descriptors back, and with them what is in the pipe. */
    void close() {
        try {
            writeEnd.close();
            readEnd.close();
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("closing a pipe: {}", e.getMessage());
        }
    }
}
