package io.sluice.proxy;

import io.netty.channel.EventLoop;
import io.sluice.balance.ClientOrigins;
import io.sluice.balance.EndpointPool;
import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.Traffic;
import io.sluice.connection.ConnectFailure;
import io.sluice.datagram.Flow.Phase;
import io.sluice.datagram.Flow;
import io.sluice.datagram.FlowBounds.Bound;
import io.sluice.datagram.FlowEnd;
import io.sluice.datagram.FlowKey;
import io.sluice.datagram.FlowTable;
import io.sluice.datagram.PassedFlow;
import io.sluice.metrics.ClosedConnection;
import io.sluice.metrics.ConnectionOutcome;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.RefusalReason;
import io.sluice.proxy.ServicePortTargets.Targets;
import io.sluice.proxy.ConnectionTaps.What;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The flows of datagrams of one event loop: finds the flow of a datagram or begins one, chooses endpoints, counts, and ends
 * flows. A subclass moves the datagrams. Lives on its event loop.
 */
abstract sealed class FlowEngine permits NativeFlowEngine, ChannelFlowEngine {

    private static final Logger LOG = LoggerFactory.getLogger(FlowEngine.class);

    private static final long SWEEP_MILLIS = 500;
    /** The flows that a sweep looks at before others have their turn. */
    private static final int SWEPT_AT_ONCE = 2048;

    final Datagrams datagrams;
    final EventLoop eventLoop;
    final FlowTable<ProxiedFlow> table;
    /** Filled anew for each datagram. */
    final FlowKey key = new FlowKey();
    private boolean sweeping;
    private boolean draining;

    FlowEngine(Datagrams datagrams, EventLoop eventLoop) {
        this.datagrams = datagrams;
        this.eventLoop = eventLoop;
        this.table = new FlowTable<>(datagrams.bounds(), datagrams.places(), this::ended, datagrams.now());
    }

    /** An engine's own flow for {@link #key}. */
    abstract ProxiedFlow flow(long id, DatagramListener listener, Destination destination, Traffic traffic, int scope,
            long now);

    /**
     * Opens a socket to {@code endpoint} in the place of the one that {@code flow} may have.
     *
     * @param source the client's address, if the endpoint is to see it
     */
    abstract void open(ProxiedFlow flow, EndpointAddress endpoint, @Nullable InetAddress source) throws IOException;

    /** Closes the socket to the endpoint, if there is one. */
    abstract void shut(ProxiedFlow flow);

    /**
     * The flow of a datagram that has come to {@code listener}, with an endpoint to which it goes; {@link #key} says whose it
     * is.
     *
     * @return null if it goes nowhere; that is counted
     */
    final @Nullable ProxiedFlow route(DatagramListener listener, int scope, long now) {
        ProxiedFlow flow = table.find(key);
        if (flow == null) {
            flow = begin(listener, scope, now);
        }
        return flow == null || flow.stays(flow.port.serving()) || move(flow) ? flow : null;
    }

    private @Nullable ProxiedFlow begin(DatagramListener listener, int scope, long now) {
        Destination destination = listener.destination();
        ServicePortTargets port = destination.port();
        if (draining) {
            return null;
        }
        InetAddress client = ProxiedFlow.address(key, scope);
        InetAddress local = destination.address().getAddress();
        ClientOrigins origins = datagrams.origins();
        if (destination.kind() == AddressKind.LOAD_BALANCER && !origins.allows(port.sourceRanges(), client, local)) {
            port.meters().refused(RefusalReason.SOURCE_RANGE);
            return null;
        }
        Bound bound = table.admit(key, port.flows());
        if (bound != null) {
            datagrams.boundReached(port, bound);
            return null;
        }
        ProxiedFlow flow = flow(datagrams.nextId(), listener, destination,
                origins.traffic(destination.kind().external(), client, local), scope, now);
        table.add(flow, port.flows());
        port.meters().accepted();
        sweepLater(SWEEP_MILLIS);
        return flow;
    }

