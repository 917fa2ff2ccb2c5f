package io.sluice.handover;

import io.sluice.handover.HandoverConnection.Message;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.liveness.FatalErrors;
import io.sluice.node.SocketFile;
import io.sluice.proxy.FlowPassing;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The old process of a handover: waits at a Unix socket for a process that wants to take over the listening sockets of this
 * one. What it answers is decided by {@link HandoverMachine}. Lives on a thread of its own, which waits for a peer
 * only while that takes flows, two seconds at the most, and ends within a second of {@link #close} otherwise.
 *
 * <p>All processes that follow each other use one socket file: they hand over its socket too.
 */
public final class HandoverServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HandoverServer.class);
    private static final int LOOK_UP_MILLIS = 1_000;
    private static final int BACKLOG = 128;
    private static final int DESCRIPTOR_BYTES = 8;
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;
    private static final long WARN_EVERY = TimeUnit.MINUTES.toNanos(1);
    /** The pause between a failed accept and the next one. */
    private static final long ACCEPT_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);
    /** The most messages of one peer that are read before other peers have their turn. */
    private static final int MESSAGES_IN_A_ROW = 16;

    /** The process that may be succeeded; called on the server's thread. */
    public interface OldProcess {

        /** Descriptors of all listening sockets; none is opened or closed until one of the others is called. */
        List<Integer> offer();

        /** Closes every address that two processes cannot share; goes on accepting. */
        void yieldAddresses();

        /** What operators have ordered, after {@link #yieldAddresses}: messages of some kilobytes for the new process. */
        List<byte[]> orders();

        /** The new process did not take over: this one goes on as before {@link #offer}. */
        void resume();

        /**
         * The new process accepts: gives it flows of datagrams, and receives none any more. Takes seconds at the most, and is
         * followed by {@link #release}.
         */
        void passFlows(FlowPassing.Sink sink);

        /** The new process accepts: stops to, and leaves what {@link #yieldAddresses} does, if that was not called. */
        void release();

        /** The end, after {@link #release} and after the new process knows of it. */
        void succeeded();
    }

    private final int socket;
    private final SocketFile file;
    private final OldProcess process;
    private final HandoverMachine machine = new HandoverMachine(new Actions());
    private final Map<Integer, Peer> peers = new HashMap<>();
    private int ids;
    private long acceptFrom = System.nanoTime();
    private long lastWarning = System.nanoTime() - WARN_EVERY;
    private volatile boolean awaited;
    private volatile boolean offered;
    private volatile boolean closed;
    private volatile boolean released;

    /** One connection, and the messages to send over it. */
    private static final class Peer {
        final HandoverConnection connection;
        final Deque<Message> outgoing = new ArrayDeque<>();
        boolean ends;
        /** What it wants orders of operators over, and later flows of datagrams; closed with the word that it came with. */
        OptionalInt channel = OptionalInt.empty();

        Peer(HandoverConnection connection) {
            this.connection = connection;
        }

        void hasGiven(Message message) throws IOException {
            if (message.descriptors().size() == 1) {
                channel = OptionalInt.of(message.descriptors().getFirst());
            } else {
                message.discard();
            }
        }

        void closeChannel() throws IOException {
            if (channel.isPresent()) {
                SystemCalls.close(channel.getAsInt());
                channel = OptionalInt.empty();
            }
        }
    }

    private HandoverServer(int socket, SocketFile file, OldProcess process) {
        this.socket = socket;
        this.file = file;
        this.process = process;
    }

    /**
     * Listens on {@code path}, in the place of a socket that a dead process has left.
     *
     * @return empty if another process listens there
     * @throws IOException if that is not possible; the message says why, where, and what to do. No file was removed then
     */
    public static Optional<HandoverServer> open(Path path, OldProcess process) throws IOException {
        int socket = HandoverConnection.socket();
        try {
            SocketFile file = SocketFile.listen(path, socket, BACKLOG);
            return Optional.of(start(socket, file, process));
        } catch (FileAlreadyExistsException e) {
            SystemCalls.close(socket);
            return Optional.empty();
        } catch (IOException e) {
            SystemCalls.close(socket);
            throw e;
        }
    }

    /**
     * Listens with the socket of the process before this one.
     *
     * @param socket its descriptor, which the server has to close
     * @return empty if {@code file} is not there any more; the socket is closed then
     */
    static Optional<HandoverServer> inherit(int socket, SocketFile file, OldProcess process) throws IOException {
        if (!file.isThere()) {
            SystemCalls.close(socket);
            return Optional.empty();
        }
        return Optional.of(start(socket, file, process));
    }

    private static HandoverServer start(int socket, SocketFile file, OldProcess process) throws IOException {
        UnixMessages.timeout(socket, 1);
        HandoverServer server = new HandoverServer(socket, file, process);
        Thread.ofPlatform().name("sluice-handover-server").daemon().start(FatalErrors.vital(server::run));
        return server;
    }

    /** Whether another process gets ready to take over. Any thread. */
    public boolean awaited() {
        return awaited;
    }

    /** Whether another process has the sockets, and does not serve yet; ends within seconds. Any thread. */
    public boolean offered() {
        return offered;
    }

    private void run() {
        try {
            while (!closed && !released) {
                round();
            }
            if (!released) {
                machine.ending();
                file.remove();
            }
            for (Peer peer : peers.values()) {
                peer.connection.close();
            }
            SystemCalls.close(socket);
        } catch (IOException e) {
            LOG.warn("no process can take over from this one any more: {}", e.getMessage());
        } catch (RejectedExecutionException e) {
            LOG.debug("this process ended in the middle of a handover");
        }
        awaited = false;
        offered = false;
        if (released) {
            process.succeeded();
        }
    }

    private void round() throws IOException {
        long now = System.nanoTime();
        try (Arena arena = Arena.ofConfined()) {
            List<Map.Entry<Integer, Peer>> known = List.copyOf(peers.entrySet());
            MemorySegment list = arena.allocate((known.size() + 1L) * DESCRIPTOR_BYTES, Integer.BYTES);
            entry(list, 0, now >= acceptFrom ? socket : -1, POLLIN);
            for (int i = 0; i < known.size(); i++) {
                Peer peer = known.get(i).getValue();
                entry(list, i + 1, peer.connection.descriptor(),
                        peer.outgoing.isEmpty() ? POLLIN : (short) (POLLIN | POLLOUT));
            }
            SystemCalls.poll(list, known.size() + 1, pollMillis(now));
            for (int i = 0; i < known.size() && !released; i++) {
                if (events(list, i + 1) != 0) {
                    serve(known.get(i).getKey(), known.get(i).getValue());
                }
            }
            if (events(list, 0) != 0 && !released) {
                accept();
            }
            machine.timer(System.nanoTime());
            show();
        }
    }

    private void show() {
        awaited = machine.awaited();
        offered = machine.phase() == HandoverMachine.Phase.OFFERED || machine.phase() == HandoverMachine.Phase.YIELDED;
    }

    private int pollMillis(long now) {
        long next = now < acceptFrom ? acceptFrom : machine.deadline();
        return next == Long.MAX_VALUE
                ? LOOK_UP_MILLIS
                : Math.clamp(TimeUnit.NANOSECONDS.toMillis(next - now) + 1, 0, LOOK_UP_MILLIS);
    }

    /** struct pollfd. */
    private static void entry(MemorySegment list, int index, int descriptor, short events) {
        list.set(ValueLayout.JAVA_INT, (long) index * DESCRIPTOR_BYTES, descriptor);
        list.set(ValueLayout.JAVA_SHORT, (long) index * DESCRIPTOR_BYTES + 4, events);
    }

    private static short events(MemorySegment list, int index) {
        return list.get(ValueLayout.JAVA_SHORT, (long) index * DESCRIPTOR_BYTES + 6);
    }

    private void accept() {
        int fd;
        try {
            fd = SystemCalls.accept(socket);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EAGAIN) {
                acceptFrom = System.nanoTime() + ACCEPT_PAUSE;
                warn("a process that wants to take over has to wait: " + e.getMessage());
            }
            return;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        try {
            Peer peer = new Peer(new HandoverConnection(fd, 0));
            int id = ++ids;
            peers.put(id, peer);
            machine.arrived(id, System.nanoTime());
            serve(id, peer);
        } catch (IOException e) {
            warn(String.valueOf(e.getMessage()));
        }
    }

    /** Reads and writes as far as is possible without waiting. */
    private void serve(int id, Peer peer) {
        flush(peer);
        for (int i = 0; i < MESSAGES_IN_A_ROW && !peer.ends && !released; i++) {
            HandoverWord word = HandoverWord.END;
            try {
                Message message = peer.connection.receive();
                word = message.word();
                if (word == HandoverWord.READY || word == HandoverWord.SERVING) {
                    peer.hasGiven(message);
                } else {
                    message.discard();
                }
            } catch (ErrnoException e) {
                if (e.errno() == Errno.EAGAIN) {
                    return;
                }
                LOG.debug("a process that wanted to take over is gone: {}", e.getMessage());
            } catch (IOException e) {
                warn("a process at the handover socket is sent away: " + e.getMessage());
            }
            if (word == HandoverWord.UNKNOWN) {
                warn("a process at the handover socket does not speak its protocol");
            }
            machine.said(id, word, System.nanoTime());
            try {
                peer.closeChannel();
            } catch (IOException e) {
                warn(String.valueOf(e.getMessage()));
            }
        }
    }

    /** Sends waiting messages; ignores failures, as the next read reports the end of the connection. */
    private static void flush(Peer peer) {
        while (!peer.outgoing.isEmpty()) {
            Message next = peer.outgoing.getFirst();
            try {
                peer.connection.send(next.word(), next.descriptors());
                peer.outgoing.removeFirst();
            } catch (ErrnoException e) {
                if (e.errno() == Errno.EAGAIN) {
                    return;
                }
                peer.outgoing.clear();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Logs a warning, at a limited rate: peers may cause many. */
    private void warn(String line) {
        long now = System.nanoTime();
        if (now - lastWarning >= WARN_EVERY) {
            lastWarning = now;
            LOG.warn("{}", line);
        } else {
            LOG.debug("{}", line);
        }
    }

    /** Any thread; idempotent. The file is gone when this returns, unless another process has the socket. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            if (!released) {
                file.remove();
            }
        }
    }

    private final class Actions implements HandoverActions {

        private void send(int id, HandoverWord word, List<Integer> descriptors) {
            Peer peer = peers.get(id);
            if (peer != null) {
                peer.outgoing.add(new Message(word, descriptors));
                show(); // before the peer can act on the answer, or have this process ended
                flush(peer);
            }
        }

        @Override
        public void offer(int id) {
            List<Integer> sockets = process.offer();
            LOG.info("a new process is ready to take over: {} listening sockets are handed to it", sockets.size());
            for (int i = 0; i < sockets.size(); i += UnixMessages.DESCRIPTORS) {
                send(id, HandoverWord.LISTENERS,
                        sockets.subList(i, Math.min(sockets.size(), i + UnixMessages.DESCRIPTORS)));
            }
            send(id, HandoverWord.THAT_IS_ALL, List.of());
        }

        @Override
        public void yieldAddresses(int id) {
            process.yieldAddresses();
            Peer peer = peers.get(id);
            if (peer != null) {
                giveOrders(peer);
            }
            send(id, HandoverWord.YIELDED, List.of(socket));
        }

        /** They fit into what the kernel keeps of a socket; nobody is waited for. */
        private void giveOrders(Peer peer) {
            List<byte[]> orders = process.orders();
            if (orders.isEmpty()) {
                return;
            }
            if (peer.channel.isEmpty()) {
                warn("the new process is of an earlier version: what operators have ordered by hand ends with this one");
                return;
            }
            try {
                for (byte[] message : orders) {
                    UnixMessages.send(peer.channel.getAsInt(), message, List.of(), SocketOptions.MSG_DONTWAIT);
                }
            } catch (IOException e) {
                warn("the new process does not get all that operators have ordered by hand: " + e.getMessage());
            }
        }

        @Override
        public void resume(int id) {
            Peer peer = peers.get(id);
            if (peer != null) {
                peer.outgoing.clear();
            }
            process.resume();
            LOG.warn("the new process has not taken over; this one goes on");
        }

        @Override
        public void release(int id) {
            Peer peer = peers.get(id);
            if (peer != null) {
                process.passFlows(FlowChannel.sink(peer.channel));
                try {
                    peer.closeChannel();
                } catch (IOException e) {
                    warn(String.valueOf(e.getMessage()));
                }
            }
            process.release();
            send(id, HandoverWord.RELEASED, List.of());
            released = true;
        }

        @Override
        public void tell(int id, HandoverWord word) {
            send(id, word, List.of());
        }

        @Override
        public void hangUp(int id) {
            Peer peer = peers.remove(id);
            if (peer != null) {
                peer.ends = true;
                peer.outgoing.clear();
                try {
                    peer.connection.close();
                } catch (IOException e) {
                    LOG.debug("closing a connection of the handover socket: {}", e.getMessage());
                }
            }
        }
    }
}
