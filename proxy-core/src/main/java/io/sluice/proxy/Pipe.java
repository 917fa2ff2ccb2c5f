package io.sluice.proxy;

import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.linux.LinuxCalls;
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
    private final BufferBudget budget;
    private int held;
    /** What of {@link #held} counts against the budget. */
    private int counted;

    private Pipe(FileDescriptor readEnd, FileDescriptor writeEnd, BufferBudget budget) {
        this.readEnd = readEnd;
        this.writeEnd = writeEnd;
        this.budget = budget;
    }

    /** An empty pipe, whose bytes count against {@code budget}; fails if there are no descriptors for it. */
    static Pipe open(BufferBudget budget) throws IOException {
        FileDescriptor[] ends = FileDescriptor.pipe();
        if (!LinuxCalls.pipeSize(ends[1].intValue(), BYTES)) {
            ProxiedConnection.LOG.debug("the kernel grants no larger pipes");
        }
        return new Pipe(ends[0], ends[1], budget);
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

    /** Counts what is in the pipe and stays there for now. */
    void count() {
        if (held > counted) {
            budget.take(held - counted);
        } else if (held < counted) {
            budget.giveBack(counted - held);
        }
        counted = held;
    }

    /** Gives the descriptors back, and with them what is in the pipe. */
    void close() {
        held = 0;
        count();
        try {
            writeEnd.close();
            readEnd.close();
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("closing a pipe: {}", e.getMessage());
        }
    }
}
