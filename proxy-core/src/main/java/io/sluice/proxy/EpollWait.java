package io.sluice.proxy;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** On Netty's epoll event loop. */
final class EpollWait implements ReadyWait, EpollIoHandle {

    private final IoEventLoop eventLoop;
    private FileDescriptor descriptor = new FileDescriptor(0);
    private @Nullable Runnable ready;

    EpollWait(IoEventLoop eventLoop) {
        this.eventLoop = eventLoop;
    }

    @Override
    public void begin(int fd, Runnable action) throws IOException {
        descriptor = new FileDescriptor(fd);
        ready = action;
        Future<IoRegistration> registered = eventLoop.register(this);
        if (!registered.isSuccess()) {
            throw new IOException("the event loop does not take the descriptor", registered.cause());
        }
        registered.getNow().submit(EpollIoOps.EPOLLIN);
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void handle(IoRegistration which, IoEvent event) {
        if (ready != null) {
            ready.run();
        }
    }

    @Override
    public void close() throws IOException {
        descriptor.close();
    }
}
