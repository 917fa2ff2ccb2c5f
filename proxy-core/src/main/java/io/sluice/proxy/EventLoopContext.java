package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollIoHandle;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionLimits;
import io.sluice.balance.ClientOrigins;
import io.sluice.linux.TcpCalls;
import io.sluice.metrics.AccessLog;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HandoffPolicy;
import io.sluice.service.PeerTimeouts;
import io.sluice.uring.Ring;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connections of one event loop, and what they share. Lives on that event loop. */
final class EventLoopContext {

    private static final Logger LOG = LoggerFactory.getLogger(EventLoopContext.class);

    /** The most that is read at once, and so the most that a direction of a {@link NativeConnection} holds. */
    static final int READ_BYTES = 64 * 1024;

    /** More connections than this are a crowd. */
    private static final int CROWD = 64;

    /** How many connections an order ends before others have their turn. */
    private static final int KILLED_AT_ONCE = 256;

    /** The most pipes in use at once; their descriptors count against the process's limit. */
    private static final int PIPES = 128;

    /** The most empty pipes that are kept; each costs two descriptors. */
    private static final int SPARE_PIPES = 8;

    private final DataPath dataPath;
    private final EventLoop eventLoop;
    private final Set<ProxiedConnection> connections = new HashSet<>();
    /** Sockets of connections that have ended, but whose last bytes the peer has not acknowledged. */
    private final Set<NativeEnd> delivering = new HashSet<>();

    private final @Nullable TcpCalls calls;
    private final ByteBuffer readBuffer = ByteBuffer.allocateDirect(READ_BYTES);
    private final long readAddress = MemorySegment.ofBuffer(readBuffer).address();
    private final ByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
    private final BufferBudget budget;
    private final Deque<SplicePipe> sparePipes = new ArrayDeque<>();
    private int pipesInUse;
    private final List<EpollIoHandle> toClose = new ArrayList<>();
    private final Runnable closing = this::closePending;
    private final RecentConnections recent;
    private final DeadPeerSweep sweep;
    private final KernelSockets kernel;
    private final @Nullable KernelHandoff handoff;
    private final HandoffSweep handoffSweep;

    EventLoopContext(DataPath dataPath, EventLoop eventLoop) {
        this.dataPath = dataPath;
        this.eventLoop = eventLoop;
        this.recent = new RecentConnections(
                Math.max(1, RecentConnections.ALL / dataPath.settings().workerThreads()));
        this.sweep = new DeadPeerSweep(eventLoop);
        this.kernel = KernelSockets.open();
        this.calls = dataPath.transport() == Transport.NIO ? null : new TcpCalls();
        this.handoff = calls == null
                ? null
                : KernelHandoff.open(calls, dataPath.kernelConnections(), dataPath.settings());
        this.handoffSweep = new HandoffSweep(eventLoop);
        this.budget = new BufferBudget(dataPath.settings().buffers().memory() / dataPath.settings().workerThreads(),
                this::becameShort);
    }

    /** When clients and endpoints of Services that say nothing are taken for dead. */
    PeerTimeouts peers() {
        return dataPath.settings().peers();
    }

    /** Looks for dead peers of connections. */
    DeadPeerSweep sweep() {
        return sweep;
    }

    /** Hands connections to the kernel; null if that is not possible here. */
    @Nullable
    KernelHandoff handoff() {
        return handoff;
    }

    /** Tries it with connections that are quiet. */
    HandoffSweep handoffSweep() {
        return handoffSweep;
    }

    /** Those that the kernel has. */
    KernelConnections kernelConnections() {
        return dataPath.kernelConnections();
    }

    /** When connections of {@code port} are handed to the kernel. */
    HandoffPolicy handoff(ServicePortTargets port) {
        return handoff == null ? HandoffPolicy.NEVER : port.handoff(dataPath.settings().handoff());
    }

    /** Sockets of which there is no descriptor. */
    KernelSockets kernel() {
        return kernel;
    }

    /** What connections hold of bytes that were read and not yet delivered. */
    BufferBudget budget() {
        return budget;
    }

    /** Whether there are so many connections that what the kernel keeps for each matters. */
    boolean isCrowded() {
        return connections.size() > CROWD;
    }

    /** The bytes that the kernel may keep, written and not sent, for each socket of a crowd. */
    int unsentBytes() {
        return dataPath.settings().buffers().unsentBytes();
    }

    /** The bytes that the kernel may keep, received and not read, for each socket; 0 for its own choice. */
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

    /** The connections that have ended last. */
    RecentConnections recent() {
        return recent;
    }

