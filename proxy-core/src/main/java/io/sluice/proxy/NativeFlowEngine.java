package io.sluice.proxy;

import io.netty.channel.EventLoop;
import io.sluice.balance.Traffic;
import io.sluice.connection.ConnectFailure;
import io.sluice.datagram.FlowEnd;
import io.sluice.datagram.FlowKey;
import io.sluice.datagram.PassedFlow;
import io.sluice.linux.ConnectErrnoException;
import io.sluice.linux.DatagramBatch;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.linux.TcpCalls;
import io.sluice.linux.UdpCalls;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Flows over native sockets: one that is connected to the endpoint for each flow, which is how the kernel tells replies of
 * one flow from those of another, and whose ICMP errors it tells. Datagrams of clients come in batches, replies of many flows
 * leave in one.
 */
final class NativeFlowEngine extends FlowEngine {

    private static final Logger LOG = LoggerFactory.getLogger(NativeFlowEngine.class);

    private static final int INCOMING = 32;
    /** The batches of one listener before others have their turn. */
    private static final int BATCHES = 4;
    private static final int REPLIES = 64;
    /** The replies that are taken from one flow before others have their turn. */
    private static final int REPLIES_OF_A_FLOW = 16;
    /** The ports that are tried for a socket in a client's name. */
    private static final int PORT_TRIALS = 32;
    private static final int CLOSED = -1;

    /** A flow and its socket to the endpoint. */
    static final class NativeFlow extends ProxiedFlow {
        final Upstream upstream;
        int fd = CLOSED;
        /** Its datagrams cannot be sent many as one, such as those that are too long for the next link. */
        boolean oneByOne;
        /** Another process may have its socket as well. */
        boolean shared;

        NativeFlow(NativeFlowEngine engine, long id, DatagramListener listener, Destination destination,
                Traffic traffic, int scope, long now) {
            super(id, engine.key, listener, destination, traffic, scope, now);
            upstream = new Upstream(engine, this);
        }
    }

    static final class Upstream extends FlowSockets.Receiver {
        private final NativeFlowEngine engine;
        private final NativeFlow flow;

        Upstream(NativeFlowEngine engine, NativeFlow flow) {
            this.engine = engine;
            this.flow = flow;
        }

        @Override
        void ready() {
            engine.fromEndpoint(flow);
        }
    }

    private final ReadyWait wait;
    private final TcpCalls sockets = new TcpCalls();
    private final UdpCalls calls = new UdpCalls();
    private @Nullable FlowSockets waiting;
    private @Nullable DatagramBatch incoming;
    private @Nullable DatagramBatch replies;
    /** Replies that are to be sent by the socket of one listener. */
    private int queued;
    private @Nullable NativeDatagramListener queuedFor;
    private long now;

    NativeFlowEngine(Datagrams datagrams, EventLoop eventLoop, ReadyWait wait) {
        super(datagrams, eventLoop);
        this.wait = wait;
        this.now = datagrams.now();
    }

    /** What its sockets wait by; the memory for datagrams is taken with the first. */
    FlowSockets waiting() throws IOException {
        FlowSockets known = waiting;
        if (known == null) {
            known = new FlowSockets();
            wait.begin(known.descriptor(), this::ready);
            waiting = known;
        }
        return known;
    }

    private DatagramBatch incoming() {
        DatagramBatch known = incoming;
        if (known == null) {
            known = new DatagramBatch(INCOMING, true, false);
            incoming = known;
        }
        return known;
    }

    private DatagramBatch replies() {
        DatagramBatch known = replies;
        if (known == null) {
            known = new DatagramBatch(REPLIES, false, false);
            replies = known;
        }
        return known;
    }

    TcpCalls sockets() {
        return sockets;
    }

    UdpCalls calls() {
        return calls;
    }

    private void ready() {
        try {
            waiting().look(this::tick);
        } catch (IOException | RuntimeException | Error e) {
            datagrams.fault("a round of datagrams", e);
        } finally {
            sendReplies();
        }
    }

    private void tick() {
        now = datagrams.now();
    }

    /** Passes on what clients have sent. */
    void fromClients(NativeDatagramListener listener) {
        DatagramBatch batch = incoming();
        for (int i = 0; i < BATCHES && listener.isOpen(); i++) {
            int count = batch.receive(listener.descriptorNumber(), 0, INCOMING);
            try {
                int place = 0;
                while (place < count) {
                    int run = batch.run(place, count);
                    if (run == 1 || !passRun(listener, batch, place, run)) {
                        for (int one = place; one < place + run; one++) {
                            fromClient(listener, batch, one);
                        }
                    }
                    place += run;
                }
            } finally {
                batch.reset(0, Math.max(count, 0));
            }
            if (count < INCOMING) {
                return;
            }
        }
    }

