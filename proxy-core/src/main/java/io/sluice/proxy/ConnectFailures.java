package io.sluice.proxy;

import io.netty.channel.ChannelException;
import io.sluice.connection.ConnectFailure;
import io.sluice.linux.SocketFailures;
import io.sluice.metrics.EndpointFailure;

/** Tells failures of an endpoint from failures of this node, by the kernel's error. */
final class ConnectFailures {

    private ConnectFailures() {}

    /** The kind of failure of an attempt to connect, or to make a socket for it. */
    static ConnectFailure classify(Throwable cause) {
        return switch (SocketFailures.ofConnect(cause)) {
            case EMFILE, ENFILE, ENOBUFS, ENOMEM -> ConnectFailure.LOCAL_RESOURCES;
            case EADDRNOTAVAIL -> ConnectFailure.NO_LOCAL_PORT;
            case ETIMEDOUT -> ConnectFailure.TIMED_OUT;
            case ECONNREFUSED, ECONNRESET -> ConnectFailure.REFUSED;
            // The JDK does not say why it has no socket; no possible reason is a failure of the endpoint.
            case null -> cause instanceof ChannelException ? ConnectFailure.LOCAL_RESOURCES
                    : ConnectFailure.UNREACHABLE;
            default -> ConnectFailure.UNREACHABLE;
        };
    }

    /** Under which reason a failure of an endpoint is counted. */
    static EndpointFailure counted(ConnectFailure failure) {
        return switch (failure) {
            case REFUSED -> EndpointFailure.REFUSED;
            case TIMED_OUT -> EndpointFailure.TIMEOUT;
            case UNREACHABLE -> EndpointFailure.UNREACHABLE;
            case NO_LOCAL_PORT, LOCAL_RESOURCES -> EndpointFailure.OTHER;
        };
    }
}
