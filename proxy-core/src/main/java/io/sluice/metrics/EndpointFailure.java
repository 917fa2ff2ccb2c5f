package io.sluice.metrics;

/** Why an attempt to connect to an endpoint failed. */
public enum EndpointFailure {
    /** Its host answered that nothing listens there. */
    REFUSED("refused"),
    /** It did not answer in time. */
    TIMEOUT("timeout"),
    /** There is no way to it, as this node or the network says. */
    UNREACHABLE("unreachable"),
    /** This node had no port, file descriptor or memory for it: no failure of the endpoint. */
    OTHER("other");

    private final String label;

    EndpointFailure(String label) {
        this.label = label;
    }

    /** The value of the label {@code reason}. */
    public String label() {
        return label;
    }

    /** Whether its series is there before there is one; the others are made by the first. */
    boolean alwaysShown() {
        return this == REFUSED || this == TIMEOUT;
    }
}