    /** Those who look at connections. */
    ConnectionTaps taps() {
        return dataPath.taps();
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

    /** A fault of this program: it ends {@code what}, and nothing else. */
    void fault(String what, Throwable fault) {
        dataPath.fault(what, fault);
    }

    void ended(ProxiedConnection connection) {
        connections.remove(connection);
        dataPath.release(connection.port());
    }

    /** Keeps {@code end} beyond its connection until it is {@link #delivered}; if the event loop ends before, closes it. */
    void delivering(NativeEnd end) {
        delivering.add(end);
    }

    void delivered(NativeEnd end) {
        delivering.remove(end);
    }

    /** @param inNameOf the client whose address the connection was to have; null for this node's */
    void localFault(ConnectFailure failure, @Nullable EndpointAddress endpoint, @Nullable InetAddress inNameOf) {
        dataPath.localFault(failure, endpoint, inNameOf);
    }

    /** A source port for a connection with a client's address; each in turn, so that none is used again soon. */
    int sourcePort() {
        return dataPath.sourcePort();
    }

    /** Whether that may be returned, now or later. */
    boolean isSourcePort(int port) {
        return dataPath.settings().sourcePorts().contains(port);
    }

    /** What is known about clients' addresses. */
    ClientOrigins origins() {
        return dataPath.origins();
    }

    /** The mark of connections to endpoints (SO_MARK, socket(7)); 0 for none. */
    int connectionMark() {
        return dataPath.settings().connectionMark();
    }

    /** System calls of connections over native sockets. */
    TcpCalls calls() {
        if (calls == null) {
            throw new IllegalStateException("there are no native sockets on NIO");
        }
        return calls;
    }

    /** The ring of connections on io_uring. */
    Ring ring() {
        return dataPath.loops().ring(eventLoop);
    }

    /** The one buffer for all reads; bytes that are not passed on at once have to be copied. */
    ByteBuffer readBuffer() {
        return readBuffer;
    }

    /** The address of {@link #readBuffer} in memory. */
    long readAddress() {
        return readAddress;
    }

    /** A copy of the bytes {@code from} to {@code to}, which counts against the {@link #budget}; to be given back. */
    ByteBuf copy(ByteBuffer bytes, int from, int to) {
        ByteBuf copy = allocator.directBuffer(to - from, to - from);
        copy.writeBytes(bytes.slice(from, to - from));
        budget.take(to - from);
        return copy;
    }

    /** Joins both in one buffer, and gives {@code first} back. */
    ByteBuf join(ByteBuf first, ByteBuffer second) {
        ByteBuf both = allocator.directBuffer(first.readableBytes() + second.remaining());
        both.writeBytes(first, first.readerIndex(), first.readableBytes());
        both.writeBytes(second);
        giveBack(first);
        budget.take(both.capacity());
        return both;
    }

    /** Gives back a buffer of {@link #copy} or {@link #join}. */
    void giveBack(ByteBuf copy) {
        budget.giveBack(copy.capacity());
        copy.release();
    }

    /** An empty pipe; null if too many are in use, or there are no descriptors for one: then bulk is copied. */
    @Nullable
    SplicePipe pipe() {
        if (pipesInUse >= PIPES) {
            return null;
        }
        SplicePipe pipe = sparePipes.poll();
        if (pipe == null) {
            try {
                pipe = SplicePipe.open(budget);
            } catch (IOException e) {
                LOG.debug("no pipe for bulk, it is copied: {}", e.getMessage());
                return null;
            }
        }
        pipesInUse++;
        return pipe;
    }

    /** Gives back a {@link #pipe}. */
    void giveBack(SplicePipe pipe) {
        pipesInUse--;
        if (pipe.held() == 0 && sparePipes.size() < SPARE_PIPES) {
            sparePipes.push(pipe);
        } else {
            pipe.close();
        }
    }

    /** Frees what is kept for the next connections; none follows. */
    void close() {
        kill();
        delivering.forEach(NativeEnd::close);
        delivering.clear();
        sparePipes.forEach(SplicePipe::close);
        sparePipes.clear();
        kernel.close();
        if (handoff != null) {
            handoff.close();
        }
    }

    /**
     * Closes the descriptor of {@code end} when all events of this round are handled: if it were closed at once, the kernel
     * could give its number to a new socket, and a pending event of the old one would be handled as the new one's.
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

    /** At most {@code limit} of the open connections. */
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

    /** Ends the connections that are meant, some at a time; {@code done} gets their number. */
    void killByOrder(ConnectionFilter filter, IntConsumer done) {
        Iterator<ProxiedConnection> meant = connections.stream().filter(c -> c.meant(filter)).toList().iterator();
        killNext(meant, 0, done);
    }

    private void killNext(Iterator<ProxiedConnection> meant, int before, IntConsumer done) {
        int killed = before;
        for (int i = 0; i < KILLED_AT_ONCE && meant.hasNext(); i++) {
            ProxiedConnection connection = meant.next();
            if (connections.contains(connection)) {
                connection.contain(connection::killByOrder);
                killed++;
            }
        }
        int soFar = killed;
        if (meant.hasNext()) {
            eventLoop.execute(() -> killNext(meant, soFar, done));
        } else {
            done.accept(soFar);
        }
    }

    /** The connection that is meant: an open one, else the newest that has ended; null for none. */
    @Nullable
    ConnectionDetail find(ConnectionFilter filter) {
        for (ProxiedConnection connection : connections) {
            if (connection.meant(filter)) {
                return connection.detail();
            }
        }
        EndedConnection ended = recent.newest(filter);
        return ended == null
                ? null
                : ended.detail(
                        Instant.now().minusNanos(now() - ended.acceptedAt()).truncatedTo(ChronoUnit.MILLIS));
    }

    void drain(long deadline) {
        List.copyOf(connections).forEach(c -> c.contain(() -> c.drain(deadline)));
    }

    private void kill() {
        List.copyOf(connections).forEach(c -> c.contain(c::kill));
    }
}
