package io.sluice.proxy;

import io.sluice.linux.SystemCalls;
import io.sluice.linux.TcpInfo;
import io.sluice.netlink.TcpSockets;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the kernel knows about sockets of which there is no descriptor here: those of the JDK, and those in TIME_WAIT. Where
 * it cannot be asked, it knows nothing. Lives on one event loop.
 */
final class KernelSockets {

    private static final Logger LOG = LoggerFactory.getLogger(KernelSockets.class);

    /**
     * How long a pair of addresses rests before it is used again: longer than a peer that has not received the last
     * acknowledgement waits before it sends its FIN again (TCP_RTO_MIN, 200 ms).
     */
    private static final int REST_MILLIS = 250;

    private @Nullable TcpSockets sockets;

    private KernelSockets(@Nullable TcpSockets sockets) {
        this.sockets = sockets;
    }

    /** Opens a socket to ask, if this machine has that. */
    static KernelSockets open() {
        if (!SystemCalls.available()) {
            return new KernelSockets(null);
        }
        try {
            return new KernelSockets(TcpSockets.open());
        } catch (IOException e) {
            LOG.debug("the kernel cannot be asked for sockets: {}", e.getMessage());
            return new KernelSockets(null);
        }
    }

    /** Whether the kernel can be asked. */
    boolean available() {
        return sockets != null;
    }

    /** The state of a connection's peer; empty if it is not known. */
    Optional<TcpInfo> info(InetSocketAddress local, InetSocketAddress remote) {
        TcpSockets asked = sockets;
        if (asked == null) {
            return Optional.empty();
        }
        try {
            return asked.info(local, remote);
        } catch (IOException e) {
            LOG.debug("a socket cannot be looked at: {}", e.getMessage());
            return Optional.empty();
        }
    }

    /** Whether the pair was in TIME_WAIT for a while, and is free now. */
    boolean endTimeWait(InetSocketAddress local, InetSocketAddress remote) {
        TcpSockets asked = sockets;
        if (asked == null) {
            return false;
        }
        try {
            return asked.endTimeWait(local, remote, REST_MILLIS);
        } catch (IOException e) {
            LOG.debug("TIME_WAIT cannot be ended: {}", e.getMessage());
            return false;
        }
    }

    void close() {
        TcpSockets asked = sockets;
        sockets = null;
        if (asked != null) {
            try {
                asked.close();
            } catch (IOException e) {
                LOG.debug("a netlink socket cannot be closed: {}", e.getMessage());
            }
        }
    }
}
