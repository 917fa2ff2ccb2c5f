package io.sluice.proxy;

import io.sluice.datagram.FlowEnd;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.TcpCalls;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listener over a native socket; on io_uring as on epoll. */
final class NativeDatagramListener extends DatagramListener {

    private static final Logger LOG = LoggerFactory.getLogger(NativeDatagramListener.class);

    /** What the kernel may keep of datagrams that were not received yet. */
    private static final int RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
    private static final int CLOSED = -1;

    /** Receives for as long as the socket is open. */
    private final class Clients extends FlowSockets.Receiver {
        @Override
        void ready() {
            try {
                engine.fromClients(NativeDatagramListener.this);
            } catch (RuntimeException | Error e) {
                engine.fault(subject(), e);
            }
        }
    }

    private final boolean freeBind;
    private final boolean transparent;
    private final Clients clients = new Clients();
    private volatile NativeFlowEngine engine;
    private volatile int fd;
    private boolean opened;
    /** It receives no more. */
    private boolean ended;
    /** The flows for which the socket is kept after that. */
    private int waiting;

    /** @param inherited the socket of a predecessor, or {@link NativeListener#NOT_INHERITED} */
    NativeDatagramListener(Datagrams datagrams, Destination destination, boolean freeBind, boolean transparent,
            int inherited) {
        super(datagrams, destination);
        this.freeBind = freeBind;
        this.transparent = transparent;
        this.fd = inherited == NativeListener.NOT_INHERITED ? CLOSED : inherited;
        this.engine = (NativeFlowEngine) datagrams.engine(destination.port().name().service());
    }

    @Override
    CompletionStage<DatagramListener> open() {
        CompletableFuture<DatagramListener> opened = new CompletableFuture<>();
        engine.eventLoop.execute(() -> {
            try {
                openHere();
                opened.complete(this);
            } catch (IOException | RuntimeException | Error e) {
                close();
                opened.completeExceptionally(e);
            }
        });
        return opened;
    }

    /** The same on the event loop of its Service, where it is open already or not. */
    void openHere() throws IOException {
        if (opened || ended) {
            return;
        }
        opened = true;
        if (fd == CLOSED) {
            fd = bound();
        }
        CompletableFuture<Void> accepting = datagrams.accepting();
        if (accepting.isDone()) {
            receive();
        } else {
            accepting.thenRun(() -> engine.eventLoop.execute(this::receiveLater));
        }
    }

    private int bound() throws IOException {
        TcpCalls calls = engine.sockets();
        int made = engine.calls().open(IpFamily.of(address.getAddress()) == IpFamily.IPV6);
        try {
            widen(calls, made);
            if (freeBind) {
                calls.option(made, SocketOptions.IPPROTO_IP, SocketOptions.IP_FREEBIND, 1);
            }
            if (transparent) {
                calls.option(made, SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT, 1);
                calls.option(made, SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK, datagrams.mark());
            }
            calls.bind(made, address.getAddress(), address.getPort());
            return made;
        } catch (IOException e) {
            engine.calls().close(made);
            throw e;
        }
    }

    /** Clients of all flows share what the kernel keeps until it is received: as much as we may have of it. */
    static void widen(TcpCalls calls, int fd) throws IOException {
        try {
            calls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
        } catch (ErrnoException e) {
            // Without CAP_NET_ADMIN it is net.core.rmem_max at the most.
            calls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES);
        }
    }

    private void receive() throws IOException {
        engine.waiting().add(fd, clients);
    }

    private void receiveLater() {
        if (fd != CLOSED && !ended) {
            try {
                receive();
            } catch (IOException e) {
                LOG.warn("{}: datagrams to {} cannot be received: {}", subject(), address, e.getMessage());
            }
        }
    }

    boolean isOpen() {
        return fd != CLOSED;
    }

    int descriptorNumber() {
        return fd;
    }

    @Override
    public CompletionStage<Void> retarget(ServicePortTargets port, AddressKind kind) {
        Destination next = new Destination(address, port, kind);
        NativeFlowEngine to = (NativeFlowEngine) datagrams.engine(port.name().service());
        CompletableFuture<Void> done = new CompletableFuture<>();
        engine.eventLoop.execute(() -> {
            if (destination().port() != port) {
                engine.endFlows(this, false, FlowEnd.CLOSED);
            }
            destination(next);
            if (engine == to || fd == CLOSED) {
                done.complete(null);
                return;
            }
            leave();
            engine = to;
            to.eventLoop.execute(() -> {
                receiveLater();
                done.complete(null);
            });
        });
        return done;
    }

    /** Receives no more on this event loop. */
    private void leave() {
        try {
            engine.waiting().remove(fd, clients);
        } catch (IOException e) {
            LOG.debug("{} was not waited for: {}", address, e.getMessage());
        }
    }

    @Override
    public CompletionStage<Void> stop() {
        return onEventLoop(() -> {
            engine.endFlows(this, false, FlowEnd.CLOSED);
            close();
        });
    }

    @Override
    public CompletionStage<Void> finish() {
        return onEventLoop(() -> {
            if (fd != CLOSED) {
                engine.fromClients(this);
                end();
                if (fd != CLOSED) {
                    refuseOthers();
                }
            }
        });
    }

    @Override
    public CompletionStage<Void> release() {
        return onEventLoop(() -> {
            if (fd != CLOSED) {
                leave();
                engine.endPassed(this);
                end();
            }
        });
    }

    /** Receives no more for now. On its event loop. */
    void pause() {
        if (fd != CLOSED) {
            leave();
        }
    }

    NativeFlowEngine engine() {
        return engine;
    }

    private void end() {
        ended = true;
        waiting = engine.endFlows(this, true, FlowEnd.KILLED);
        if (waiting == 0) {
            close();
        }
    }

    /** A socket that is connected to itself receives from nobody else, and the kernel refuses all others; it sends as before. */
    private void refuseOthers() {
        leave();
        try {
            engine.sockets().connect(fd, address.getAddress(), address.getPort());
        } catch (IOException e) {
            LOG.debug("{} goes on to receive: {}", address, e.getMessage());
        }
    }

    /** The last reply may still be in the queue, from which it leaves by this socket. */
    @Override
    void finished() {
        if (waiting > 0 && --waiting == 0) {
            engine.eventLoop.execute(this::close);
        }
    }

    private CompletionStage<Void> onEventLoop(Runnable action) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        engine.eventLoop.execute(() -> {
            try {
                action.run();
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    /** Leaves the set before the descriptor is closed: a socket that a successor has as well would stay there. */
    void close() {
        if (fd != CLOSED) {
            leave();
            engine.calls().close(fd);
            fd = CLOSED;
        }
        datagrams.flowPassing().closed(this);
        ended = true;
    }

    @Override
    public OptionalInt descriptor() {
        return fd == CLOSED ? OptionalInt.empty() : OptionalInt.of(fd);
    }

    @Override
    public String toString() {
        return subject() + " at " + new InetSocketAddress(address.getAddress(), address.getPort());
    }
}
