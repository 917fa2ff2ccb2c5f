package io.sluice.proxy;

/** How event loops wait for sockets. */
public enum Transport {
    /** The best transport that this machine has: io_uring on Linux 6.1 and newer, epoll on Linux, NIO elsewhere. */
    AUTO,
    /** Linux epoll through Netty's native library. */
    EPOLL,
    /** Linux io_uring for proxied connections, and epoll for everything else. */
    IO_URING,
    /** The JDK's selectors; works everywhere. */
    NIO;

    /** Whether this machine has it. */
    public boolean available() {
        return EventLoops.has(this);
    }
}
