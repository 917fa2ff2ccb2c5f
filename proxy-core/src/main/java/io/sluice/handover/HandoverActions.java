package io.sluice.handover;

/** The actions that a {@link HandoverMachine} orders. A peer is the number of a connection. */
interface HandoverActions {

    /** Sends the listening sockets; this process opens and closes no address from now on. */
    void offer(int peer);

    /**
     * Closes the addresses that two processes cannot share, such as admin addresses, and sends {@link
     * HandoverWord#YIELDED}.
     */
    void yieldAddresses(int peer);

    /** Reverts {@link #offer} and {@link #yieldAddresses}; does not send the sockets that are still unsent. */
    void resume(int peer);

    /** Stops accepting, and sends {@link HandoverWord#RELEASED}. The last action for this peer. */
    void release(int peer);

    /** Sends one word. */
    void tell(int peer, HandoverWord word);

    /** Closes the connection after the words sent before. The last action for this peer. */
    void hangUp(int peer);
}
