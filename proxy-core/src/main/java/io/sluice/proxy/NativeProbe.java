package io.sluice.proxy;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import io.sluice.linux.ConnectErrnoException;
import io.sluice.linux.Errno;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.TcpCalls;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.service.ProxyProtocol;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Probe} over a native socket. Netty's epoll channels give the reason of a failed connect only as text of the
 * system, which cannot be classified: {@link io.sluice.linux.SocketFailures}. Lives on one epoll event loop.
 */
final class NativeProbe implements EpollIoHandle {

    private static final EpollIoOps CONNECTED = EpollIoOps.EPOLLOUT.with(EpollIoOps.EPOLLET);

    private final EndpointAddress endpoint;
    private final ProxyProtocol proxyProtocol;
    private final IoEventLoop loop;
    private final TcpCalls calls = new TcpCalls();
    private final FileDescriptor socket;
    private final CompletableFuture<ProbeResult> answer;
    private @Nullable IoRegistration registration;
    private boolean closed;

    private NativeProbe(EndpointAddress endpoint, ProxyProtocol proxyProtocol, IoEventLoop loop,
            CompletableFuture<ProbeResult> answer) throws IOException {
        this.endpoint = endpoint;
        this.proxyProtocol = proxyProtocol;
        this.loop = loop;
        this.answer = answer;
        this.socket = new FileDescriptor(calls.open(endpoint.family() == IpFamily.IPV6));
    }

    /** Completes with the result; never fails. Any thread. */
    static CompletableFuture<ProbeResult> start(EndpointAddress endpoint, ProxyProtocol proxyProtocol,
            IoEventLoop loop, ProxySettings settings) {
        CompletableFuture<ProbeResult> answer = new CompletableFuture<>();
        try {
            loop.execute(() -> {
                try {
                    new NativeProbe(endpoint, proxyProtocol, loop, answer).connect(settings);
                } catch (IOException e) {
                    answer.complete(ProbeResult.of(ConnectFailures.classify(e)));
                }
            });
        } catch (RejectedExecutionException e) {
            answer.complete(ProbeResult.INCONCLUSIVE); // the event loop has ended
        }
        return answer;
    }

    private void connect(ProxySettings settings) {
        boolean done;
        try {
            if (settings.connectionMark() != 0) {
                calls.option(socket.intValue(), SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK,
                        settings.connectionMark());
            }
            done = calls.connect(socket.intValue(), endpoint.ip(), endpoint.port());
        } catch (IOException e) {
            failed(e);
            return;
        }
        if (done) {
            connected();
            return;
        }
        registration = EpollConnection.register(loop, this, CONNECTED);
        if (registration == null) {
            close();
        } else {
            Future<?> timer = loop.schedule(() -> {
                answer.complete(ProbeResult.SILENT);
                close();
            }, settings.connectTimeout().toNanos(), TimeUnit.NANOSECONDS);
            answer.thenRun(() -> timer.cancel(false));
        }
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }

    @Override
    public void handle(IoRegistration which, IoEvent event) {
        if (closed || ((EpollIoEvent) event).ops().value() == 0) {
            return;
        }
        try {
            calls.connected(socket.intValue());
            connected();
        } catch (IOException e) {
            failed(e);
        }
    }

    /** The socket is connected, perhaps to itself; see {@link TcpCalls#connectedToItself}. */
    private void connected() {
        try {
            if (calls.connectedToItself(socket.intValue(), endpoint.ip(), endpoint.port())) {
                failed(new ConnectErrnoException(Errno.ECONNREFUSED.number()));
            } else {
                answered();
            }
        } catch (IOException e) {
            failed(e);
        }
    }

    private void failed(IOException cause) {
        answer.complete(ProbeResult.of(ConnectFailures.classify(cause)));
        close();
    }

    /** Sends a header without a client to an endpoint that waits for one; the send queue of a new socket has room for it. */
    private void answered() {
        answer.complete(ProbeResult.ANSWERED);
        byte[] header = ProxyProtocolHeader.ofNobody(proxyProtocol);
        if (header.length > 0) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, header);
                calls.send(socket.intValue(), bytes.address(), header.length);
            } catch (IOException e) {
                ProxiedConnection.LOG.debug("the endpoint has gone already: {}", e.getMessage());
            }
        }
        close();
    }

    /**
     * Closes the descriptor when all events of this round are handled, for the same reason as
     * {@link EventLoopContext#closeLater}. Netty calls it too, for what is open when the event loop ends.
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (loop.isShuttingDown()) {
            EpollConnection.closeNow(socket, registration);
        } else {
            loop.execute(() -> EpollConnection.closeNow(socket, registration));
        }
        answer.complete(ProbeResult.INCONCLUSIVE);
    }
}
