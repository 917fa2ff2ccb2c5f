package io.sluice.uring;

/**
 * A socket that submits operations to a {@link Ring}. It has at most one of each kind (1–31) in flight and receives its
 * completions, on the event loop of the ring.
 */
public abstract class Submitter {

    /** The slot of a submitter that is not registered. */
    static final int NO_SLOT = -1;

    /** Its index in the ring's table, which its completions carry. */
    int slot = NO_SLOT;
    /** The number of operations that have not completed, and of sends that are not accounted for. */
    int inFlight;
    /** The kinds of operations in flight, a bit each; sends are not among them. */
    int kindsInFlight;
    boolean closed;

    /**
     * An operation is complete, or has a result and goes on.
     *
     * @param kind   as it was submitted
     * @param result the result that the system call would have returned; an error as its negative number
     * @param flags  {@link Ring#CQE_F_BUFFER}, {@link Ring#CQE_F_MORE}, {@link Ring#CQE_F_SOCK_NONEMPTY}; the number of the
     *               buffer in the upper half
     */
    protected abstract void onCompletion(int kind, int result, int flags);

    /**
     * The kernel took a part of a send, or nothing. An implementation only notes it: {@link #onSent} follows.
     *
     * @param result as write(2) would return it; an error as its negative number
     */
    protected void onShortSend(int result) {
        throw new IllegalStateException("nothing was sent");
    }

    /** The send is over: the kernel took all of it, unless {@link #onShortSend} came before. */
    protected void onSent() {
        throw new IllegalStateException("nothing was sent");
    }

    /** Provided buffers are available again after ENOBUFS. */
    protected void onBuffersAvailable() {
        throw new IllegalStateException("nothing was read");
    }

    /** One of the other methods has thrown {@code fault}, which must not end the event loop's turn. */
    protected abstract void onFault(Throwable fault);
}
