package io.sluice.connection;

/**
 * What a {@link ConnectionMachine} asks of the world. The machine calls these while it handles an event, on the same
 * thread; an implementation may call back into the machine before it returns.
 */
public interface ConnectionActions {

    /**
     * Choose an endpoint that was not tried before and connect to it. Answered by {@link ConnectionMachine#connected},
     * {@link ConnectionMachine#connectFailed} or {@link ConnectionMachine#noEndpoint}.
     */
    void connect();

    /** Give up the attempt under way; no answer is expected any more. */
    void cancelConnect();

    /** Begin or stop to read from {@code side}. */
    void read(Side side, boolean enabled);

    /** Tell {@code side} that nothing more will be sent to it: shut down sending, go on receiving. */
    void finish(Side side);

    /** Close the socket of {@code side} without haste: what was written is still delivered. */
    void close(Side side);

    /** Close the socket of {@code side} by a reset: what was written and not delivered may be lost. */
    void reset(Side side);

    /**
     * Close the socket of {@code side} by a reset as soon as its peer has what was written before, or after the flush
     * timeout: a reset is being relayed, and the bytes that came before it should arrive. Like {@link #close} it ends
     * this connection's interest in the socket.
     */
    void resetAfterDelivery(Side side);

    /** The connection is over and both sockets were closed; called exactly once, last. */
    void ended(Termination termination);
}
