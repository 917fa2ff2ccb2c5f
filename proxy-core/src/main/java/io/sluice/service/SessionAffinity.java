package io.sluice.service;

import java.time.Duration;

/** {@code spec.sessionAffinity} of a Service. */
public sealed interface SessionAffinity {

    /** No affinity: every connection is balanced anew. */
    SessionAffinity NONE = new None();

    /** No affinity: every connection is balanced anew. */
    record None() implements SessionAffinity {}

    /**
     * Connections of one client address go to the same endpoint.
     *
     * @param timeout since the client's last new connection; 1 s to 86,400 s, 10,800 s by default
     */
    record ClientIp(Duration timeout) implements SessionAffinity {}
}
