package io.sluice.proxy;

import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.linux.LinuxCalls;
import java.io.IOException;

/**
 * A kernel pipe through which bytes go from socket to socket without being copied to this process: splice(2). Lives on
 * one event loop; {@link EventLoopContext} keeps empty ones for the next use.
 */
final class SplicePipe {

    /** The size that is requested, and so the most that a spliced direction holds. */
    static final int BYTES = 512 * 1024;

    private final FileDescriptor readEnd;
    private final FileDescriptor writeEnd;
    private final BufferBudget budget;
    private int held;
    /** The part of {@link #held} that counts against the budget. */
    private int counted;

    private SplicePipe(FileDescriptor readEnd, FileDescriptor writeEnd, BufferBudget budget) {
        this.readEnd = readEnd;
        this.writeEnd = writeEnd;
        this.budget = budget;
    }

    /** An empty pipe, whose bytes count against {@code budget}; fails if there are no descriptors for it. */
    static SplicePipe open(BufferBudget budget) throws IOException {
        FileDescriptor[] ends = FileDescriptor.pipe();
        if (!LinuxCalls.pipeSize(ends[1].intValue(), BYTES)) {
            ProxiedConnection.LOG.debug("the kernel grants no larger pipes");
        }
        return new SplicePipe(ends[0], ends[1], budget);
    }

    /** The bytes in the pipe. */
    int held() {
        return held;
    }

    /** Moves what {@code socket} has into the pipe; 0 if it has nothing now or has ended: only a read shows which. */
    int fill(FileDescriptor socket) throws IOException {
        int n = Native.splice(socket.intValue(), -1, writeEnd.intValue(), -1, BYTES);
        held += n;
        return n;
    }

    /** Moves to {@code socket} what it accepts; 0 if it accepts nothing now. */
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

    /** Closes the descriptors; what is in the pipe is lost. */
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
