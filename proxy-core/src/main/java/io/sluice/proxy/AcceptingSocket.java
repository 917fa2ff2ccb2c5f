package io.sluice.proxy;

import java.util.OptionalInt;
import java.util.concurrent.CompletionStage;

/** A socket that accepts the connections of one Service port at one address, as who opens and closes it sees it. */
public interface AcceptingSocket {

    /** Hands all further connections to another port, or to the same as another kind of address, without closing. */
    void retarget(ServicePortTargets port, AddressKind kind);

    /** Accepts what waits in the kernel's queue and stops; later connections are refused, accepted ones go on. */
    CompletionStage<Void> stop();

    /** Stops accepting and leaves what waits in the kernel's queue to the process that has the same socket. */
    CompletionStage<Void> release();

    /** The descriptor of the open socket, to be given to another process; empty on NIO. */
    OptionalInt descriptor();
}
