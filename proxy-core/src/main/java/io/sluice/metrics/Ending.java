package io.sluice.metrics;

/** How an accepted connection ended, as coarse as a counter needs it; the access log has the exact termination state. */
public enum Ending {
    /** Both sides finished in order. */
    COMPLETED,
    /** The client reset it, or went away before it was connected. Common and not a failure of the Service. */
    CLIENT_ABORTED,
    /** It never reached an endpoint, or the endpoint reset it, or a timeout or the proxy itself ended it. */
    FAILED
}
