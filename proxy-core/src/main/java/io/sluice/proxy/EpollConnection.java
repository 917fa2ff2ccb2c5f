package io.sluice.proxy;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import io.sluice.connection.Side;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * A connection over two native sockets on Netty's epoll event loop.
 *
 * <p>Each socket is registered once, edge-triggered for everything, and never again: {@code epoll_ctl} is not called to
 * pause or resume. A read goes into the event loop's one buffer and is written to the other socket at once, so a
 * direction never holds more than one read.
 */
final class EpollConnection extends NativeConnection {

    /** A byte of urgent data, at which a read stops short: tcp(7). */
    private static final int PRI = 0x02;

    /** Edge-triggered, once and for all. */
    private static final EpollIoOps EVERYTHING = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLOUT)
            .with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.valueOf(PRI)).with(EpollIoOps.EPOLLET);

    private static final int IN = EpollIoOps.EPOLLIN.value();
    private static final int OUT = EpollIoOps.EPOLLOUT.value();
    private static final int ERR = EpollIoOps.EPOLLERR.value();
    private static final int RDHUP = EpollIoOps.EPOLLRDHUP.value();
    private static final int HUP = 0x10;

    /** @param client the descriptor of a socket with TCP_NODELAY and SO_KEEPALIVE */
    EpollConnection(AcceptedClient accepted, EventLoopContext owner, int client) {
        super(accepted, owner, client);
    }

    @Override
    NativeEnd end(Side side, int fd) {
        return new EpollEnd(side, fd);
    }

    @Override
    boolean quiesce() {
        return true; // a socket is read when the kernel has said that there is something
    }

    @Override
    void resume() {
        pump();
    }

    @Override
    void buffersShort() {
        // The kernel has not been asked for anything.
    }

    private final class EpollEnd extends NativeEnd implements EpollIoHandle, Runnable {

        private @Nullable IoRegistration registration;
        private boolean pumping;
        private boolean continued;

        EpollEnd(Side side, int fd) {
            super(EpollConnection.this, side, fd);
        }

        @Override
        boolean register() {
            registration = EpollConnection.register((IoEventLoop) owner.eventLoop(), this, EVERYTHING);
            return registration != null;
        }

        @Override
        public FileDescriptor fd() {
            return socket;
        }

        @Override
        public void handle(IoRegistration which, IoEvent event) {
            if (closed) {
                return;
            }
            try {
                handle(((EpollIoEvent) event).ops().value());
            } catch (RuntimeException | Error e) {
                fault(e);
            }
        }

        private void handle(int ops) {
            if (connecting && ((ops & (OUT | ERR | HUP)) == 0 || !finishConnect((ops & (ERR | HUP)) != 0))) {
                return;
            }
            if ((ops & (OUT | ERR)) != 0) {
                writable = true;
                flush();
            }
            if ((ops & (IN | RDHUP | ERR | HUP)) != 0) {
                readable = true;
                mayHaveMore |= (ops & (RDHUP | ERR | HUP | PRI)) != 0;
                if ((ops & ERR) != 0 && !closed && (finished || !connected())) {
                    // Bytes before the reset come first; a read may not show the reset itself.
                    pump();
                    noteCause();
                    machine.failed(side, owner.now());
                }
            }
            EpollConnection.this.pump();
            rearm();
        }

        /** Reads the rest that the kernel has, after other connections had their turn. */
        @Override
        public void run() {
            continued = false;
            contain(() -> {
                EpollConnection.this.pump();
                rearm();
            });
        }

        @Override
        void pump() {
            if (pumping) {
                return;
            }
            pumping = true;
            try {
                for (int reads = 0; readable && !continued && mayRead(); reads++) {
                    if (reads == READS_IN_A_ROW) {
                        if (!continued) {
                            continued = true;
                            owner.eventLoop().execute(this);
                        }
                        break;
                    }
                    readOnce();
                }
            } finally {
                pumping = false;
            }
        }

        /** Nothing to do: the kernel reports room by itself. */
        @Override
        void awaitRoom() {}

        @Override
        void shut() {
            owner.closeLater(this);
        }

        /** Closes the descriptor; called once all events of this round are handled. */
        void closeNow() {
            EpollConnection.closeNow(socket, registration);
        }
    }

    /** Makes {@code loop} wait for {@code events} of {@code handle}; null if the kernel has no memory for it. */
    static @Nullable IoRegistration register(IoEventLoop loop, EpollIoHandle handle, EpollIoOps events) {
        Future<IoRegistration> registered = loop.register(handle);
        if (!registered.isSuccess()) {
            return null;
        }
        IoRegistration registration = registered.getNow();
        try {
            registration.submit(events);
            return registration;
        } catch (UncheckedIOException e) {
            LOG.debug("epoll does not take a socket: {}", e.getMessage());
            registration.cancel();
            return null;
        }
    }

    /** Closes a descriptor whose events are all handled. */
    static void closeNow(FileDescriptor socket, @Nullable IoRegistration registration) {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("closing a socket: {}", e.getMessage());
        }
        if (registration != null) {
            registration.cancel();
        }
    }

    /** Closes the descriptor of a handle that was closed in this round of events: its number must not be reused in it. */
    static void closeNow(EpollIoHandle end) {
        ((EpollEnd) end).closeNow();
    }
}
