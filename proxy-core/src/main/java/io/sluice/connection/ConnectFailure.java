package io.sluice.connection;

/** Why an attempt to connect to an endpoint failed. */
public enum ConnectFailure {
    /** The endpoint's host answered with a reset: nothing listens there. */
    REFUSED,
    /** The endpoint's host did not answer within the connect timeout. */
    TIMED_OUT,
    /** This node has no route to the endpoint, or the network reported that the host cannot be reached. */
    UNREACHABLE,
    /** This node has no free local port for connections to this endpoint; another endpoint may still work. */
    NO_LOCAL_PORT,
    /** This node lacks a resource, such as a file descriptor: another endpoint would not help. */
    LOCAL_RESOURCES
}
