package io.sluice.proxy;

/** How event loops wait for sockets. */
public enum Transport {
    /** The best that this machine has: epoll on Linux, NIO elsewhere. */
    AUTO,
    /** Linux epoll through Netty's native library. */
    EPOLL,
    /** Linux io_uring through Netty's native library. */
    IO_URING,
    /** The JDK's selectors; works everywhere. */
    NIO;

    /** Whether this machine has it. */
    public boolean available() {
        return EventLoops.has(this);
    }
}
