package io.sluice.proxy;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** A {@link BareListener} on Netty's epoll event loop. */
final class EpollListener extends BareListener implements EpollIoHandle {

    /** Level-triggered, so that a pause cannot miss anything. */
    private static final EpollIoOps ACCEPT = EpollIoOps.EPOLLIN;
    /** No operation but the kernel's own: a listening socket reports neither end nor error. */
    private static final EpollIoOps PAUSE = EpollIoOps.EPOLLRDHUP;

    private @Nullable IoRegistration registration;

    EpollListener(DataPath dataPath, InetSocketAddress address, AddressKind kind, PortProxy port,
            IoEventLoop eventLoop, boolean freeBind, int inherited) {
        super(dataPath, address, kind, port, eventLoop, freeBind, inherited);
    }

    @Override
    void listen() throws IOException {
        Future<IoRegistration> registered = eventLoop.register(this);
        if (!registered.isSuccess()) {
            throw new IOException("the event loop does not take the socket", registered.cause());
        }
        registration = registered.getNow();
        resume();
    }

    @Override
    public FileDescriptor fd() {
        return socket();
    }

    @Override
    public void handle(IoRegistration which, IoEvent event) {
        try {
            accept();
        } catch (RuntimeException | Error e) {
            dataPath.fault("accepting for " + port().name(), e);
        }
    }

    @Override
    void pause() {
        if (registration != null) {
            registration.submit(PAUSE);
        }
    }

    @Override
    void resume() {
        if (registration != null) {
            registration.submit(ACCEPT);
        }
    }

    @Override
    void shut(LinuxSocket socket) throws IOException {
        if (registration != null) {
            registration.cancel();
        }
        socket.close();
    }
}
