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
    private static final EpollIoOps ANSWERED = CONNECTED.with(EpollIoOps.EPOLLIN).with(EpollIoOps.EPOLLRDHUP);

    private final EndpointAddress endpoint;
    private final ProbeQuestion question;
    private final IoEventLoop loop;
    private final TcpCalls calls = new TcpCalls();
    private final FileDescriptor socket;
    private final CompletableFuture<ProbeAnswer> answer;
    private @Nullable IoRegistration registration;
    private boolean connected;
    private boolean closed;
    /** What was received; empty where no answer is waited for. */
    private final byte[] received;
    private int length;

    private NativeProbe(EndpointAddress endpoint, ProbeQuestion question, IoEventLoop loop,
            CompletableFuture<ProbeAnswer> answer) throws IOException {
        this.endpoint = endpoint;
        this.question = question;
        this.loop = loop;
        this.answer = answer;
        this.received = new byte[question.awaitsAnswer() ? ProbeQuestion.MOST_BYTES : 0];
        this.socket = new FileDescriptor(calls.open(endpoint.family() == IpFamily.IPV6));
    }

    /** Completes with the result; never fails. Any thread. */
    static CompletableFuture<ProbeAnswer> start(EndpointAddress endpoint, ProbeQuestion question,
            IoEventLoop loop, ProxySettings settings) {
        CompletableFuture<ProbeAnswer> answer = new CompletableFuture<>();
        try {
            loop.execute(() -> {
                try {
                    new NativeProbe(endpoint, question, loop, answer).connect(settings);
                } catch (IOException e) {
                    answer.complete(ProbeAnswer.of(ConnectFailures.classify(e)));
                }
            });
        } catch (RejectedExecutionException e) {
            answer.complete(ProbeAnswer.IMPOSSIBLE); // the event loop has ended
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
        if (done && !question.awaitsAnswer()) {
            connected();
            return;
        }
        registration = EpollConnection.register(loop, this, question.awaitsAnswer() ? ANSWERED : CONNECTED);
        if (registration == null) {
            close();
            return;
        }
        Future<?> timer = loop.schedule(() -> {
            answer.complete(question.tooLate(connected));
            close();
        }, question.timeout().toNanos(), TimeUnit.NANOSECONDS);
        answer.thenRun(() -> timer.cancel(false));
        if (done) {
            connected();
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
        if (connected) {
            receive();
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
        answer.complete(ProbeAnswer.of(ConnectFailures.classify(cause)));
        close();
    }

    /** Asks; the send queue of a new socket has room for it. */
    private void answered() {
        connected = true;
        if (!question.awaitsAnswer()) {
            answer.complete(ProbeAnswer.CONNECTED);
        }
        byte[] asked = question.bytes();
        if (asked.length > 0) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, asked);
                calls.send(socket.intValue(), bytes.address(), asked.length);
            } catch (IOException e) {
                ProxiedConnection.LOG.debug("the endpoint has gone already: {}", e.getMessage());
            }
        }
        if (question.awaitsAnswer()) {
            receive();
        } else {
            close();
        }
    }

    /** Reads until the answer is known, or there is no more for now. */
    private void receive() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(ProbeQuestion.MOST_BYTES);
            while (!closed) {
                int read = calls.receive(socket.intValue(), bytes.address(), received.length - length);
                if (read == 0) {
                    return;
                }
                if (read > 0) {
                    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, received, length, read);
                    length += read;
                }
                judge(read < 0);
            }
        } catch (IOException e) {
            // A reset: what came before it may be enough.
            judge(true);
        }
    }

    private void judge(boolean ended) {
        ProbeAnswer known = question.answer(received, length, ended);
        if (known != null) {
            answer.complete(known);
            close();
        }
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
        answer.complete(ProbeAnswer.IMPOSSIBLE);
    }
}
