package io.sluice.proxy;

import io.sluice.connection.Handoff;
import io.sluice.connection.HandoffResult;
import io.sluice.connection.HandoffSteps;
import io.sluice.connection.Side;
import io.sluice.connection.SocketTerms;
import io.sluice.linux.SocketName;
import io.sluice.linux.TcpCalls;
import io.sluice.linux.TcpTerms;
import io.sluice.netlink.ConntrackCalls;
import io.sluice.netlink.NewConnection;
import io.sluice.netlink.TrackedConnection;
import io.sluice.netlink.TrackedConnection.Tuple;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HandoffPolicy;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands connections of one event loop to the kernel, by {@link Handoff}. Lives on that event loop. */
final class KernelHandoff implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(KernelHandoff.class);

    private final TcpCalls calls;
    private final KernelConnections connections;
    private final ConntrackCalls conntrack;
    /** Null where nothing is handed over at once. */
    private final @Nullable WindowOpener windows;
    private final HandoffMarks marks;
    private final SocketName name = new SocketName();

    private KernelHandoff(TcpCalls calls, KernelConnections connections, ConntrackCalls conntrack,
            @Nullable WindowOpener windows, HandoffMarks marks) {
        this.calls = calls;
        this.connections = connections;
        this.conntrack = conntrack;
        this.windows = windows;
        this.marks = marks;
    }

    /** Opens sockets to the kernel; null if nothing is to be handed over, or the kernel refuses. */
    static @Nullable KernelHandoff open(TcpCalls calls, KernelConnections connections, ProxySettings settings) {
        HandoffSettings handoff = settings.handoff();
        if (handoff.policy() == HandoffPolicy.NEVER) {
            return null;
        }
        ConntrackCalls conntrack = null;
        try {
            conntrack = ConntrackCalls.open(calls);
            return new KernelHandoff(calls, connections, conntrack,
                    handoff.atOnce() ? WindowOpener.open(calls, settings.connectionMark(), handoff.marks()) : null,
                    handoff.marks());
        } catch (IOException e) {
            LOG.warn("connections are not handed to the kernel: {}", e.getMessage());
            if (conntrack != null) {
                closed(conntrack);
            }
            return null;
        }
    }

    /** Whether this is a moment to try: the kernel's table has room. */
    boolean isPossible() {
        return connections.hasRoom();
    }

    /**
     * Tries to hand over a connection of which no byte is with the proxy. If it succeeds, its sockets send nothing when they
     * are closed.
     *
     * @param client   the client's socket
     * @param backend  the endpoint's
     * @param accepted the client, and the address that it meant
     * @param endpoint the endpoint
     * @param held     whether the two peers wait for a word before they send anything
     */
    HandoffResult attempt(int client, int backend, ProxiedConnection.AcceptedClient accepted,
            EndpointAddress endpoint, boolean held) {
        Attempt attempt = new Attempt(client, backend, new Tuple(accepted.client(), accepted.listener()), endpoint);
        HandoffResult result;
        try {
            result = Handoff.attempt(attempt);
        } catch (IOException e) {
            LOG.debug("{} -> {} is not handed to the kernel: {}", accepted.client(), endpoint, e.getMessage());
            result = HandoffResult.NO_ENTRY;
        }
        connections.count(result);
        LOG.debug("{} -> {}: handing it to the kernel: {}", accepted.client(), endpoint, result);
        if (held && windows != null) {
            if (result == HandoffResult.HANDED) {
                attempt.openWindows(windows);
            } else {
                windows.open(client, accepted.client());
                windows.openHushed(backend, endpoint.toSocketAddress());
            }
        }
        return result;
    }

    /** Lets peers that wait for a word send; null where nothing is handed over at once. */
    @Nullable
    WindowOpener windows() {
        return windows;
    }

    private InetSocketAddress local(int fd) throws IOException {
        calls.localName(fd, name);
        return name.toSocketAddress();
    }

    /** One attempt. */
    private final class Attempt implements HandoffSteps {

        private final int client;
        private final int backend;
        private final Tuple original;
        private final EndpointAddress endpoint;
        /** What the kernel knew before: the client's connection to a socket here, and the one to the endpoint. */
        private @Nullable NewConnection before;
        private @Nullable NewConnection upstream;
        private @Nullable TcpTerms clientTerms;
        private @Nullable TcpTerms backendTerms;
        private Numbers clientNumbers = new Numbers(0, 0);
        private Numbers backendNumbers = new Numbers(0, 0);

        private Attempt(int client, int backend, Tuple original, EndpointAddress endpoint) {
            this.client = client;
            this.backend = backend;
            this.original = original;
            this.endpoint = endpoint;
        }

        private int fd(Side side) {
            return side == Side.CLIENT ? client : backend;
        }

        @Override
        public SocketTerms terms(Side side) throws IOException {
            TcpTerms terms = calls.terms(fd(side));
            if (side == Side.CLIENT) {
                clientTerms = terms;
            } else {
                backendTerms = terms;
            }
            return new SocketTerms(terms.established(), terms.settled(), terms.timestamps(), terms.selective(),
                    terms.congestionMarks(), terms.peerScale(), terms.ownScale(), terms.peerSegmentBytes(),
                    terms.ownSegmentBytes());
        }

        @Override
        public Numbers freeze(Side side) throws IOException {
            int next = calls.freeze(fd(side));
            Numbers numbers = new Numbers(next, calls.received(fd(side)));
            if (side == Side.CLIENT) {
                clientNumbers = numbers;
            } else {
                backendNumbers = numbers;
            }
            return numbers;
        }

        @Override
        public int received(Side side) throws IOException {
            return calls.received(fd(side));
        }

        @Override
        public boolean hasUnread(Side side) throws IOException {
            return calls.hasUnread(fd(side));
        }

        @Override
        public HandoffResult install(int toBackend, int toClient) throws IOException {
            Tuple own = new Tuple(local(backend), new InetSocketAddress(endpoint.ip(), endpoint.port()));
            TrackedConnection known = conntrack.find(own);
            if (known == null) {
                return HandoffResult.UNTRACKED;
            }
            Tuple reply = known.reply();
            InetSocketAddress here = local(client);
            int seconds = connections.establishedSeconds();
            before = new NewConnection(original, null, here.equals(original.destination()) ? null : here, 0, 0,
                    marks.intercepted(), seconds);
            upstream = new NewConnection(own, reply.destination(), reply.source(), 0, 0, marks.upstream(), seconds);
            if (conntrack.replace(original, own, new NewConnection(original, reply.destination(), reply.source(),
                    toBackend, toClient, marks.pending(), seconds))) {
                return HandoffResult.HANDED;
            }
            uninstall();
            return HandoffResult.NO_ENTRY;
        }

        @Override
        public void open() throws IOException {
            if (!conntrack.mark(original, marks.handed())) {
                throw new IOException("somebody has removed the kernel's entry");
            }
        }

        @Override
        public void uninstall() throws IOException {
            NewConnection one = before;
            NewConnection other = upstream;
            if (one != null && other != null) {
                conntrack.restore(original, one, other);
            }
        }

        @Override
        public void thaw(Side side) {
            try {
                calls.thaw(fd(side));
            } catch (IOException e) {
                LOG.debug("a socket is gone: {}", e.getMessage());
            }
        }

        private void openWindows(WindowOpener opener) {
            NewConnection known = upstream;
            TcpTerms ofClient = clientTerms;
            TcpTerms ofBackend = backendTerms;
            if (known == null || known.source() == null || known.target() == null || ofClient == null
                    || ofBackend == null) {
                return;
            }
            opener.openHanded(original.destination(), original.source(), clientNumbers.written(),
                    clientNumbers.received(), ofBackend);
            opener.openHanded(known.source(), known.target(), backendNumbers.written(), backendNumbers.received(),
                    ofClient);
        }
    }

    private static void closed(Closeable one) {
        try {
            one.close();
        } catch (IOException e) {
            LOG.debug("closing: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        closed(conntrack);
        if (windows != null) {
            closed(windows);
        }
    }
}
