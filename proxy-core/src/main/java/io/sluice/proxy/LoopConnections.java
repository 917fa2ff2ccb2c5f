package io.sluice.proxy;

import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollIoHandle;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionLimits;
import io.sluice.metrics.AccessLog;
import io.sluice.service.EndpointAddress;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connections that one event loop owns, and what they share. Lives on that event loop. */
final class LoopConnections {

    private static final Logger LOG = LoggerFactory.getLogger(LoopConnections.class);

    /** The most that is read at once, and so the most that a direction of a {@link BareConnection} holds. */
    static final int READ_BYTES = 64 * 1024;

    /** Buffers beyond this many are left to the garbage collector. */
    private static final int SPARE_BUFFERS = 64;

    /** Pipes in use at once: what slow readers can make the kernel hold for spliced connections is bounded by them. */
    private static final int PIPES = 128;

    /** Empty pipes that are kept; each costs two descriptors. */
    private static final int SPARE_PIPES = 8;

    private final DataPath dataPath;
    private final EventLoop eventLoop;
    private final Set<ProxiedConnection> connections = new HashSet<>();
    /** Sockets of connections that are over, but for what their peers have not acknowledged. */
    private final Set<BareConnection.End> delivering = new HashSet<>();

    private final @Nullable TcpCalls calls;
    private final ByteBuffer readBuffer = ByteBuffer.allocateDirect(READ_BYTES);
    private final long readAddress = MemorySegment.ofBuffer(readBuffer).address();
    private final Deque<ByteBuffer> spare = new ArrayDeque<>();
    private final Deque<Pipe> sparePipes = new ArrayDeque<>();
    private int pipesInUse;
    private final List<EpollIoHandle> toClose = new ArrayList<>();
    private final Runnable closing = this::closePending;

    LoopConnections(DataPath dataPath, EventLoop eventLoop) {
        this.dataPath = dataPath;
        this.eventLoop = eventLoop;
        this.calls = dataPath.transport() == Transport.NIO ? null : new TcpCalls();
    }

    EventLoop eventLoop() {
        return eventLoop;
    }

    EventLoops loops() {
        return dataPath.loops();
    }

    ConnectionLimits limits() {
        return dataPath.limits();
    }

    AccessLog accessLog() {
        return dataPath.accessLog();
    }

    /** Nanoseconds since the data path started. */
    long now() {
        return dataPath.now();
    }

    void begin(ProxiedConnection connection) {
        connections.add(connection);
        connection.start();
    }

    void ended(ProxiedConnection connection) {
        connections.remove(connection);
        dataPath.release(connection.port());
    }

    /** {@code end} outlives its connection until it is {@link #delivered}; if the event loop ends before, it is closed. */
    void delivering(BareConnection.End end) {
        delivering.add(end);
    }

    void delivered(BareConnection.End end) {
        delivering.remove(end);
    }

    void localFault(ConnectFailure failure, @Nullable EndpointAddress endpoint) {
        dataPath.localFault(failure, endpoint);
    }

    /** A port for a connection in a client's name; each in turn, so that one is not used again soon. */
    int sourcePort() {
        return dataPath.sourcePort();
    }

    /** System calls of connections over bare sockets. */
    TcpCalls calls() {
        if (calls == null) {
            throw new IllegalStateException("there are no bare sockets on NIO");
        }
        return calls;
    }

    /** What connections on io_uring ask. */
    Ring ring() {
        return dataPath.loops().ring(eventLoop);
    }

    /** The one buffer that everything is read into; what is not passed on at once has to be copied. */
    ByteBuffer readBuffer() {
        return readBuffer;
    }

    /** Where {@link #readBuffer} is in memory. */
    long readAddress() {
        return readAddress;
    }

    /** A copy of {@code from} to {@code to} of the read buffer, ready to be got; to be given back. */
    ByteBuffer copy(ByteBuffer bytes, int from, int to) {
        ByteBuffer copy = spare.poll();
        if (copy == null) {
            copy = ByteBuffer.allocateDirect(READ_BYTES);
        }
        copy.clear();
        copy.put(0, bytes, from, to - from);
        return copy.limit(to - from);
    }

    /** Ends the use of a {@link #copy}. */
    void giveBack(ByteBuffer copy) {
        if (spare.size() < SPARE_BUFFERS) {
            spare.push(copy);
        }
    }

    /** An empty pipe; null if enough are in use, or there are no descriptors for one: bulk is copied then. */
    @Nullable
    Pipe pipe() {
        if (pipesInUse >= PIPES) {
            return null;
        }
        Pipe pipe = sparePipes.poll();
        if (pipe == null) {
            try {
                pipe = Pipe.open();
            } catch (IOException e) {
                LOG.debug("no pipe for bulk, it is copied: {}", e.getMessage());
                return null;
            }
        }
        pipesInUse++;
        return pipe;
    }

    /** Ends the use of a {@link #pipe}. */
    void giveBack(Pipe pipe) {
        pipesInUse--;
        if (pipe.held() == 0 && sparePipes.size() < SPARE_PIPES) {
            sparePipes.push(pipe);
        } else {
            pipe.close();
        }
    }

    /** Gives back what is kept for the next connections; none follows. */
    void close() {
        kill();
        delivering.forEach(BareConnection.End::close);
        delivering.clear();
        sparePipes.forEach(Pipe::close);
        sparePipes.clear();
    }

    /**
     * Closes the descriptor of {@code end} when all events of this round are handled: were it closed at once, the kernel
     * could give its number to a new socket, and an event that is still to be handled would be taken for the new one's.
     */
    void closeLater(EpollIoHandle end) {
        if (eventLoop.isShuttingDown()) {
            EpollConnection.closeNow(end);
            return;
        }
        toClose.add(end);
        if (toClose.size() == 1) {
            eventLoop.execute(closing);
        }
    }

    private void closePending() {
        toClose.forEach(EpollConnection::closeNow);
        toClose.clear();
    }

    /** At most {@code limit} of them. */
    List<ConnectionView> views(int limit) {
        List<ConnectionView> views = new ArrayList<>(Math.min(limit, connections.size()));
        for (ProxiedConnection connection : connections) {
            if (views.size() == limit) {
                break;
            }
            views.add(connection.view());
        }
        return views;
    }

    void drain(long deadline) {
        List.copyOf(connections).forEach(c -> c.drain(deadline));
    }

    private void kill() {
        List.copyOf(connections).forEach(ProxiedConnection::kill);
    }
}
