package io.sluice.proxy;

import io.sluice.connection.ConnectFailure;

/**
 * What a probe of an endpoint has come to.
 *
 * @param detail a few words of our own for a person: nothing of what the endpoint has sent but a number
 */
public record ProbeAnswer(ProbeResult result, String detail) {

    static final ProbeAnswer CONNECTED = new ProbeAnswer(ProbeResult.ANSWERED, "it took the connection");
    /** The event loop has ended, or a socket is not taken. */
    static final ProbeAnswer IMPOSSIBLE = new ProbeAnswer(ProbeResult.INCONCLUSIVE, "this node could not ask");

    static ProbeAnswer of(ConnectFailure failure) {
        return new ProbeAnswer(ProbeResult.of(failure), switch (failure) {
            case REFUSED -> "it refused the connection";
            case TIMED_OUT -> "it did not take the connection";
            case UNREACHABLE -> "it cannot be reached";
            case NO_LOCAL_PORT, LOCAL_RESOURCES -> "this node had no port or descriptor";
        });
    }
}