    /** Chooses an endpoint, another one if that is possible where the last has refused; false if there is none. */
    final boolean move(ProxiedFlow flow) {
        ServicePortTargets port = flow.port;
        Targets targets = port.targets(IpFamily.of(flow.listener.address().getAddress()), flow.traffic);
        InetAddress client = ProxiedFlow.address(flow.key(), flow.scope);
        int index = pick(targets.pool(), flow, client, System.nanoTime());
        if (index < 0) {
            port.meters().refused(RefusalReason.NO_ENDPOINT);
            table.end(flow, FlowEnd.NO_ENDPOINT);
            return false;
        }
        EndpointAddress chosen = targets.pool().endpoints().get(index).address();
        EndpointMeters meters = targets.meters().get(index);
        if (flow.endpoint() != null) {
            flow.moves++;
            port.meters().retried();
        }
        if (!chosen.equals(flow.endpoint()) || flow.endpointMeters == null) {
            leave(flow);
            InetAddress source = source(flow, client, chosen);
            try {
                open(flow, chosen, source);
            } catch (IOException e) {
                notOpened(flow, chosen, source, meters, e);
                return false;
            }
            flow.endpointMeters = meters;
            meters.opened();
        }
        boolean opens = flow.endpoint() == null;
        flow.goesTo(chosen, port.serving());
        if (opens && datagrams.taps().on()) {
            datagrams.taps().tell(What.OPENED, detail(flow, null), System.nanoTime());
        }
        return true;
    }

    /** The endpoint in {@code pool} to which a flow moves: not the one that has just refused, unless there is no other; -1 for none. */
    static int pick(EndpointPool pool, Flow flow, InetAddress client, long now) {
        Set<EndpointAddress> avoided = flow.avoided();
        int index = pool.pick(client, avoided, now);
        return index < 0 && !avoided.isEmpty() ? pool.pick(client, Set.of(), now) : index;
    }

    private void notOpened(ProxiedFlow flow, EndpointAddress endpoint, @Nullable InetAddress source,
            EndpointMeters meters, IOException e) {
        ConnectFailure failure = ConnectFailures.classify(e);
        LOG.debug("{} -> {}: {}", flow.port.name(), endpoint, e.getMessage());
        meters.connectFailed(ConnectFailures.counted(failure));
        boolean ours = failure == ConnectFailure.LOCAL_RESOURCES || failure == ConnectFailure.NO_LOCAL_PORT;
        if (ours) {
            datagrams.localFault(failure, endpoint, source);
        }
        flow.port.meters().refused(ours ? RefusalReason.LOCAL_RESOURCES : RefusalReason.CONNECT_FAILED);
        table.end(flow, ours ? FlowEnd.LOCAL_RESOURCES : FlowEnd.NO_ENDPOINT);
    }

    /** The client's address, if {@code endpoint} is to see it and can reply to it; null for this machine's own. */
    private @Nullable InetAddress source(ProxiedFlow flow, InetAddress client, EndpointAddress endpoint) {
        PreservedTraffic preserved = flow.port.preserved();
        if (preserved.isNone()) {
            return null;
        }
        InetAddress local = flow.listener.address().getAddress();
        flow.masqueraded = !datagrams.origins().sees(endpoint.ip(), client, local, preserved, flow.traffic);
        return flow.masqueraded ? null : client;
    }

    /** The endpoint has responded with an ICMP error, or cannot be reached. */
    final void refused(ProxiedFlow flow, ConnectFailure failure) {
        EndpointAddress endpoint = flow.endpoint();
        flow.refused();
        if (flow.endpointMeters != null) {
            flow.endpointMeters.connectFailed(ConnectFailures.counted(failure));
        }
        if (endpoint != null && ProbeResult.of(failure) == ProbeResult.SILENT) {
            flow.port.health().unanswered(endpoint, ConnectFailures.counted(failure));
        }
    }