    /** Passes on many datagrams of one client as one; false if they have to be passed on each on its own. */
    private boolean passRun(NativeDatagramListener listener, DatagramBatch batch, int first, int count) {
        fillKey(listener, batch, first);
        if (!(table.find(key) instanceof NativeFlow flow) || flow.oneByOne || !flow.stays(flow.port.serving())) {
            return false;
        }
        int sent = batch.sendRun(flow.fd, first, count, true);
        if (sent < 0) {
            flow.oneByOne = !failed(flow, -sent) && sent != -Errno.EAGAIN.number() && sent != -Errno.ENOBUFS.number();
            return false;
        }
        for (int i = first; i < first + count; i++) {
            asked(flow, batch.length(i), now);
        }
        return true;
    }

    private void fillKey(NativeDatagramListener listener, DatagramBatch batch, int place) {
        key.client(batch.senderHigh(place), batch.senderLow(place), batch.senderPort(place));
        listener.fill(key);
    }

    private void fromClient(NativeDatagramListener listener, DatagramBatch batch, int place) {
        fillKey(listener, batch, place);
        pass(listener, batch.senderScope(place), batch.address(place), batch.length(place));
    }

    /** Passes on one datagram that another socket has received; {@link #key} says whose it is. */
    void pass(NativeDatagramListener listener, int scope, long address, int length) {
        if (route(listener, scope, now) instanceof NativeFlow flow) {
            int sent = calls.send(flow.fd, address, length);
            // The error may be that of an earlier datagram, which the kernel tells now.
            if (sent < 0 && failed(flow, -sent) && move(flow)) {
                sent = calls.send(flow.fd, address, length);
            }
            if (sent >= 0) {
                asked(flow, length, now);
            }
        }
    }

    /** Passes on a datagram that another event loop has received. */
    void passCopy(NativeDatagramListener listener, FlowKey of, int scope, byte[] datagram) {
        now = datagrams.now();
        key.client(of.clientHigh(), of.clientLow(), of.clientPort());
        listener.fill(key);
        pass(listener, scope, incoming().put(0, datagram), datagram.length);
    }

    /** Whether the endpoint has refused, or cannot be reached; other errors concern one datagram alone. */
    private boolean failed(NativeFlow flow, int number) {
        Errno errno = Errno.of(number);
        ConnectFailure failure = switch (errno) {
            case ECONNREFUSED -> ConnectFailure.REFUSED;
            case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, ENOPROTOOPT, EPROTO, EACCES ->
                    ConnectFailure.UNREACHABLE;
            case null, default -> null;
        };
        if (failure != null) {
            refused(flow, failure);
        }
        return failure != null;
    }

    private void fromEndpoint(NativeFlow flow) {
        DatagramBatch batch = replies();
        if (!(flow.listener instanceof NativeDatagramListener listener)) {
            return;
        }
        if (queuedFor != listener || queued == REPLIES) {
            sendReplies();
        }
        int count = batch.receive(flow.fd, queued, Math.min(REPLIES_OF_A_FLOW, REPLIES - queued));
        if (count < 0) {
            failed(flow, -count);
            return;
        }
        FlowKey client = flow.key();
        boolean last = false;
        queuedFor = listener;
        for (int i = 0; i < count; i++, queued++) {
            batch.sendTo(queued, client.clientHigh(), client.clientLow(), client.clientPort(), flow.scope);
            last |= answered(flow, batch.length(queued), now);
        }
        if (last) {
            table.end(flow, FlowEnd.ANSWERED);
        }
    }

    /** A datagram that the kernel does not take is lost, as it may be anywhere on its way. */
    private void sendReplies() {
        NativeDatagramListener listener = queuedFor;
        if (queued == 0 || listener == null) {
            return;
        }
        DatagramBatch batch = replies();
        int done = 0;
        while (done < queued && listener.isOpen()) {
            int run = batch.run(done, queued);
            if (run > 1 && batch.sendRun(listener.descriptorNumber(), done, run, false) > 0) {
                done += run;
                continue;
            }
            int end = done + run;
            while (run == 1 && end < queued && batch.run(end, queued) == 1) {
                end++;
            }
            int sent = batch.send(listener.descriptorNumber(), done, end - done);
            if (sent == -Errno.EAGAIN.number()) {
                break;
            }
            done += Math.max(1, sent);
        }
        batch.reset(0, queued);
        queued = 0;
        queuedFor = null;
    }

