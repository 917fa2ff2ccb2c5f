package io.sluice.proxy;

import io.sluice.connection.ConnectionMachine;
import io.sluice.connection.HandoffResult;
import io.sluice.connection.PeerSilence;
import io.sluice.connection.Side;
import io.sluice.linux.ConnectErrnoException;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemError;
import io.sluice.linux.TcpCalls;
import io.sluice.linux.TcpInfo;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HandoffPolicy;
import io.sluice.service.IpFamily;
import io.sluice.service.PeerTimeouts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * A connection over two native sockets on an event loop, without channels and pipelines: what the engines for epoll and
 * io_uring have in common, which is everything but how they wait.
 *
 * <p>Bytes that cannot be written at once are copied into a buffer of the connection's own, and nothing more is read in that
 * direction until they are written. Bulk goes through a pipe.
 */
abstract sealed class NativeConnection extends ProxiedConnection permits EpollConnection, UringConnection {

    /** The reads in a row after which other connections have their turn. */
    static final int READS_IN_A_ROW = 8;
    /** The most ports of a client's address that are tried for one connection. */
    private static final int SOURCE_PORTS = 16;
    /** Longer than a peer waits before it acknowledges (40 ms; 200 ms at the most, RFC 9293 says 500). */
    private static final long QUIET_NANOS = 100_000_000;

    final TcpCalls calls;
    final NativeEnd client;
    @Nullable
    NativeEnd backend;
    /** The client was told to send nothing yet; nothing is read from it before an endpoint is connected. */
    private boolean held;
    /** The endpoint, too. */
    private boolean hushed;
    /** Nothing was found by which it can never be handed to the kernel. */
    private boolean handable = true;
    private boolean awaitsQuiet;

    /** @param client the descriptor of a socket with TCP_NODELAY and SO_KEEPALIVE */
    NativeConnection(AcceptedClient accepted, EventLoopContext owner, int client) {
        super(accepted, owner);
        this.calls = owner.calls();
        this.client = end(Side.CLIENT, client);
        this.held = owner.handoff(accepted.port()) == HandoffPolicy.EAGER;
    }

    /** Whether nothing is read from the client yet, because the connection is handed over before it sends. */
    final boolean isHeld() {
        return held;
    }

    /**
     * Stops waiting for bytes, so that whatever comes stays in the sockets.
     *
     * @return whether that is so already; else {@link #handOff} is called again when it is
     */
    abstract boolean quiesce();

    /** Waits for bytes again. */
    abstract void resume();

    /** Makes a socket of this engine. */
    abstract NativeEnd end(Side side, int fd);

    @Override
    void start() {
        if (!client.register()) {
            machine.failed(Side.CLIENT, owner.now());
        }
        super.start();
        pump();
    }

    @Override
    void open(EndpointAddress address) {
        InetAddress client = source(address);
        IOException failure = client == null ? open(address, null) : openInNameOf(client, address);
        NativeEnd end = backend;
        if (failure != null || end == null) {
            backendFailed(failure == null ? new IOException("closed") : failure);
            return;
        }
        if (!end.register()) {
            backend = null;
            end.close();
            backendFailed(new ErrnoException("the event loop's registration", Errno.ENOMEM));
        } else if (!end.connecting) {
            opened();
        }
    }

    /** The same from a port of the client's address; one that was used before is likely to be in TIME_WAIT. */
    private @Nullable IOException openInNameOf(InetAddress client, EndpointAddress address) {
        IOException failure = null;
        for (int i = 0; i < SOURCE_PORTS; i++) {
            InetSocketAddress source = new InetSocketAddress(client, owner.sourcePort());
            failure = open(address, source);
            if (failure != null && portInUse(failure)
                    && owner.kernel().endTimeWait(source, address.toSocketAddress())) {
                failure = open(address, source);
            }
            if (failure == null || !portInUse(failure)) {
                break;
            }
        }
        return failure;
    }

