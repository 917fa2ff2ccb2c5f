package io.sluice.proxy;

import io.netty.util.internal.PlatformDependent;

/**
 * Limits of the bytes that are kept between one side that has sent them and the other that has not yet accepted them.
 *
 * @param memory       by this process, of all connections together; bytes
 * @param receiveBytes by the kernel, for each socket, of what was received and not read: SO_RCVBUF, socket(7); 0 for
 *                     the kernel's own choice
 * @param unsentBytes  by the kernel, for each socket, of what was written and not sent: TCP_NOTSENT_LOWAT, tcp(7); positive.
 *                     Set on the sockets of an event loop once it serves more than 64 connections.
 *                     Not on NIO, which has no such option
 */
public record BufferLimits(long memory, int receiveBytes, int unsentBytes) {

    /** The defaults. */
    public static final BufferLimits DEFAULT = new BufferLimits(affordableMemory(), 0, 256 * 1024);

    /** 128 MiB, or half of what the JVM may allocate outside of its heap ({@code -XX:MaxDirectMemorySize}) if that is less. */
    public static long affordableMemory() {
        return Math.min(128L << 20, mostMemory());
    }

    /** Half of what the JVM may allocate outside of its heap, in bytes; the other half is for reads and for DNS. */
    public static long mostMemory() {
        return PlatformDependent.maxDirectMemory() / 2;
    }
}
