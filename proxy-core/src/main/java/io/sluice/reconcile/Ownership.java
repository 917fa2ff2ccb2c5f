package io.sluice.reconcile;

/** The owner of the listening sockets while one daemon follows another; see docs/node.md, "A restart that refuses nobody". */
enum Ownership {

    /** The old process serves, and this one has none of its sockets yet: snapshots are kept and not applied. */
    STANDBY,
    /**
     * This process has the sockets of the old one, which accepts. Listeners are opened and not closed. DNS, whose sockets two
     * processes cannot have, waits, and so does the removal of addresses.
     */
    SHARED,
    /** No other process shares the sockets. */
    OWN,
    /** A new process has the sockets: endpoints change as always, but no listener is opened or closed. */
    OFFERED,
    /** As {@link #OFFERED}, and the new process has the addresses of DNS as well. */
    YIELDED,
    /** This process listens on no address any more and applies nothing. No other state comes after this one. */
    ENDED;

    /** The state after a request for {@code next}: a request that comes too late changes nothing. */
    Ownership then(Ownership next) {
        return this == ENDED ? ENDED : next;
    }

    boolean applies() {
        return this != STANDBY && this != ENDED;
    }

    boolean opensListeners() {
        return this == SHARED || this == OWN;
    }

    boolean closesListeners() {
        return this == OWN;
    }

    /**
     * Whether this process puts back what is missing of the addresses in the kernel: one that only shares them does not know
     * what the other one has removed.
     */
    boolean repairsAddresses() {
        return applies() && this != SHARED;
    }

    /** Whether this process may bind addresses of DNS. */
    boolean answersDns() {
        return this == OWN || this == OFFERED;
    }
}
