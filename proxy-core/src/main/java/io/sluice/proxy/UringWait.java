package io.sluice.proxy;

import io.sluice.uring.Ring;
import io.sluice.uring.Submitter;
import org.jspecify.annotations.Nullable;

/** On a {@link Ring}. */
final class UringWait extends Submitter implements ReadyWait {

    private static final int READABLE = 1;

    private final Ring ring;
    private int descriptor;
    private @Nullable Runnable ready;

    UringWait(Ring ring) {
        this.ring = ring;
    }

    @Override
    public void begin(int fd, Runnable action) {
        descriptor = fd;
        ready = action;
        ring.register(this);
        await();
    }

    private void await() {
        ring.poll(this, READABLE, descriptor, Ring.POLLIN, false);
    }

    @Override
    protected void onCompletion(int kind, int result, int flags) {
        if (ready != null) {
            ready.run();
        }
        await();
    }

    @Override
    protected void onFault(Throwable fault) {
        await();
    }
}