    /** A datagram of the client was passed on. */
    final void asked(ProxiedFlow flow, int bytes, long now) {
        flow.fromClient += bytes;
        flow.port.meters().datagramFromClient();
        flow.port.meters().bytesFromClient(bytes);
        if (flow.endpointMeters != null) {
            flow.endpointMeters.bytesFromClient(bytes);
        }
        flow.asked(now);
    }

    /** A datagram of the endpoint is passed on; whether it is the last that the client waits for. */
    final boolean answered(ProxiedFlow flow, int bytes, long now) {
        if (flow.firstReplyNanos < 0) {
            flow.firstReplyNanos = now - flow.began();
            flow.port.meters().connected(flow.firstReplyNanos);
            if (flow.moves == 0 && flow.endpointMeters != null) {
                flow.endpointMeters.firstByte(flow.firstReplyNanos);
            }
        }
        flow.fromEndpoint += bytes;
        flow.port.meters().datagramFromBackend();
        flow.port.meters().bytesFromBackend(bytes);
        if (flow.endpointMeters != null) {
            flow.endpointMeters.bytesFromBackend(bytes);
        }
        return flow.answered(now);
    }

    private void leave(ProxiedFlow flow) {
        if (flow.endpointMeters != null) {
            flow.endpointMeters.closed();
            flow.endpointMeters = null;
        }
        shut(flow);
    }

    private void ended(ProxiedFlow flow, FlowEnd why) {
        leave(flow);
        if (datagrams.taps().on()) {
            datagrams.taps().tell(What.CLOSED, detail(flow, why), System.nanoTime());
        }
        if (why == FlowEnd.GAVE_WAY) {
            flow.port.meters().gaveWay();
        }
        long now = datagrams.now();
        flow.port.meters().closed(outcome(why), now - flow.began());
        if (why != FlowEnd.HANDED_OVER && datagrams.accessLog().enabled()) {
            datagrams.accessLog()
                    .log(new ClosedConnection(flow.client(), flow.port.name(), flow.listener.address(),
                            flow.endpoint(), flow.firstReplyNanos, now - flow.began(), flow.fromClient,
                            flow.fromEndpoint, flow.moves, why.code(), flow.masqueraded));
        }
        flow.listener.finished();
        datagrams.ended();
    }

    private static ConnectionOutcome outcome(FlowEnd why) {
        return switch (why) {
            case ANSWERED, EXPIRED, HANDED_OVER -> ConnectionOutcome.COMPLETED;
            case ORDERED -> ConnectionOutcome.ORDERED;
            case UNANSWERED, GAVE_WAY, NO_ENDPOINT, LOCAL_RESOURCES, CLOSED, KILLED -> ConnectionOutcome.FAILED;
        };
    }

    /** Ends the flows of a listener, but for those that wait for a reply if {@code awaited}; how many are left. */
    final int endFlows(DatagramListener listener, boolean awaited, FlowEnd why) {
        table.endAll(listener.destination().port().flows(),
                flow -> flow.listener == listener && !(awaited && flow.awaitsReply()), why);
        int[] left = new int[1];
        if (awaited) {
            table.forEach(flow -> left[0] += flow.listener == listener ? 1 : 0);
        }
        return left[0];
    }

