package io.sluice.reconcile;

import io.sluice.linux.SocketFailures;
import io.sluice.liveness.Faults;
import io.sluice.nftables.Contents;
import io.sluice.nftables.DirectWay;
import io.sluice.nftables.InterceptionTable;
import io.sluice.nftables.ProxyPorts;
import io.sluice.nftables.ServiceSocket;
import io.sluice.nftables.Verdict;
import io.sluice.node.AddressDemand.Use;
import io.sluice.proxy.InterceptedPorts;
import io.sluice.proxy.InterceptingSocket;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections to the addresses of Services that the kernel gives to a few sockets of this process (TPROXY): the number of
 * Services costs no socket, and no address becomes this machine's. Confined to the control thread.
 */
final class InterceptionSet implements ServiceListeners {

    private static final Logger LOG = LoggerFactory.getLogger(InterceptionSet.class);
    private static final Map<IpFamily, InetAddress> LOOPBACK =
            Map.of(IpFamily.IPV4, IpAddresses.parse("127.0.0.1"), IpFamily.IPV6, IpAddresses.parse("::1"));
    private static final Map<IpFamily, InetAddress> WILDCARD =
            Map.of(IpFamily.IPV4, IpAddresses.parse("0.0.0.0"), IpFamily.IPV6, IpAddresses.parse("::"));

    /** How long changes of endpoints are gathered. */
    private static final long REFRESH_MILLIS = 1_000;

    private final InterceptionGround ground;
    private final ServicePorts ports;
    private final boolean fallback;
    private final List<Cidr> podCidrs;
    private final ScheduledExecutorService control;
    private final InterceptedPorts intercepted = new InterceptedPorts();
    private final Map<InetSocketAddress, Claim> open = new HashMap<>();
    private final InterceptedFlows flows;
    private List<InterceptingSocket> sockets = List.of();
    private @Nullable Contents contents;
    private @Nullable InterceptionTable table;
    private @Nullable String problem;
    /** The plan that the table follows; null while the table is not this process's to change. */
    private @Nullable AddressPlan followed;
    /** Which addresses the followed plan gives to a port; only for direct ways. */
    private final Map<ServicePortName, List<InetSocketAddress>> byOwner = new HashMap<>();
    /** Ports whose endpoints the kernel does not know yet. */
    private final Set<ServicePortName> stale = new HashSet<>();
    private boolean refreshing;

    /**
     * Intercepts nothing yet.
     *
     * @param fallback whether the kernel is told of endpoints, for the time when no proxy listens
     * @param podCidrs the addresses of pods
     */
    InterceptionSet(InterceptionGround ground, ServicePorts ports, boolean fallback, List<Cidr> podCidrs,
            ScheduledExecutorService control) {
        this.ground = ground;
        this.ports = ports;
        this.fallback = fallback;
        this.podCidrs = List.copyOf(podCidrs);
        this.control = control;
        this.flows = new InterceptedFlows(ground.datagrams(), ports);
    }

