package io.sluice.proxy;

import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoop;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringSocketChannel;
import java.util.concurrent.TimeUnit;

/**
 * Tells a channel on io_uring that its socket takes bytes again once its peer has sent all it will. For that Netty waits
 * with a poll for POLLOUT; the kernel ends each poll, whatever it is for, when the peer finishes, with POLLRDHUP and
 * without POLLOUT, and Netty 4.2.18 takes that for news about reading alone: the write waits for ever.
 *
 * <p>Lives on the channel's event loop. While bytes wait, the socket is looked at from time to time.
 */
final class UringRoom implements Runnable {

    private static final long INTERVAL_MILLIS = 10;
    private static final byte IORING_OP_POLL_ADD = 6;
    private static final int POLLOUT = 4;

    /** Only a channel that is closed asks something of it; that one is not told of any room. */
    private static final IoRegistration NO_REGISTRATION = new IoRegistration() {
        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's own
        public <T> T attachment() {
            throw new IllegalStateException("nothing is registered");
        }

        @Override
        public long submit(IoOps ops) {
            throw new IllegalStateException("nothing is registered");
        }

        @Override
        public boolean isValid() {
            return false;
        }

        @Override
        public boolean cancel() {
            return false;
        }
    };

    private final IoUringSocketChannel channel;
    private final EventLoop eventLoop;
    private boolean looking;

    UringRoom(IoUringSocketChannel channel, EventLoop eventLoop) {
        this.channel = channel;
        this.eventLoop = eventLoop;
    }

    /** Something was written. */
    void written() {
        if (!looking) {
            looking = true;
            eventLoop.schedule(this, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void run() {
        looking = false;
        if (waits()) {
            if (LinuxCalls.takesBytesOfFinished(channel.fd().intValue())) {
                ((IoUringIoHandle) channel.unsafe()).handle(NO_REGISTRATION,
                        new IoUringIoEvent(POLLOUT, 0, IORING_OP_POLL_ADD, 0L));
            }
            written();
        }
    }

    private boolean waits() {
        ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
        return channel.isOpen() && waiting != null && !waiting.isEmpty();
    }
}
