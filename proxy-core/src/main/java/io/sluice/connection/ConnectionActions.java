package io.sluice.connection;

/**
 * The actions that a {@link ConnectionMachine} orders. The machine calls these while it handles an event, on the same
 * thread; an implementation may call back into the machine before it returns.
 */
public interface ConnectionActions {

    /**
     * Choose an endpoint that was not tried before and connect to it. Answered by {@link ConnectionMachine#connected},
     * {@link ConnectionMachine#connectFailed} or {@link ConnectionMachine#noEndpoint}.
     */
    void connect();

    /** Give up the attempt under way; the machine expects no result of it any more. */
    void cancelConnect();

    /** Begin or stop to read from {@code side}. */
    void read(Side side, boolean enabled);

    /** Send a FIN to {@code side}: shut down sending, go on receiving. */
    void finish(Side side);

    /** Close the socket of {@code side}; the kernel still delivers the bytes that were written. */
    void close(Side side);

    /** Close the socket of {@code side} by a reset: bytes that were written and not delivered may be lost. */
    void reset(Side side);

    /**
     * Close the socket of {@code side} by a reset as soon as its peer has the bytes that were written before, or after the
     * flush timeout: a reset is being relayed, and the bytes that came before it should arrive. As after {@link #close} the
     * machine uses the socket no more.
     */
    void resetAfterDelivery(Side side);

    /** The connection is over and both sockets were closed; called exactly once, last. */
    void ended(Termination termination);
}
