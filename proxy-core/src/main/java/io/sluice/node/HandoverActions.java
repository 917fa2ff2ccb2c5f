package io.sluice.node;

/** What a {@link HandoverMachine} has done. A peer is a number that names a connection. */
interface HandoverActions {

    /** From now on no address is opened or closed; sends the listening sockets. */
    void offer(int peer);

    /** Leaves what two processes cannot have at once, such as admin addresses, and tells {@link HandoverWord#YIELDED}. */
    void yieldAddresses(int peer);

    /** Takes {@link #offer} and {@link #yieldAddresses} back; what is not sent of the sockets is not sent any more. */
    void resume(int peer);

    /** Accepts no more, and tells {@link HandoverWord#RELEASED}. The last action for this peer. */
    void release(int peer);

    /** Tells one word. */
    void tell(int peer, HandoverWord word);

    /** Ends the connection after what was told. The last action for this peer. */
    void hangUp(int peer);
}
