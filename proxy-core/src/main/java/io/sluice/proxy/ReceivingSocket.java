package io.sluice.proxy;

import java.util.OptionalInt;
import java.util.concurrent.CompletionStage;

/** A socket that receives the datagrams of one Service port at one address, as who opens and closes it sees it. */
public interface ReceivingSocket {

    /** Hands all further datagrams to another port, or to the same as another kind of address, without closing. */
    CompletionStage<Void> retarget(ServicePortTargets port, AddressKind kind);

    /** Closes it, and ends its flows: later datagrams are refused by the kernel. */
    CompletionStage<Void> stop();

    /** The same, but that flows whose endpoint has to reply go on for that, as long as the data path does. */
    CompletionStage<Void> finish();

    /** Receives no more, and leaves what comes to the process that has the same socket; otherwise as {@link #finish}. */
    CompletionStage<Void> release();

    /** The open socket, to be given to another process; empty where it cannot be. */
    OptionalInt descriptor();
}
