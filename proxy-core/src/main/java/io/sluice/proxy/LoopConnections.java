package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollIoHandle;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionLimits;
import io.sluice.linux.TcpCalls;
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

    /** More connections than these are a crowd. */
    private static final int CROWD = 64;

    /** Pipes in use at once; their descriptors come out of the process's limit. */
    private static final int PIPES = 128;

    /** Empty pipes that are kept; each costs two descriptors. */
    private static final int SPARE_PIPES = 8;

    private final DataPath dataPath;
    private final EventLoop eventLoop;
    private final Set<ProxiedConnection> connections = new HashSet<>();
    /** Sockets of connections that are over, but for what their peers have not acknowledged. */
    private final Set<BareEnd> delivering = new HashSet<>();

    private final @Nullable TcpCalls calls;
    private final ByteBuffer readBuffer = ByteBuffer.allocateDirect(READ_BYTES);
    private final long readAddress = MemorySegment.ofBuffer(readBuffer).address();
    private final ByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
    private final BufferBudget budget;
    private final Deque<Pipe> sparePipes = new ArrayDeque<>();
    private int pipesInUse;
    private final List<EpollIoHandle> toClose = new ArrayList<>();
    private final Runnable closing = this::closePending;

    LoopConnections(DataPath dataPath, EventLoop eventLoop) {
        this.dataPath = dataPath;
        this.eventLoop = eventLoop;
        this.calls = dataPath.transport() == Transport.NIO ? null : new TcpCalls();
        this.budget = new BufferBudget(dataPath.settings().buffers().memory() / dataPath.settings().workerThreads(),
                this::becameShort);
    }

    /** What connections hold of bytes that were read and not yet delivered. */
    BufferBudget budget() {
        return budget;
    }

    /** Whether there are so many that what the kernel keeps of each adds up. */
    boolean isCrowded() {
        return connections.size() > CROWD;
    }

    /** What the kernel may keep of a connection that was written and not sent, for each socket of a crowd. */
    int unsentBytes() {
        return dataPath.settings().buffers().unsentBytes();
    }

    /** What the kernel may keep of a connection that was not read, for each socket; 0 for what it thinks right. */
    int receiveBufferBytes() {
        return dataPath.settings().buffers().receiveBytes();
    }

    private void becameShort() {
        dataPath.buffersShort();
        eventLoop.execute(() -> {
            if (budget.isShort()) {
                List.copyOf(connections).forEach(c -> c.contain(c::buffersShort));
            }
        });
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
        try {
            connection.start();
        } catch (RuntimeException | Error e) {
            connection.fault(e);
        }
    }

    /** Something was thrown that nothing should throw: it ends {@code what}, and nothing else. */
    void fault(String what, Throwable fault) {
        dataPath.fault(what, fault);
    }

    void ended(ProxiedConnection connection) {
        connections.remove(connection);
        dataPath.release(connection.port());
    }

    /** {@code end} outlives its connection until it is {@link #delivered}; if the event loop ends before, it is closed. */
    void delivering(BareEnd end) {
        delivering.add(end);
    }

    void delivered(BareEnd end) {
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

    /** A copy of {@code from} to {@code to}, which counts against the {@link #budget}; to be given back. */
    ByteBuf copy(ByteBuffer bytes, int from, int to) {
        ByteBuf copy = allocator.directBuffer(to - from, to - from);
        copy.writeBytes(bytes.slice(from, to - from));
        budget.take(to - from);
        return copy;
    }

    /** Both, one after the other, in the place of {@code first}, which is given back. */
    ByteBuf join(ByteBuf first, ByteBuffer second) {
        ByteBuf both = allocator.directBuffer(first.readableBytes() + second.remaining());
        both.writeBytes(first, first.readerIndex(), first.readableBytes());
        both.writeBytes(second);
        giveBack(first);
        budget.take(both.capacity());
        return both;
    }

    /** Ends the use of what {@link #copy} or {@link #join} made. */
    void giveBack(ByteBuf copy) {
        budget.giveBack(copy.capacity());
        copy.release();
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
                pipe = Pipe.open(budget);
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
        delivering.forEach(BareEnd::close);
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
        List.copyOf(connections).forEach(c -> c.contain(() -> c.drain(deadline)));
    }

    private void kill() {
        List.copyOf(connections).forEach(c -> c.contain(c::kill));
    }
}
