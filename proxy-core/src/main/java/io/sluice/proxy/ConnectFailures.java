package io.sluice.proxy;

import io.netty.channel.ChannelException;
import io.sluice.connection.ConnectFailure;
import io.sluice.linux.SocketFailures;

/** Tells an endpoint's faults from this node's own by what the kernel said. */
final class ConnectFailures {

    private ConnectFailures() {}

    /** What a failed attempt to connect, or to make a socket for it, comes to. */
    static ConnectFailure classify(Throwable cause) {
        return switch (SocketFailures.ofConnect(cause)) {
            case EMFILE, ENFILE, ENOBUFS, ENOMEM -> ConnectFailure.LOCAL_RESOURCES;
            case EADDRNOTAVAIL -> ConnectFailure.NO_LOCAL_PORT;
            case ETIMEDOUT -> ConnectFailure.TIMED_OUT;
            case ECONNREFUSED, ECONNRESET -> ConnectFailure.REFUSED;
            // The JDK does not say why it has no socket; none of the reasons is the endpoint's.
            case null -> cause instanceof ChannelException ? ConnectFailure.LOCAL_RESOURCES
                    : ConnectFailure.UNREACHABLE;
            default -> ConnectFailure.UNREACHABLE;
        };
    }
}
