package io.sluice.proxy;

import io.sluice.connection.ConnectFailure;

/** The result of a probe of an endpoint. */
public enum ProbeResult {
    /** It accepted the connection. */
    ANSWERED,
    /** It refused, or did not answer in time. */
    SILENT,
    /** A failure of this node or of the network: nothing is known about the endpoint. */
    INCONCLUSIVE;

    /** The result that a failed attempt to connect means for the endpoint. */
    static ProbeResult of(ConnectFailure failure) {
        return switch (failure) {
            case REFUSED, TIMED_OUT -> SILENT;
            case UNREACHABLE, NO_LOCAL_PORT, LOCAL_RESOURCES -> INCONCLUSIVE;
        };
    }
}