    /** Sets {@link #backend} and begins to connect; returns the failure, or null. */
    private @Nullable IOException open(EndpointAddress address, @Nullable InetSocketAddress source) {
        NativeEnd end;
        try {
            end = end(Side.BACKEND, calls.open(address.family() == IpFamily.IPV6));
        } catch (IOException e) {
            return e;
        }
        try {
            int mark = mark(address);
            if (mark != 0) {
                calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK, mark);
            }
            if (source != null) {
                calls.option(end.fd, SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT, 1);
                calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_REUSEADDR, 1);
                calls.bind(end.fd, source.getAddress(), source.getPort());
            }
            if (owner.receiveBufferBytes() > 0) {
                calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUF, owner.receiveBufferBytes());
            }
            end.connecting = !calls.connect(end.fd, address.ip(), address.port());
        } catch (IOException e) {
            end.close();
            return e;
        }
        backend = end;
        return null;
    }

    /** Of the socket to the endpoint, which is to send nothing yet either if it may be handed over at once. */
    private int mark(EndpointAddress endpoint) {
        KernelHandoff handoff = owner.handoff();
        WindowOpener windows = held && handoff != null ? handoff.windows() : null;
        hushed = windows != null && way(endpoint) == HandoffResult.HANDED;
        return windows != null && hushed ? windows.hushed() : owner.connectionMark();
    }

    private static boolean portInUse(IOException failure) {
        return failure instanceof SystemError error
                && (error.errno() == Errno.EADDRINUSE || error.errno() == Errno.EADDRNOTAVAIL);
    }

    /** The endpoint has accepted: what the client has sent so far goes out. */
    final void opened() {
        NativeEnd end = backend;
        if (end != null) {
            if (metItself(end)) {
                backend = null;
                end.reset();
                backendFailed(new ConnectErrnoException(Errno.ECONNREFUSED.number()));
                return;
            }
            end.writable = true;
            if (!end.writeHeader()) {
                return;
            }
        }
        backendConnected();
        if (held && end != null) {
            held = false;
            if (handedOver(end, true)) {
                return;
            }
        }
        if (end != null) {
            end.flush();
        }
        rearm();
        pump();
    }

    /**
     * Tries to hand it to the kernel now.
     *
     * @param wasHeld whether the client waits for a word before it sends anything
     */
    private boolean handedOver(NativeEnd end, boolean wasHeld) {
        KernelHandoff handoff = owner.handoff();
        EndpointAddress endpoint = endpoint();
        if (handoff == null || endpoint == null) {
            return false;
        }
        HandoffResult result = attempt(handoff, end, endpoint, wasHeld);
        if (result == HandoffResult.HANDED) {
            handedOver(owner.kernelConnections());
            return true;
        }
        if (wasHeld && result.isPassing()) {
            awaitQuiet();
        }
        handable = result.isPassing();
        return false;
    }

    private HandoffResult attempt(KernelHandoff handoff, NativeEnd end, EndpointAddress endpoint, boolean wasHeld) {
        HandoffResult result = way(endpoint);
        if (result == HandoffResult.HANDED && handoff.isPossible() && !owner.taps().on()) {
            return handoff.attempt(client.fd, end.fd, accepted(), endpoint, wasHeld);
        }
        WindowOpener windows = handoff.windows();
        if (wasHeld && windows != null) {
            windows.open(client.fd, accepted().client());
        }
        if (hushed && windows != null) {
            windows.openHushed(end.fd, endpoint.toSocketAddress());
        }
        if (result == HandoffResult.HANDED) {
            return HandoffResult.BUSY;
        }
        owner.kernelConnections().count(result);
        return result;
    }

    /**
     * Whether the kernel can carry packets between the two: {@link HandoffResult#HANDED}, or why not. It forwards packets; what
     * it gives to a process of this machine can meet another socket. So can a reply to a port from which this proxy connects in
     * the client's name, and then the kernel does not forward it (ip_forward(), net/ipv4/ip_forward.c).
     */
    private HandoffResult way(EndpointAddress endpoint) {
        InetSocketAddress from = accepted().client();
        if (owner.origins().isHere(from.getAddress()) || owner.origins().isHere(endpoint.ip())
                || IpFamily.of(accepted().listener().getAddress()) != endpoint.family()) {
            return HandoffResult.WAY;
        }
        return owner.isSourcePort(from.getPort()) ? HandoffResult.CLIENT_PORT : HandoffResult.HANDED;
    }

    private void awaitQuiet() {
        if (!awaitsQuiet) {
            awaitsQuiet = true;
            owner.handoffSweep().add(this);
        }
    }

    /**
     * Hands it to the kernel if no byte came or went for a while.
     *
     * @return whether it is worth another look
     */
    final boolean handOffIfQuiet() {
        if (machine.phase() != ConnectionMachine.Phase.ESTABLISHED || !handable) {
            return false;
        }
        KernelHandoff handoff = owner.handoff();
        if (machine.idle(owner.now()) < QUIET_NANOS || !isEmpty() || owner.taps().on() || handoff == null
                || !handoff.isPossible()) {
            return true;
        }
        if (quiesce()) {
            handOff();
        }
        return machine.phase() == ConnectionMachine.Phase.ESTABLISHED && handable;
    }

    /** The second half: nothing is waited for now. */
    final void handOff() {
        NativeEnd end = backend;
        if (machine.phase() == ConnectionMachine.Phase.ESTABLISHED && end != null && isEmpty()
                && handedOver(end, false)) {
            return;
        }
        resume();
    }

    /** No byte is with the proxy. */
    private boolean isEmpty() {
        return machine.buffered(Side.CLIENT) == 0 && machine.buffered(Side.BACKEND) == 0;
    }

    /** Whether no socket listens on the endpoint's port of this machine, and the kernel chose that port for ours. */
    private boolean metItself(NativeEnd end) {
        EndpointAddress endpoint = endpoint();
        try {
            return endpoint != null && owner.origins().isHere(endpoint.ip())
                    && calls.connectedToItself(end.fd, endpoint.ip(), endpoint.port());
        } catch (IOException e) {
            LOG.debug("a connected socket has no address: {}", e.getMessage());
            return false;
        }
    }

    @Override
    void abandon() {
        NativeEnd attempt = backend;
        backend = null;
        if (attempt != null) {
            // The kernel may have connected it by now: the endpoint must not take this for an empty stream.
            attempt.reset();
        }
    }

    /** Reads from both sides as long as there is something to read and reading is allowed. */
    final void pump() {
        client.pump();
        NativeEnd end = backend;
        if (end != null) {
            end.pump();
        }
    }

    final @Nullable NativeEnd end(Side side) {
        return side == Side.CLIENT ? client : backend;
    }

    @Override
    public void read(Side side, boolean enabled) {
        NativeEnd end = end(side);
        if (end != null) {
            end.reading = enabled;
        }
    }

    @Override
    public void finish(Side side) {
        NativeEnd end = end(side);
        if (end != null) {
            end.finish();
        }
    }

    @Override
    public void close(Side side) {
        NativeEnd end = end(side);
        if (end != null) {
            end.close();
        }
    }

    @Override
    public void reset(Side side) {
        NativeEnd end = end(side);
        if (end != null) {
            end.reset();
        }
    }

    @Override
    public void resetAfterDelivery(Side side) {
        NativeEnd end = end(side);
        if (end != null) {
            end.resetAfterDelivery();
        }
    }

    /** What only connections that live on need: that a peer which dies is noticed. */
    @Override
    void settled() {
        PeerTimeouts peers = port().peers(owner.peers());
        NativeEnd end = backend;
        if (end != null) {
            keepAlive(end, peers);
        }
        if (!peers.equals(owner.peers())) {
            keepAlive(client, peers); // else it has them from its listener
        }
        if (client.mayAwait() || end != null && end.mayAwait()) {
            watchPeers();
        }
        EndpointAddress endpoint = endpoint();
        if (owner.handoff(port()) == HandoffPolicy.NEVER || endpoint == null || !handable) {
            return;
        }
        HandoffResult way = way(endpoint);
        if (way == HandoffResult.HANDED) {
            awaitQuiet();
        } else {
            owner.kernelConnections().count(way);
        }
    }

    private void keepAlive(NativeEnd end, PeerTimeouts peers) {
        if (end.closed) {
            return;
        }
        try {
            if (peers.hasKeepalive()) {
                option(end, SocketOptions.TCP_KEEPIDLE, Math.toIntExact(peers.keepaliveIdle().toSeconds()));
                option(end, SocketOptions.TCP_KEEPINTVL, Math.toIntExact(peers.keepaliveInterval().toSeconds()));
                option(end, SocketOptions.TCP_KEEPCNT, peers.keepaliveCount());
            }
            calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_KEEPALIVE, 1);
        } catch (IOException e) {
            LOG.debug("no keepalive towards the {}: {}", end.side, e.getMessage());
        }
    }

    private void option(NativeEnd end, int name, int value) throws IOException {
        calls.option(end.fd, SocketOptions.IPPROTO_TCP, name, value);
    }

    @Override
    void lookAtPeers() {
        NativeEnd end = backend;
        boolean clientInDoubt = client.isInDoubt();
        boolean backendInDoubt = end != null && end.isInDoubt();
        if (clientInDoubt || backendInDoubt) {
            long limit = port().peers(owner.peers()).deadPeer().toNanos();
            if (clientInDoubt) {
                lookAtPeer(client, limit);
            }
            if (backendInDoubt && end != null) {
                lookAtPeer(end, limit);
            }
            pump();
            rearm();
        }
        if (!client.mayAwait() && (end == null || !end.mayAwait())) {
            owner.sweep().remove(this);
        }
    }

    /**
     * Asks the kernel. If the peer is dead, what it has sent before is still read, up to an end, after which the machine resets
     * the other side.
     */
    private void lookAtPeer(NativeEnd end, long limitNanos) {
        try {
            if (!end.closed && limitNanos > 0 && isSilent(end, calls.info(end.fd), limitNanos)) {
                machine.dead(end.side);
                machine.writeFailed(end.side, owner.now());
                if (!end.closed) {
                    calls.shutdownInput(end.fd);
                    end.readable = true;
                    end.mayHaveMore = true;
                }
            }
        } catch (IOException e) {
            LOG.debug("the socket cannot be asked for its peer: {}", e.getMessage());
        }
    }

    private boolean isSilent(NativeEnd end, TcpInfo info, long limitNanos) {
        if (info.isSettled()) {
            end.unsettled = false;
            end.silence = null;
            return false;
        }
        if (end.silence == null) {
            end.silence = new PeerSilence();
        }
        return isTooLong(end.silence, info, limitNanos);
    }

    @Override
    void release() {
        super.release();
        client.releaseBuffers();
        NativeEnd end = backend;
        if (end != null) {
            end.releaseBuffers();
        }
    }
}
