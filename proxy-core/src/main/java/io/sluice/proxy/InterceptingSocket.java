package io.sluice.proxy;

import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** A socket that accepts intercepted connections, to whatever address of a Service, as who opens and closes it sees it. */
public interface InterceptingSocket extends OpenSocket {

    /** The address that it is bound to, with the port that the kernel chose; empty where it is unknown. */
    Optional<InetSocketAddress> boundAddress();

    /** Accepts what waits in the kernel's queue now, and goes on accepting. */
    CompletionStage<Void> acceptWaiting();

    /** Stops accepting and leaves what waits in the kernel's queue to the process that has the same socket. */
    CompletionStage<Void> release();
}
