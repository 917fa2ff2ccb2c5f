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
import org.jspecify.annotations.Nullable;

/** A {@link NativeListener} on Netty's epoll event loop. */
final class EpollListener extends NativeListener implements EpollIoHandle {

    /** Level-triggered, so that a pause cannot miss anything. */
    private static final EpollIoOps ACCEPT = EpollIoOps.EPOLLIN;
    /** Waits for nothing: a listening socket reports neither an end nor an error. */
    private static final EpollIoOps PAUSE = EpollIoOps.EPOLLRDHUP;

    private @Nullable IoRegistration registration;

    EpollListener(DataPath dataPath, NativeListener.Socket socket, IoEventLoop eventLoop) {
        super(dataPath, socket, eventLoop);
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
            dataPath.fault("accepting for " + subject(), e);
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
