package io.sluice.reconcile;

/** The owner of the listening sockets while one daemon follows another; see docs/node.md, "A restart that refuses nobody". */
enum Ownership {

    /** The old process serves, and this one has nothing of it yet: snapshots are kept and not applied. */
    STANDBY,
    /**
     * This process has the sockets of the old one, which accepts. Listeners are opened and not closed; DNS, whose sockets
     * cannot be had twice, and the removal of addresses wait.
     */
    SHARED,
    /** No other process is concerned. */
    OWN,
    /** A new process has the sockets: endpoints change as always, but no listener is opened or closed. */
    OFFERED,
    /** The same, and it has the addresses of DNS. */
    YIELDED,
    /** This process listens on no address any more and applies nothing. No other state comes after this one. */
    ENDED;

    /** The state after this one if {@code next} is asked for: a request that comes too late changes nothing. */
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

    /** Whether addresses of DNS are this process's to bind. */
    boolean answersDns() {
        return this == OWN || this == OFFERED;
    }

    /** Whether a listening socket may be another process's as well, so that it must not be shut down for both. */
    boolean sharesSockets() {
        return this != OWN;
    }
}