    /** Goes on with a flow of the process before this one; whether it does, so that its socket is to be kept. */
    final boolean resume(ProxiedFlow flow, PassedFlow passed, long now) {
        ServicePortTargets port = flow.port;
        if (draining || table.find(flow.key()) != null || !port.name().toString().equals(passed.port())
                || table.admit(flow.key(), port.flows()) != null) {
            return false;
        }
        flow.resume(passed.life(), passed.endpoint(), now);
        flow.fromClient = passed.fromClient();
        flow.fromEndpoint = passed.fromEndpoint();
        flow.firstReplyNanos = passed.firstReplyNanos();
        flow.moves = passed.moves();
        table.add(flow, port.flows());
        port.meters().accepted();
        Targets targets = port.targets(IpFamily.of(flow.listener.address().getAddress()), flow.traffic);
        for (int i = 0; i < targets.meters().size() && flow.endpointMeters == null; i++) {
            if (targets.pool().endpoints().get(i).address().equals(passed.endpoint())) {
                flow.endpointMeters = targets.meters().get(i);
                flow.endpointMeters.opened();
            }
        }
        sweepLater(SWEEP_MILLIS);
        return true;
    }

    /** The next process has these flows of a listener. */
    final void endPassed(DatagramListener listener) {
        table.endAll(listener.destination().port().flows(), flow -> flow.listener == listener && flow.passed,
                FlowEnd.HANDED_OVER);
    }

    /** Ends the flows that are meant, because an operator ordered it; their number. */
    final int killByOrder(ConnectionFilter filter) {
        List<ProxiedFlow> meant = new ArrayList<>();
        table.forEach(flow -> {
            if (filter.matches(flow.id, flow.client(), flow.port.name(), flow.endpoint())) {
                meant.add(flow);
            }
        });
        meant.forEach(flow -> table.end(flow, FlowEnd.ORDERED));
        return meant.size();
    }

    /** No flow begins any more. */
    final void drain() {
        draining = true;
    }

    /** Ends all flows. */
    void close() {
        draining = true;
        table.endAll(FlowEnd.KILLED);
    }

    private void sweepLater(long millis) {
        if (!sweeping) {
            sweeping = true;
            eventLoop.schedule(this::sweep, millis, TimeUnit.MILLISECONDS);
        }
    }

    private void sweep() {
        sweeping = false;
        boolean more = false;
        try {
            more = table.expire(datagrams.now(), SWEPT_AT_ONCE);
        } catch (RuntimeException | Error e) {
            datagrams.fault("a flow of datagrams", e);
        }
        if (table.size() > 0) {
            sweepLater(more ? 0 : SWEEP_MILLIS);
        }
    }

    /** At most {@code limit} of the flows. */
    final List<ConnectionView> views(int limit) {
        List<ConnectionView> views = new ArrayList<>();
        long now = datagrams.now();
        table.forEach(flow -> {
            if (views.size() < limit) {
                views.add(view(flow, now));
            }
        });
        return views;
    }

    private ConnectionView view(ProxiedFlow flow, long now) {
        return new ConnectionView(flow.id, flow.client(), flow.listener.address(), flow.port.name(), flow.endpoint(),
                state(flow.phase()), datagrams.instant(now - flow.began()), flow.fromClient, flow.fromEndpoint,
                flow.moves);
    }

    /** @param why it has ended; null if it goes on */
    private ConnectionDetail detail(ProxiedFlow flow, @Nullable FlowEnd why) {
        long now = datagrams.now();
        return new ConnectionDetail(view(flow, now), flow.traffic, List.of(), flow.firstReplyNanos,
                now - flow.began(), -1, 0, 0, why == null ? null : why.code(), why == null ? null : why.meaning(),
                flow.masqueraded);
    }

    /** A flow that is meant; null for none. */
    final @Nullable ConnectionDetail find(ConnectionFilter filter) {
        List<ConnectionDetail> found = new ArrayList<>(1);
        table.forEach(flow -> {
            if (found.isEmpty() && filter.matches(flow.id, flow.client(), flow.port.name(), flow.endpoint())) {
                found.add(detail(flow, null));
            }
        });
        return found.isEmpty() ? null : found.getFirst();
    }

    private static String state(Phase phase) {
        return switch (phase) {
            case UNANSWERED -> "unanswered";
            case ANSWERED -> "answered";
            case STREAM -> "stream";
            case ENDED -> "closing";
        };
    }
}
