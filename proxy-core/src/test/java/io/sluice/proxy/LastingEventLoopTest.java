package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** What becomes of an event loop of which the handling of I/O fails. */
class LastingEventLoopTest {

    /** Fails in the rounds that it is told to. */
    private static final class Faulty implements IoHandler {

        private final AtomicInteger toFail = new AtomicInteger();
        private volatile Thread waiting;

        @Override
        public int run(IoHandlerContext context) {
            if (toFail.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                throw new LinkageError("an error in handling I/O");
            }
            if (context.canBlock()) {
                waiting = Thread.currentThread();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
            }
            return 0;
        }

        @Override
        public IoRegistration register(IoHandle handle) {
            throw new UnsupportedOperationException("nothing is registered here");
        }

        @Override
        public void wakeup() {
            LockSupport.unpark(waiting);
        }

        @Override
        public boolean isCompatible(Class<? extends IoHandle> handleType) {
            return false;
        }
    }

    @Test
    void an_error_in_handling_io_costs_a_round_and_not_the_thread() throws Exception {
        Faulty handler = new Faulty();
        MultiThreadIoEventLoopGroup group = EventLoops.group("lasting", 1, executor -> handler);
        try {
            IoEventLoop loop = group.next();
            Thread before = loop.submit(Thread::currentThread).get(60, TimeUnit.SECONDS);
            handler.toFail.set(50);
            while (handler.toFail.get() > 0) {
                loop.submit(() -> {}).get(60, TimeUnit.SECONDS);
            }
            assertThat(loop.submit(Thread::currentThread).get(60, TimeUnit.SECONDS)).isSameAs(before);
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    /** So that the other test shows something. */
    @Test
    void nettys_own_event_loop_ends_by_it() throws Exception {
        Faulty handler = new Faulty();
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("netty", true),
                executor -> handler);
        handler.toFail.set(1);
        IoEventLoop loop = group.next();
        loop.execute(() -> {});
        assertThat(loop.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    }
}
