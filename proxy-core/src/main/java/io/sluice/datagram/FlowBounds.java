package io.sluice.datagram;

/**
 * The limits on the number of flows.
 *
 * @param perService of one Service, on all its addresses; 0 for no bound of its own
 * @param perClient  of one client address to one Service; 0 for no bound of its own
 */
public record FlowBounds(int perService, int perClient) {

    /** The bound that was reached. */
    public enum Bound {
        OVERALL, SERVICE, CLIENT
    }
}
