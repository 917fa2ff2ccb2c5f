package io.sluice.proxy;

import io.sluice.connection.ConnectFailure;

/** What knocking at an endpoint came to. */
public enum ProbeResult {
    /** It took the connection. */
    ANSWERED,
    /** It refused, or did not answer in time. */
    SILENT,
    /** This node's fault or the network's: nothing is known about the endpoint. */
    INCONCLUSIVE;

    /** What a failed attempt to connect says of the endpoint. */
    static ProbeResult of(ConnectFailure failure) {
        return switch (failure) {
            case REFUSED, TIMED_OUT -> SILENT;
            case UNREACHABLE, NO_LOCAL_PORT, LOCAL_RESOURCES -> INCONCLUSIVE;
        };
    }
}
