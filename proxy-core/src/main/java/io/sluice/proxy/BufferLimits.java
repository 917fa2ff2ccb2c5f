package io.sluice.proxy;

import io.netty.util.internal.PlatformDependent;

/**
 * What may be kept of bytes that were read from one side and not taken by the other.
 *
 * @param memory       by this process, of all connections together; bytes
 * @param receiveBytes by the kernel, for each socket, of what was received and not read: SO_RCVBUF, socket(7); 0 for what
 *                     the kernel thinks right
 * @param unsentBytes  by the kernel, for each socket, of what was written and not sent: TCP_NOTSENT_LOWAT, tcp(7); positive.
 *                     Holds for the sockets of an event loop from the time on when it serves more than 64 connections.
 *                     Not on NIO, which has no such option
 */
public record BufferLimits(long memory, int receiveBytes, int unsentBytes) {

    /** What holds where nothing else is said. */
    public static final BufferLimits DEFAULT = new BufferLimits(affordableMemory(), 0, 256 * 1024);

    /** 128 MiB, or half of what the JVM lets be allocated outside of its heap ({@code -XX:MaxDirectMemorySize}) if that is less. */
    public static long affordableMemory() {
        return Math.min(128L << 20, mostMemory());
    }

    /** Half of what the JVM lets be allocated outside of its heap, in bytes; the other half is for reads and for DNS. */
    public static long mostMemory() {
        return PlatformDependent.maxDirectMemory() / 2;
    }
}
