package io.sluice.proxy;

import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.LinuxSocket;
import java.net.InetSocketAddress;

/** A {@link BareListener} on a {@link Ring}. */
final class UringListener extends BareListener {

    private static final int SOMEBODY_WAITS = 1;

    private final Ring ring;
    private final Answers answers = new Answers();
    private boolean paused;

    UringListener(DataPath dataPath, InetSocketAddress address, AddressKind kind, PortProxy port,
            IoEventLoop eventLoop, Ring ring, boolean freeBind, int inherited) {
        super(dataPath, address, kind, port, eventLoop, freeBind, inherited);
        this.ring = ring;
    }

    @Override
    void listen() {
        ring.enter(answers);
        resume();
    }

    @Override
    void pause() {
        paused = true;
    }

    @Override
    void resume() {
        paused = false;
        ring.poll(answers, SOMEBODY_WAITS, socket().intValue(), Ring.POLLIN, false);
    }

    @Override
    void shut(LinuxSocket socket) {
        ring.close(answers, socket.intValue());
        ring.flush();
    }

    private final class Answers extends Ring.Asker {

        @Override
        void answered(int what, int result, int flags) {
            if (isClosed()) {
                return;
            }
            accept();
            if (!paused && !isClosed()) {
                resume();
            }
        }

        @Override
        void fault(Throwable fault) {
            dataPath.fault("accepting for " + port().name(), fault);
            if (!paused && !isClosed()) {
                resume();
            }
        }
    }
}
