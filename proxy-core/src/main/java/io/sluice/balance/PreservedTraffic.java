package io.sluice.balance;

/**
 * The connections of a Service port that reach their endpoint from the client's own address, and not from this node's.
 *
 * @param internal            to a cluster address, from inside the cluster
 * @param internalFromOutside to a cluster address, from outside the cluster, as far as that is known
 * @param external            to a node port, an external or a load balancer address
 */
public record PreservedTraffic(boolean internal, boolean internalFromOutside, boolean external) {

    /** No connection. */
    public static final PreservedTraffic NONE = new PreservedTraffic(false, false, false);
    /** Every connection. */
    public static final PreservedTraffic ALL = new PreservedTraffic(true, true, true);

    /** Whether no connection is included. */
    public boolean isNone() {
        return !internal && !internalFromOutside && !external;
    }

    /**
     * Whether a connection is included.
     *
     * @param outside whether its client is known to be outside the cluster
     */
    public boolean has(Traffic traffic, boolean outside) {
        return switch (traffic) {
            case INTERNAL -> outside ? internalFromOutside : internal;
            case EXTERNAL, SHORT_CIRCUIT -> external;
        };
    }
}
