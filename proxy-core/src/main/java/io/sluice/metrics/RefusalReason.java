package io.sluice.metrics;

/** Why the proxy refused a connection before an endpoint had accepted it. */
public enum RefusalReason {
    /** No endpoint could take it. Seldom counted: a port without endpoints does not listen, so the kernel refuses. */
    NO_ENDPOINT("no_endpoint"),
    /** Every endpoint that was tried refused or was unreachable. */
    CONNECT_FAILED("connect_failed"),
    /** The last endpoint that was tried did not answer in time. */
    CONNECT_TIMEOUT("connect_timeout"),
    /** The limit over all Services was reached. */
    LIMIT("limit"),
    /** The limit of its Service was reached. */
    SERVICE_LIMIT("service_limit"),
    /** The client is outside {@code loadBalancerSourceRanges}. */
    SOURCE_RANGE("source_range"),
    /** This machine had no file descriptor, port or memory left for it. */
    LOCAL_RESOURCES("local_resources");

    private final String label;

    RefusalReason(String label) {
        this.label = label;
    }

    /** The value of the label {@code reason}. */
    public String label() {
        return label;
    }
}
