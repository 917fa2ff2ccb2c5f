package io.sluice.connection;

/** Why an attempt to reach an endpoint failed. */
public enum ConnectFailure {
    /** The endpoint's host answered with a reset: nothing listens there. */
    REFUSED,
    /** No answer within the connect timeout. */
    TIMED_OUT,
    /** No way there: no route, or the network says that the host cannot be reached. */
    UNREACHABLE,
    /** No free local port towards this one address; another endpoint may still work. */
    NO_LOCAL_PORT,
    /** This node's own fault, such as no file descriptor left: another endpoint would not help. */
    LOCAL_RESOURCES
}
