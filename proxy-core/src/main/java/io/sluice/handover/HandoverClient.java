package io.sluice.handover;

import io.sluice.handover.HandoverConnection.Message;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SystemCalls;
import io.sluice.node.SocketFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The new process of a handover: a daemon runs on this machine already, and this one takes over its listening sockets. They
 * are the same sockets, not new ones on the same addresses: no connection in an accept queue is lost.
 *
 * <p>For one thread, but {@link #abandon}. The steps are {@link #greet}, {@link #news} until the Services are known,
 * {@link #request}, {@link #ready}, {@link #flows}, {@link #serving}.
 */
public final class HandoverClient implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HandoverClient.class);
    private static final int LOOK_UP_MILLIS = 100;
    private static final Duration GREETING = Duration.ofSeconds(10);
    /** The old process offers to one peer after another, and reports when an offer ends; the earlier protocol does not. */
    private static final Duration TURN = Duration.ofMinutes(2);
    private static final Duration EARLIER_TURN = Duration.ofSeconds(20);
    private static final Duration STEP = Duration.ofSeconds(20);
    private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    /** The result of a step. */
    public enum Answer {
        DONE,
        /** The offer has ended; the sockets must not be used any more, and may be requested anew. */
        WITHDRAWN,
        /** A process that was started after this one has taken over. */
        SUPERSEDED,
        /** Another process may be at the path by now. */
        MOVED,
        /** The old process has closed the connection without a word. */
        GONE,
        /** The old process does not answer, but keeps the connection open. */
        SILENT,
        /** The old process has answered with an unexpected word. */
        MISUNDERSTOOD,
        /** {@link #abandon} was called. */
        ABANDONED
    }

    private final HandoverConnection connection;
    private final SocketFile file;
    private final List<Integer> listeners = new ArrayList<>();
    private final List<byte[]> orders = new ArrayList<>();
    private OptionalInt successionSocket = OptionalInt.empty();
    private boolean earlier;
    private boolean released;
    /** {@link HandoverWord#SERVING}. */
    private boolean told;
    private volatile boolean abandoned;

    private HandoverClient(HandoverConnection connection, SocketFile file) {
        this.connection = connection;
        this.file = file;
    }

    /**
     * Connects to the process that listens on {@code path}.
     *
     * @return empty if none does
     * @throws IOException if it is another user's or another program's socket; the message begins with the path
     */
    public static Optional<HandoverClient> connect(Path path) throws IOException {
        if (!SocketFile.isSocket(path)) {
            return Optional.empty();
        }
        int fd = HandoverConnection.socket();
        SocketFile file;
        try (Arena arena = Arena.ofConfined()) {
            UnixMessages.timeout(fd, (int) GREETING.toMillis());
            file = SocketFile.of(path);
            SystemCalls.connect(fd, SocketFile.address(arena, path));
        } catch (ErrnoException e) {
            SystemCalls.close(fd);
            return switch (e.errno()) {
                case ENOENT, ECONNREFUSED, EAGAIN -> Optional.empty();
                case EPROTOTYPE -> throw new IOException(
                        path + ": the socket of another program is there; it stays as it is. Choose another path", e);
                case null, default -> throw new IOException(path + ": " + e.getMessage(), e);
            };
        } catch (IOException e) {
            SystemCalls.close(fd);
            LOG.debug("the socket at {} has just gone: {}", path, e.getMessage());
            return Optional.empty();
        }
        try {
            return Optional.of(new HandoverClient(new HandoverConnection(fd, LOOK_UP_MILLIS), file));
        } catch (IOException e) {
            throw new IOException(path + ": " + e.getMessage(), e);
        }
    }

    /** Reports that this process gets ready, which decides its place among others that do. */
    public Answer greet() throws IOException {
        return ask(HandoverWord.HELLO, HandoverWord.WAIT, GREETING);
    }

    /** Switches to the earlier protocol, which has no {@link #greet}. */
    public void speakEarlierProtocol() {
        earlier = true;
    }

    /** Waits a moment for a word of the old process; {@link Answer#SILENT} if none comes. */
    public Answer news() throws IOException {
        return await(HandoverWord.WAIT, Duration.ZERO);
    }

    /** Requests the sockets; after {@link Answer#DONE}, {@link #take} returns them. */
    public Answer request() throws IOException {
        Answer answer = earlier
                ? ask(HandoverWord.EARLIER_HELLO, HandoverWord.THAT_IS_ALL, EARLIER_TURN)
                : ask(HandoverWord.REQUEST, HandoverWord.THAT_IS_ALL, TURN);
        if (answer != Answer.DONE) {
            discard();
        }
        return answer;
    }

    /** Descriptors of its listening sockets; the caller's to close from now on. */
    public List<Integer> take() {
        List<Integer> taken = List.copyOf(listeners);
        listeners.clear();
        return taken;
    }

    /**
     * Reports that this process is about to serve; after {@link Answer#DONE} the addresses not handed over are free, and
     * {@link #orders} returns what operators have ordered.
     */
    public Answer ready() throws IOException {
        if (earlier) {
            Answer answer = ask(HandoverWord.READY, HandoverWord.RELEASED, STEP);
            released = answer == Answer.DONE;
            return answer;
        }
        int[] pair = UnixMessages.pair();
        try {
            connection.send(HandoverWord.READY, List.of(pair[1]));
        } catch (ErrnoException e) {
            LOG.debug("the process before this one is gone: {}", e.getMessage());
        } finally {
            SystemCalls.close(pair[1]);
        }
        Answer answer = await(HandoverWord.YIELDED, STEP);
        orders.clear();
        // What was sent before that word; nothing comes from a process of an earlier version.
        FlowChannel.receive(pair[0], (message, descriptors) -> orders.add(message),
                () -> abandoned || answer != Answer.DONE);
        return answer;
    }

    /** What operators have ordered, as the old process writes it; empty if it does not know of orders. */
    public List<byte[]> orders() {
        return List.copyOf(orders);
    }

    /**
     * Reports that this process accepts, and receives the old process's flows of datagrams until it has sent all, or is silent
     * for too long. With the earlier protocol nothing is done.
     */
    void flows(FlowChannel.Receiver receiver) throws IOException {
        if (released) {
            return;
        }
        told = true;
        int[] pair = UnixMessages.pair();
        try {
            connection.send(HandoverWord.SERVING, List.of(pair[1]));
        } catch (ErrnoException e) {
            LOG.debug("the process before this one is gone: {}", e.getMessage());
        } finally {
            SystemCalls.close(pair[1]);
        }
        FlowChannel.receive(pair[0], receiver, () -> abandoned);
    }

    /**
     * Reports that this process accepts, unless {@link #flows} has; after {@link Answer#DONE} the old one accepts no more.
     * Never {@link Answer#SILENT}: an old process that hangs may still release the sockets on this word when it goes on.
     */
    public Answer serving() throws IOException {
        if (released) {
            return Answer.DONE;
        }
        return told ? await(HandoverWord.RELEASED, FOREVER) : ask(HandoverWord.SERVING, HandoverWord.RELEASED, FOREVER);
    }

    /**
     * The socket at which the old process was found, for the next one.
     *
     * @return empty if there is none, as with the earlier protocol
     */
    public Optional<HandoverServer> succeed(HandoverServer.OldProcess process) throws IOException {
        if (successionSocket.isEmpty()) {
            return Optional.empty();
        }
        int socket = successionSocket.getAsInt();
        successionSocket = OptionalInt.empty();
        return HandoverServer.inherit(socket, file, process);
    }

    /** Ends every step soon. Any thread. */
    public void abandon() {
        abandoned = true;
    }

    /** Sends a word and waits for the answer; reads the last word of an old process that is gone already. */
    private Answer ask(HandoverWord word, HandoverWord wanted, Duration longest) throws IOException {
        try {
            connection.send(word, List.of());
        } catch (ErrnoException e) {
            LOG.debug("the process before this one is gone: {}", e.getMessage());
        }
        return await(wanted, longest);
    }

    private Answer await(HandoverWord wanted, Duration longest) throws IOException {
        long start = System.nanoTime();
        boolean broken = false;
        while (!abandoned) {
            Message message;
            try {
                message = connection.receive();
            } catch (ErrnoException e) {
                if (e.errno() == Errno.EAGAIN && System.nanoTime() - start >= longest.toNanos()) {
                    return Answer.SILENT;
                }
                if (e.errno() != Errno.EAGAIN && broken) {
                    return Answer.GONE;
                }
                // The kernel reports an error once, and before messages that came earlier.
                broken |= e.errno() != Errno.EAGAIN;
                continue;
            }
            switch (message.word()) {
                case LISTENERS -> listeners.addAll(message.descriptors());
                case YIELDED -> message.descriptors().stream().findFirst()
                        .ifPresent(descriptor -> successionSocket = OptionalInt.of(descriptor));
                default -> message.discard();
            }
            if (message.word() == wanted) {
                return Answer.DONE;
            }
            switch (message.word()) {
                case LISTENERS, THAT_IS_ALL -> {
                    // A part of an offer; the next words tell whether it is complete.
                }
                case WITHDRAWN -> {
                    discard();
                    return Answer.WITHDRAWN;
                }
                case SUPERSEDED -> {
                    return Answer.SUPERSEDED;
                }
                case MOVED -> {
                    return Answer.MOVED;
                }
                case END -> {
                    return Answer.GONE;
                }
                default -> {
                    return Answer.MISUNDERSTOOD;
                }
            }
        }
        return Answer.ABANDONED;
    }

    private void discard() throws IOException {
        for (int listener : take()) {
            SystemCalls.close(listener);
        }
        if (successionSocket.isPresent()) {
            SystemCalls.close(successionSocket.getAsInt());
            successionSocket = OptionalInt.empty();
        }
    }

    /** Leaves the old process as it is; closes the sockets that were not taken. */
    @Override
    public void close() throws IOException {
        discard();
        connection.close();
    }
}
