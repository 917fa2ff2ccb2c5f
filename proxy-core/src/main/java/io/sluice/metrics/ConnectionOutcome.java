package io.sluice.metrics;

/**
 * The result of an accepted connection, as coarse as a counter needs it; the access log has the exact termination state.
 */
public enum ConnectionOutcome {
    /** Both sides finished in order. */
    COMPLETED,
    /** The client reset it, or closed before an endpoint was connected. Common and not a failure of the Service. */
    CLIENT_ABORTED,
    /** Its client's host acknowledged nothing any more. Counted as aborted, and on its own. */
    CLIENT_DEAD,
    /** Its endpoint's host acknowledged nothing any more. Counted as failed, and on its own. */
    BACKEND_DEAD,
    /** An operator ended it. Counted as failed, and on its own. */
    ORDERED,
    /** It never reached an endpoint, or the endpoint reset it, or a timeout or the proxy itself ended it. */
    FAILED
}
