package io.sluice.proxy;

import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.LinuxSocket;
import io.sluice.uring.Ring;
import io.sluice.uring.Submitter;

/** A {@link NativeListener} on a {@link Ring}. */
final class UringListener extends NativeListener {

    private static final int ACCEPTABLE = 1;

    private final Ring ring;
    private final Operations operations = new Operations();
    private boolean paused;

    UringListener(DataPath dataPath, NativeListener.Socket socket, IoEventLoop eventLoop, Ring ring) {
        super(dataPath, socket, eventLoop);
        this.ring = ring;
    }

    @Override
    void listen() {
        ring.register(operations);
        resume();
    }

    @Override
    void pause() {
        paused = true;
    }

    @Override
    void resume() {
        paused = false;
        ring.poll(operations, ACCEPTABLE, socket().intValue(), Ring.POLLIN, false);
    }

    @Override
    void shut(LinuxSocket socket) {
        ring.close(operations, socket.intValue());
        ring.submit();
    }

    private final class Operations extends Submitter {

        @Override
        protected void onCompletion(int kind, int result, int flags) {
            if (isClosed()) {
                return;
            }
            accept();
            if (!paused && !isClosed()) {
                resume();
            }
        }

        @Override
        protected void onFault(Throwable fault) {
            dataPath.fault("accepting for " + subject(), fault);
            if (!paused && !isClosed()) {
                resume();
            }
        }
    }
}
