package io.sluice.proxy;

import io.sluice.connection.ConnectFailure;
import java.net.NoRouteToHostException;

/** Tells an endpoint's faults from this node's own by what the kernel said. */
final class ConnectFailures {

    private ConnectFailures() {}

    /** Netty and the JDK carry the errno only as text; the texts are those of strerror(3) in the C locale. */
    static ConnectFailure classify(Throwable cause) {
        for (Throwable t = cause; t != null; t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            if (message.contains("Too many open files") || message.contains("No buffer space")
                    || message.contains("Cannot allocate memory")) {
                return ConnectFailure.LOCAL_RESOURCES;
            }
            if (message.contains("Cannot assign requested address")) {
                return ConnectFailure.NO_LOCAL_PORT;
            }
            if (message.contains("timed out")) {
                return ConnectFailure.TIMED_OUT;
            }
            if (message.contains("refused") || message.contains("reset")) {
                return ConnectFailure.REFUSED;
            }
            if (t instanceof NoRouteToHostException) {
                return ConnectFailure.UNREACHABLE;
            }
        }
        return ConnectFailure.UNREACHABLE;
    }
}
