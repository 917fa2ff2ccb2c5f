package io.sluice.node;

import io.sluice.linux.Errno;
import io.sluice.linux.SystemCalls;
import io.sluice.netlink.KernelRoutes;
import io.sluice.node.AddressDemand.Use;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import java.io.IOException;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the addresses of Services local by routes of type {@code local} on {@code lo}: the kernel then delivers packets to
 * them here, whether a process of the node sends them or a pod behind a veth.
 *
 * <p>A range is routed whole where it hides no address that the node needs; else, and for addresses outside of all ranges,
 * each address has a route of its own. Our routes carry an origin of their own ({@link KernelRoutes#PROTOCOL}), so that no
 * state has to be kept: the next daemon finds the routes that a crash left, and uses or removes them. Control thread.
 */
public final class LocalRoutes implements ServiceAddresses {

    private static final Logger LOG = LoggerFactory.getLogger(LocalRoutes.class);
    private static final int CAP_NET_ADMIN = 12;
    private static final int NAMED_ROUTES = 5;

    /** How long the node's own networks are cached: 30 s. */
    private static final long NETWORKS_NANOS = 30_000_000_000L;

    private final RoutingTable table;
    private final boolean services;
    private final LongSupplier nanoTime;
    private final List<Cidr> ranges;
    private final Set<Cidr> installed;
    private final Map<Cidr, String> rangeObjections = new HashMap<>();
    private Set<Cidr> wanted = Set.of();
    private Set<InetAddress> provided = Set.of();
    private @Nullable NodeNetworks networks;
    private long networksRead;
    /** The node's networks at the last decision about a single address; null if there was none. */
    private @Nullable NodeNetworks decidedBy;
    /** Whether the installed routes were another process's until now. */
    private boolean adopted;
    /** The kernel could not be asked or has refused something: the next {@link #repair} has everything done again. */
    private boolean unfinished;
    private boolean closed;

    LocalRoutes(RoutingTable table, List<Cidr> ranges, boolean services) throws IOException {
        this(table, ranges, services, System::nanoTime);
    }

    /** The same with another clock, a monotonic one. */
    LocalRoutes(RoutingTable table, List<Cidr> ranges, boolean services, LongSupplier nanoTime) throws IOException {
        this.nanoTime = nanoTime;
        this.services = services;
        this.table = table;
        this.ranges = ranges.stream().filter(r -> !r.network().isLoopbackAddress()).toList();
        this.installed = new HashSet<>(table.ours());
        if (!installed.isEmpty()) {
            LOG.info("local routes of an earlier run that are still there: {}; they go on or go away as needed",
                    installed.size());
        }
    }

    /**
     * Checks that this process may add routes; adds none yet.
     *
     * @param ranges routed whole where possible; loopback ranges need no route and are ignored
     * @throws IOException if this process may not do it; the message says what to do
     */
    public static LocalRoutes open(List<Cidr> ranges) throws IOException {
        if (!SystemCalls.available()) {
            throw new IOException("--address-mode local-route works on Linux only; leave it at none here");
        }
        if (!Capabilities.effective(CAP_NET_ADMIN)) {
            throw new IOException("--address-mode local-route needs CAP_NET_ADMIN to add routes: run it as root or with"
                    + " AmbientCapabilities=CAP_NET_ADMIN, or add the routes yourself ('ip route add local RANGE dev"
                    + " lo') and say --address-mode none");
        }
        return new LocalRoutes(new HostRoutingTable(), ranges, true);
    }

    /**
     * The same for the addresses on which this process itself listens, where connections to Services are intercepted.
     * Leaves routes of the process that this one follows to that process, whose connections need them.
     *
     * @throws IOException if the routes cannot be read
     */
    public static LocalRoutes openForOwn() throws IOException {
        return new LocalRoutes(new HostRoutingTable(), List.of(), false);
    }

    /**
     * Removes every route that a proxy has left, whatever its flags were; a running proxy adds its own again.
     *
     * @return how many there were
     * @throws IOException if that is not allowed; the message says so
     */
    public static int cleanup() throws IOException {
        if (!SystemCalls.available()) {
            return 0;
        }
        RoutingTable table = new HostRoutingTable();
        Set<Cidr> ours = table.ours();
        Map<Cidr, Integer> errors = table.remove(ours);
        if (!errors.isEmpty()) {
            Map.Entry<Cidr, Integer> first = errors.entrySet().iterator().next();
            throw new IOException(describe(first.getKey(), first.getValue(), false));
        }
        return ours.size();
    }

    @Override
    public Provided provide(AddressDemand demand) {
        Map<InetAddress, String> refused = new HashMap<>();
        Map<InetAddress, String> failed = new HashMap<>();
        provided = demand.wanted().keySet();
        unfinished = false;
        try {
            NodeNetworks node = networks();
            Set<Cidr> next = routedRanges(demand, node);
            List<Cidr> routed = List.copyOf(next);
            Map<Cidr, InetAddress> single = new HashMap<>();
            demand.wanted().forEach((address, use) -> {
                if (node.isLocal(address) || routed.stream().anyMatch(r -> r.contains(address))) {
                    return;
                }
                ServiceName named = demand.endpoints().get(address);
                node.objection(address, use, named != null).ifPresentOrElse(
                        reason -> refused.put(address, IpAddresses.format(address)
                                + " is not made an address of this node: it " + reason
                                + (named == null ? "" : "; " + named + " has it among its endpoints")),
                        () -> single.put(new Cidr(address, address.getAddress().length * 8), address));
            });
            next.addAll(single.keySet());
            addMissing(single.keySet()).forEach((route, errno) -> {
                next.remove(route);
                InetAddress address = single.get(route);
                // An address that got a local route from other software is here as well.
                if (errno != Errno.EEXIST.number() && address != null) {
                    failed.put(address, describe(route, errno, true));
                }
            });
            wanted = next;
            decidedBy = refused.isEmpty() && single.isEmpty() ? null : node;
            unfinished = !failed.isEmpty();
        } catch (IOException e) {
            String problem = "the kernel's routes cannot be read or changed: " + e.getMessage();
            provided.stream().filter(a -> !a.isLoopbackAddress() && !isRouted(a)).forEach(a -> failed.put(a, problem));
            wanted = Set.copyOf(installed);
            unfinished = true;
        }
        return new Provided(refused, failed);
    }

    /** Whether an address has its route, as far as is known. */
    private boolean isRouted(InetAddress address) {
        return installed.contains(new Cidr(address, address.getAddress().length * 8))
                || ranges.stream().anyMatch(range -> range.contains(address) && installed.contains(range));
    }

    /** The ranges that are local now; may be changed. */
    private Set<Cidr> routedRanges(AddressDemand demand, NodeNetworks node) throws IOException {
        Set<InetAddress> endpoints = demand.ownManifests() ? elsewhere(demand) : Set.of();
        Set<Cidr> next = new LinkedHashSet<>();
        for (Cidr range : ranges) {
            if (mayBeLocal(range, node, endpoints)) {
                next.add(range);
            }
        }
        Map<Cidr, Integer> failed = addMissing(next);
        failed.forEach((range, errno) -> object(range, describe(range, errno, true)));
        next.removeAll(failed.keySet());
        return next;
    }

    /** The endpoints whose address is not the cluster address of a Service. */
    private static Set<InetAddress> elsewhere(AddressDemand demand) {
        Set<InetAddress> endpoints = new HashSet<>(demand.endpoints().keySet());
        endpoints.removeIf(address -> demand.wanted().get(address) == Use.CLUSTER);
        return endpoints;
    }

    @Override
    public boolean affects(InetAddress endpoint) {
        return provided.contains(endpoint) || ranges.stream().anyMatch(range -> range.contains(endpoint));
    }

    private NodeNetworks networks() throws IOException {
        NodeNetworks known = networks;
        if (known == null || nanoTime.getAsLong() - networksRead > NETWORKS_NANOS) {
            known = table.networks();
            networks = known;
            networksRead = nanoTime.getAsLong();
        }
        return known;
    }

    private boolean mayBeLocal(Cidr range, NodeNetworks node, Set<InetAddress> endpoints) {
        Optional<String> objection = node.objection(range, endpoints);
        if (objection.isEmpty()) {
            if (rangeObjections.remove(range) != null) {
                LOG.info("{} is routed as a whole again", range);
            }
            return true;
        }
        object(range, range + " " + objection.get());
        return false;
    }

    private void object(Cidr range, String reason) {
        if (!reason.equals(rangeObjections.put(range, reason))) {
            LOG.warn("{}: the range is not routed as a whole, each address of a Service gets a route of its own",
                    reason);
        }
    }

    private Map<Cidr, Integer> addMissing(Collection<Cidr> routes) throws IOException {
        List<Cidr> missing = routes.stream().filter(r -> !installed.contains(r)).toList();
        if (missing.isEmpty()) {
            return Map.of();
        }
        Map<Cidr, Integer> failed = table.add(missing);
        missing.stream().filter(r -> !failed.containsKey(r)).forEach(installed::add);
        if (missing.size() > failed.size()) {
            LOG.info("local routes added: {} ({})", missing.size() - failed.size(),
                    some(missing.stream().filter(r -> !failed.containsKey(r)).toList()));
        }
        return failed;
    }

    @Override
    public void release() {
        if (services || !adopted) {
            remove(installed.stream().filter(r -> !wanted.contains(r)).toList());
        } else {
            installed.retainAll(wanted);
        }
        adopted = false;
    }

    private void remove(List<Cidr> routes) {
        if (routes.isEmpty()) {
            return;
        }
        try {
            routes.forEach(installed::remove);
            Map<Cidr, Integer> failed = table.remove(routes);
            installed.addAll(failed.keySet());
            unfinished |= !failed.isEmpty();
            if (failed.isEmpty()) {
                LOG.info("local routes removed: {} ({})", routes.size(), some(routes));
            } else {
                Map.Entry<Cidr, Integer> first = failed.entrySet().iterator().next();
                LOG.warn("local routes that cannot be removed: {}; {}", failed.size(),
                        describe(first.getKey(), first.getValue(), false));
            }
        } catch (IOException e) {
            installed.addAll(routes);
            unfinished = true;
            LOG.warn("local routes that cannot be removed: {}; {}", routes.size(), e.getMessage());
        }
    }

    @Override
    public boolean repair() {
        if (closed) {
            return false;
        }
        NodeNetworks decided = decidedBy;
        networks = null;
        try {
            Set<Cidr> there = table.ours();
            List<Cidr> lost = installed.stream().filter(r -> !there.contains(r)).toList();
            if (!lost.isEmpty()) {
                Map<Cidr, Integer> failed = table.add(lost);
                installed.removeAll(failed.keySet());
                unfinished |= !failed.isEmpty();
                LOG.warn("local routes that somebody else removed: {} ({}); added again: {}", lost.size(), some(lost),
                        lost.size() - failed.size());
            }
            return unfinished || decided != null && !decided.equals(networks());
        } catch (IOException e) {
            LOG.warn("it cannot be seen whether our local routes are still there: {}", e.getMessage());
            return false;
        }
    }

    @Override
    public void adopt() {
        adopted = true;
        try {
            Set<Cidr> there = table.ours();
            installed.clear();
            installed.addAll(there);
        } catch (IOException e) {
            LOG.warn("the routes of the daemon before this one cannot be read: {}", e.getMessage());
        }
    }

    @Override
    public boolean manages() {
        return true;
    }

    @Override
    public void close(boolean keep) {
        if (closed) {
            return;
        }
        closed = true;
        if (keep) {
            LOG.info("local routes that stay: {}; 'sluice cleanup' removes them", installed.size());
        } else {
            remove(List.copyOf(installed));
        }
    }

    private static String some(List<Cidr> routes) {
        return routes.stream().limit(NAMED_ROUTES).map(Cidr::toString).collect(Collectors.joining(", "))
                + (routes.size() > NAMED_ROUTES ? ", …" : "");
    }

    private static String describe(Cidr route, int errno, boolean add) {
        String verb = add ? "add" : "delete";
        return "'ip route " + verb + " local " + route + " dev lo' fails: " + switch (Errno.of(errno)) {
            case EPERM -> "this process lacks CAP_NET_ADMIN in its network namespace";
            case EEXIST -> "somebody else has such a route";
            case ENETDOWN -> "the loopback interface is down (ip link set lo up)";
            case null, default -> Errno.meaning(errno);
        };
    }
}
