package io.sluice.proxy;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.SingleThreadIoEventLoop;
import io.sluice.liveness.FatalErrors;
import io.sluice.liveness.Faults;
import java.util.concurrent.Executor;

/**
 * An event loop that a fault does not end. Netty's event loop logs what a task throws and goes on; but an error in handling I/O
 * ends its thread, and its connections and listeners stay open without a thread to serve them. Here such an error ends one
 * round; if every round ends by one, or the loop ends all the same, the process ends.
 */
final class LastingEventLoop extends SingleThreadIoEventLoop {

    /** The most rounds in a row that may end by a fault. */
    private static final int MOST_FAULTS = 100;

    private int faults;
    private volatile boolean begun;

    LastingEventLoop(IoEventLoopGroup group, Executor executor, IoHandlerFactory handlers) {
        super(group, executor, handlers);
    }

    @Override
    protected int runIo() {
        try {
            int handled = super.runIo();
            faults = 0;
            return handled;
        } catch (Throwable fault) {
            if (++faults > MOST_FAULTS) {
                throw fault;
            }
            Faults.report("a round of " + Thread.currentThread().getName(), fault);
            return 0;
        }
    }

    /** Whether it has its thread, which begins with its first task. Any thread. */
    boolean hasBegun() {
        return begun;
    }

    @Override
    protected void run() {
        begun = true;
        try {
            super.run();
        } catch (Throwable fault) {
            FatalErrors.threadEnded(fault);
            throw fault;
        }
    }
}