    @Override
    public int open(AddressPlan plan, boolean opens, boolean freeBind) {
        int before = open.size();
        plan.claimed().forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            if (port != null && ports.usable(address, claim) && (opens || open.containsKey(address))) {
                intercepted.put(address, claim.kind(), port.targets());
                open.put(address, claim);
            }
        });
        int opened = flows.open(plan, opens);
        if (opens) {
            followed = plan;
            stale.clear(); // the contents have the endpoints of all
            byOwner.clear();
            if (fallback) {
                for (Map<InetSocketAddress, Claim> claims : List.of(plan.claimed(), plan.claimedForDatagrams())) {
                    claims.forEach((address, claim) -> byOwner
                            .computeIfAbsent(claim.owner(), name -> new ArrayList<>()).add(address));
                }
            }
            contents = contents(plan);
            apply(contents);
        }
        return open.size() - before + opened;
    }

    /** Soon, and for all changes of a while at once: the kernel needs endpoints only when this process has died. */
    @Override
    public void endpointsChanged(List<ServiceState> services) {
        if (!fallback || followed == null) {
            return;
        }
        services.forEach(service -> service.ports().forEach(
                port -> stale.add(ServicePorts.name(service.service(), port))));
        if (!refreshing) {
            refreshing = true;
            control.schedule(Faults.reported("telling the kernel of endpoints", this::refresh), REFRESH_MILLIS,
                    TimeUnit.MILLISECONDS);
        }
    }

    private void refresh() {
        refreshing = false;
        Set<ServicePortName> names = Set.copyOf(stale);
        stale.clear();
        AddressPlan plan = followed;
        InterceptionTable current = table;
        if (plan == null || current == null) {
            return;
        }
        Map<ServiceSocket, Optional<DirectWay>> changed = new HashMap<>();
        names.forEach(name -> byOwner.getOrDefault(name, List.of()).forEach(address -> {
            Claim claim = (name.protocol() == Protocol.UDP ? plan.claimedForDatagrams() : plan.claimed()).get(address);
            if (claim != null) {
                changed.put(socket(address, claim), directWay(address, claim));
            }
        }));
        try {
            current.changeWays(changed);
        } catch (IOException e) {
            LOG.warn("the kernel cannot be told of endpoints, trying again: {}", e.getMessage());
        }
    }

    private Optional<DirectWay> directWay(InetSocketAddress address, Claim claim) {
        return switch (ports.verdict(address, claim)) {
            case PROXY, PROXY_INSIDE -> ports.directWay(address, claim);
            case REFUSE, DROP -> Optional.empty();
        };
    }

    private static ServiceSocket socket(InetSocketAddress address, Claim claim) {
        return new ServiceSocket(new EndpointAddress(address.getAddress(), address.getPort()),
                claim.owner().protocol());
    }

    private Contents contents(AddressPlan plan) {
        Map<ServiceSocket, Verdict> verdicts = new HashMap<>();
        Map<ServiceSocket, DirectWay> directWays = new HashMap<>();
        Map<ServiceSocket, Set<Cidr>> sources = new HashMap<>();
        Set<ServiceSocket> eager = new HashSet<>();
        for (Map<InetSocketAddress, Claim> claims : List.of(plan.claimed(), plan.claimedForDatagrams())) {
            claims.forEach((address, claim) -> {
                ServiceSocket socket = socket(address, claim);
                verdicts.put(socket, ports.verdict(address, claim));
                Set<Cidr> allowed = ports.sources(address, claim);
                if (!allowed.isEmpty()) {
                    sources.put(socket, allowed);
                }
                if (fallback) {
                    directWay(address, claim).ifPresent(way -> directWays.put(socket, way));
                }
                RoutedPort port = ports.find(claim.owner());
                if (socket.protocol() == Protocol.TCP && port != null && ground.handsOverAtOnce(port.targets())) {
                    eager.add(socket);
                }
            });
        }
        Set<InetAddress> clusterIps = new HashSet<>();
        plan.claims().wanted().forEach((address, use) -> {
            if (use == Use.CLUSTER && !plan.routed().contains(address)) {
                clusterIps.add(address);
            }
        });
        return new Contents(verdicts, clusterIps, directWays, sources, eager);
    }

    private void apply(Contents wanted) {
        String before = problem;
        try {
            table().apply(wanted);
            problem = null;
            if (before != null) {
                LOG.info("connections to Services are intercepted now");
            }
        } catch (IOException e) {
            problem = String.valueOf(e.getMessage());
            if (!problem.equals(before)) {
                LOG.warn("connections to Services cannot be intercepted, trying again: {}", problem);
            }
        }
    }

    /** Leads to the sockets of this process, which are opened if they are not. */
    private InterceptionTable table() throws IOException {
        InterceptionTable current = table;
        if (current == null || sockets.isEmpty()) {
            sockets = intercept();
            current = ground.table(proxyPorts(), podCidrs);
            table = current;
        }
        sockets.stream().flatMap(socket -> socket.boundAddress().stream())
                .filter(address -> address.getAddress().isLoopbackAddress()).forEach(flows::intercept);
        return current;
    }

    /** Those of each family that has both its sockets. */
    private Map<IpFamily, ProxyPorts> proxyPorts() {
        Map<IpFamily, ProxyPorts> found = new EnumMap<>(IpFamily.class);
        LOOPBACK.forEach((family, loopback) -> {
            OptionalInt transparent = port(loopback);
            OptionalInt redirected = port(WILDCARD.get(family));
            if (transparent.isPresent() && redirected.isPresent()) {
                found.put(family, new ProxyPorts(transparent.getAsInt(), redirected.getAsInt()));
            }
        });
        return found;
    }

    private OptionalInt port(@Nullable InetAddress bound) {
        return sockets.stream().flatMap(socket -> socket.boundAddress().stream())
                .filter(address -> address.getAddress().equals(bound)).mapToInt(InetSocketAddress::getPort).findFirst();
    }

    /** A node without IPv6 has no use for the sockets of that family. */
    private List<InterceptingSocket> intercept() throws IOException {
        List<InterceptingSocket> opened = new ArrayList<>();
        IOException failure = null;
        for (IpFamily family : IpFamily.values()) {
            try {
                opened.addAll(intercept(family));
            } catch (IOException e) {
                failure = e;
                LOG.debug("intercepting", failure);
            }
        }
        if (opened.isEmpty() && failure != null) {
            throw failure;
        }
        return opened;
    }

    /** Both sockets of a family, or none. */
    private List<InterceptingSocket> intercept(IpFamily family) throws IOException {
        List<InterceptingSocket> opened = new ArrayList<>();
        for (Map<IpFamily, InetAddress> addresses : List.of(LOOPBACK, WILDCARD)) {
            InetAddress address = Objects.requireNonNull(addresses.get(family));
            try {
                opened.add(ground.intercept(address, intercepted).toCompletableFuture().join());
            } catch (CompletionException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                opened.forEach(socket -> socket.stop().toCompletableFuture().join());
                throw new IOException("listening on " + IpAddresses.format(address) + ": "
                        + SocketFailures.bindReason(cause, new InetSocketAddress(address, 0)), cause);
            }
        }
        return opened;
    }

    @Override
    public int close(AddressPlan plan) {
        List<InetSocketAddress> surplus =
                open.keySet().stream().filter(address -> !ports.served(plan, address)).toList();
        if (!surplus.isEmpty()) {
            // The kernel gives no more of their connections to the sockets; those that wait there are served.
            all(InterceptingSocket::acceptWaiting);
            surplus.forEach(address -> {
                open.remove(address);
                intercepted.remove(address);
            });
        }
        return surplus.size() + flows.close(plan);
    }

    @Override
    public void closeAll() {
        Contents last = contents;
        if (last != null && !sockets.isEmpty()) {
            apply(last.refused());
        }
        all(InterceptingSocket::stop);
        flows.closeAll();
        forget();
    }

    @Override
    public void release() {
        InterceptionTable current = table;
        if (current != null) {
            try {
                if (current.stopIntercepting()) {
                    all(InterceptingSocket::acceptWaiting);
                }
            } catch (IOException e) {
                LOG.warn("connections to Services are intercepted for nobody until this process has ended: {}",
                        e.getMessage());
            }
        }
        all(InterceptingSocket::release);
        flows.releaseAll();
        forget();
    }

    @Override
    public void retreat() {
        InterceptionTable current = table;
        table = null;
        all(InterceptingSocket::release);
        flows.releaseAll();
        forget();
        if (current != null) {
            try {
                current.retreat();
            } catch (IOException e) {
                LOG.warn("connections to Services are intercepted for nobody: {}", e.getMessage());
            }
        }
    }

    private void all(Function<InterceptingSocket, CompletionStage<Void>> step) {
        sockets.stream().map(socket -> step.apply(socket).toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
    }

    /** The table stays as it is: established connections need it. */
    private void forget() {
        followed = null;
        sockets = List.of();
        open.clear();
    }

    @Override
    public List<Integer> descriptors() {
        followed = null;
        // A daemon that knows of no datagrams keeps the last of two sockets at one address.
        List<Integer> descriptors = flows.descriptors();
        sockets.forEach(socket -> socket.descriptor().ifPresent(descriptors::add));
        return descriptors;
    }

    @Override
    public int size() {
        return open.size() + flows.size();
    }

    @Override
    public boolean incomplete() {
        return problem != null || flows.problem() != null;
    }

    @Override
    public boolean failedAt(InetSocketAddress address) {
        return false;
    }

    @Override
    public ListenerState state(InetSocketAddress address, Claim claim) {
        boolean datagrams = claim.owner().protocol() == Protocol.UDP;
        String reason = problem == null && datagrams ? flows.problem() : problem;
        ListenerStatus status = !(datagrams ? flows.has(address) : open.containsKey(address))
                ? ListenerStatus.NO_ENDPOINTS
                : reason != null ? ListenerStatus.FAILED : ListenerStatus.LISTENING;
        return new ListenerState(address, claim.kind(), status, status == ListenerStatus.FAILED ? reason : null);
    }

    @Override
    public boolean repair() {
        InterceptionTable current = table;
        if (current == null) {
            return false;
        }
        try {
            current.repair();
            return false;
        } catch (IOException e) {
            LOG.debug("looking after the table of rules", e);
            return true;
        }
    }

    @Override
    public void end(boolean keep) {
        InterceptionTable current = table;
        table = null;
        try {
            if (current != null && !keep) {
                current.close();
            }
        } catch (IOException e) {
            LOG.warn("the rules that intercept connections are left behind, 'sluice cleanup' removes them: {}",
                    e.getMessage());
        }
    }
}
