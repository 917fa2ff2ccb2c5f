package io.sluice.proxy;

import io.sluice.connection.Handoff;
import io.sluice.connection.HandoffResult;
import io.sluice.connection.HandoffSteps;
import io.sluice.connection.Side;
import io.sluice.connection.SocketTerms;
import io.sluice.linux.RawAcknowledgements;
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

    /** What a client may send before the endpoint or the proxy says more: less than any socket here takes. */
    private static final int FIRST_WINDOW_BYTES = 32 * 1024;
    private static final int LARGEST_WINDOW = 0xffff;

    private final TcpCalls calls;
    private final KernelConnections connections;
    private final ConntrackCalls conntrack;
    /** Null where nothing is handed over at once. */
    private final @Nullable RawAcknowledgements acknowledgements;
    private final HandoffSettings marks;
    private final SocketName name = new SocketName();

    private KernelHandoff(TcpCalls calls, KernelConnections connections, ConntrackCalls conntrack,
            @Nullable RawAcknowledgements acknowledgements, HandoffSettings marks) {
        this.calls = calls;
        this.connections = connections;
        this.conntrack = conntrack;
        this.acknowledgements = acknowledgements;
        this.marks = marks;
    }

    /** Opens sockets to the kernel; null if nothing is to be handed over, or the kernel refuses. */
    static @Nullable KernelHandoff open(TcpCalls calls, KernelConnections connections, ProxySettings settings) {
        HandoffSettings marks = settings.handoff();
        if (marks.policy() == HandoffPolicy.NEVER) {
            return null;
        }
        ConntrackCalls conntrack = null;
        try {
            conntrack = ConntrackCalls.open(calls);
            return new KernelHandoff(calls, connections, conntrack,
                    marks.atOnce() ? RawAcknowledgements.open(calls, settings.connectionMark()) : null, marks);
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
     * @param held     whether the client waits for a word before it sends anything
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
        if (held && result == HandoffResult.HANDED) {
            attempt.letClientSend();
        } else if (held) {
            letSend(client, accepted.client());
        }
        return result;
    }

    /** Tells a client of a connection that stays with the proxy that it may send. */
    void letSend(int client, InetSocketAddress address) {
        try {
            TcpTerms terms = calls.terms(client);
            if (!terms.established()) {
                return;
            }
            int written = calls.freeze(client);
            int received = calls.received(client);
            calls.thaw(client);
            acknowledge(local(client), address, written, received, FIRST_WINDOW_BYTES >> terms.ownScale());
        } catch (IOException e) {
            LOG.debug("{} learns by a probe of its own that it may send: {}", address, e.getMessage());
        }
    }

    private void acknowledge(InetSocketAddress from, InetSocketAddress to, int sequence, int acknowledged, int window)
            throws IOException {
        if (acknowledgements != null) {
            acknowledgements.send(from, to, sequence, acknowledged, window);
        }
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
        private Numbers written = new Numbers(0, 0);
        private int windowBytes;
        private int windowScale;

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
            if (side == Side.BACKEND) {
                windowBytes = terms.peerWindowBytes();
                windowScale = terms.peerScale();
            }
            return new SocketTerms(terms.established(), terms.settled(), terms.timestamps(), terms.selective(),
                    terms.congestionMarks(), terms.peerScale(), terms.ownScale(), terms.peerSegmentBytes(),
                    terms.ownSegmentBytes());
        }

        @Override
        public Numbers freeze(Side side) throws IOException {
            int next = calls.freeze(fd(side));
            Numbers numbers = new Numbers(next, calls.received(fd(side)));
            if (side == Side.BACKEND) {
                written = numbers;
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

        /** As if the endpoint said so. */
        private void letClientSend() {
            NewConnection to = upstream;
            if (to == null || to.source() == null || to.target() == null) {
                return;
            }
            int window = windowBytes == 0 ? FIRST_WINDOW_BYTES : windowBytes;
            try {
                acknowledge(to.target(), to.source(), written.received(), written.written(),
                        Math.min(LARGEST_WINDOW, window >> windowScale));
            } catch (IOException e) {
                LOG.debug("{} learns by a probe of its own that it may send: {}", original.source(), e.getMessage());
            }
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
        if (acknowledgements != null) {
            closed(acknowledgements);
        }
    }
}