    @Override
    ProxiedFlow flow(long id, DatagramListener listener, Destination destination, Traffic traffic, int scope,
            long began) {
        return new NativeFlow(this, id, listener, destination, traffic, scope, began);
    }

    @Override
    void open(ProxiedFlow any, EndpointAddress endpoint, @Nullable InetAddress source) throws IOException {
        if (!(any instanceof NativeFlow flow)) {
            throw new IllegalStateException("not a flow of this engine");
        }
        int fd = calls.open(endpoint.family() == IpFamily.IPV6);
        try {
            if (datagrams.mark() != 0) {
                sockets.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK, datagrams.mark());
            }
            if (source != null) {
                sockets.option(fd, SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT, 1);
                bind(fd, source);
            }
            sockets.connect(fd, endpoint.ip(), endpoint.port());
            if (datagrams.isHere(endpoint.ip())
                    && sockets.connectedToItself(fd, endpoint.ip(), endpoint.port())) {
                throw new ConnectErrnoException(Errno.ECONNREFUSED.number());
            }
            waiting().add(fd, flow.upstream);
        } catch (IOException e) {
            calls.close(fd);
            throw e;
        }
        flow.fd = fd;
    }

    /** At a port of its own, so that replies to one client's flows cannot be mistaken for each other. */
    private void bind(int fd, InetAddress source) throws IOException {
        int port = datagrams.sourcePort();
        for (int trial = 1;; trial++) {
            try {
                sockets.bind(fd, source, port);
                return;
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EADDRINUSE) {
                    throw e;
                }
                if (trial == PORT_TRIALS) {
                    throw new ErrnoException("bind", Errno.EADDRNOTAVAIL);
                }
                port = datagrams.randomSourcePort();
            }
        }
    }

    @Override
    void shut(ProxiedFlow any) {
        if (any instanceof NativeFlow flow && flow.fd != CLOSED) {
            leave(flow);
            calls.close(flow.fd);
            flow.fd = CLOSED;
        }
    }

    /** A socket that another process has as well would stay in the set for ever. */
    private void leave(NativeFlow flow) {
        if (waiting == null) {
            return;
        }
        if (flow.shared) {
            try {
                waiting.remove(flow.fd, flow.upstream);
            } catch (IOException e) {
                LOG.debug("a socket was not waited for: {}", e.getMessage());
            }
        } else {
            waiting.closed(flow.upstream);
        }
    }

    /**
     * A flow for the next process, with another descriptor of its socket, which is the caller's to close; null if there is
     * nothing of it to pass.
     */
    FlowPassing.@Nullable Passed pass(NativeFlow flow) throws IOException {
        EndpointAddress endpoint = flow.endpoint();
        if (flow.fd == CLOSED || endpoint == null || flow.passed || !flow.avoided().isEmpty()) {
            return null;
        }
        int descriptor = SystemCalls.duplicate(flow.fd);
        flow.shared = true;
        flow.passed = true;
        return new FlowPassing.Passed(
                new PassedFlow(flow.key(), flow.scope, flow.port.name().toString(), endpoint,
                        flow.life(datagrams.now()), flow.fromClient, flow.fromEndpoint, flow.firstReplyNanos,
                        flow.moves),
                descriptor);
    }

    /** Goes on with a flow of the process before this one, or closes its socket: the client's next datagram begins anew. */
    void resume(NativeDatagramListener listener, PassedFlow passed, int descriptor) {
        now = datagrams.now();
        FlowKey of = passed.key();
        key.client(of.clientHigh(), of.clientLow(), of.clientPort());
        listener.fill(key);
        Destination destination = listener.destination();
        Traffic traffic = datagrams.origins().traffic(destination.kind().external(),
                ProxiedFlow.address(key, passed.scope()), destination.address().getAddress());
        NativeFlow flow =
                new NativeFlow(this, datagrams.nextId(), listener, destination, traffic, passed.scope(), now);
        if (!listener.isOpen() || !resume(flow, passed, now)) {
            calls.close(descriptor);
            return;
        }
        flow.fd = descriptor;
        flow.shared = true;
        try {
            waiting().add(descriptor, flow.upstream);
        } catch (IOException e) {
            LOG.debug("a socket of the process before this one cannot be waited for: {}", e.getMessage());
            table.end(flow, FlowEnd.LOCAL_RESOURCES);
        }
    }

    /** Something was thrown that nothing should throw, by what {@code subject} has received. */
    void fault(String subject, Throwable fault) {
        LOG.debug("datagrams of {}", subject);
        datagrams.fault("datagrams of " + subject, fault);
    }
}
