package io.sluice.proxy;

import io.sluice.balance.ClientOrigins;
import io.sluice.balance.EndpointPool;
import io.sluice.balance.Traffic;
import io.sluice.datagram.FlowEnd;
import io.sluice.linux.SocketName;
import io.sluice.metrics.EndpointFailure;
import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.nftables.SimulatedNetfilter.Fate;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServicePortName;
import io.sluice.simulation.Place;
import io.sluice.simulation.World;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The sockets of a simulated machine, and what the data path does with a connection or a datagram: the kind of its traffic, a
 * pick of the port's targets, and another one when an endpoint refuses.
 */
public final class SimulatedKernel {

    /** Attempts of one connection, as {@code --connect-retries} has it. */
    private static final int ATTEMPTS = 3;
    /** Sockets of one process after the other get the ports after this one. */
    private static final int FIRST_PORT = 0xb700;

    /**
     * What has become of a connection.
     *
     * @param port      whose listener accepted it; null if the kernel refused it
     * @param endpoint  the endpoint that took it; null if none did
     * @param attempted every endpoint that was tried, the last one included
     */
    public record Connected(@Nullable ServicePortName port, @Nullable EndpointAddress endpoint,
            List<EndpointAddress> attempted) {}

    private final World world;
    private final Predicate<EndpointAddress> alive;
    /** The listening sockets at each address, one of each process. */
    private final Map<Place, List<Socket>> open = new LinkedHashMap<>();
    private final Set<Place> taken = new HashSet<>();
    /** Where connections are intercepted; null where processes listen at the addresses of Services. */
    private final @Nullable SimulatedNetfilter netfilter;
    private final Set<ProcessSockets> intercepting = new LinkedHashSet<>();
    private boolean outOfDescriptors;
    private int lastPort = FIRST_PORT;

    /**
     * Has no sockets.
     *
     * @param alive     whether an endpoint takes connections
     * @param netfilter gives processes connections to addresses at which nobody listens; null if there is none
     */
    public SimulatedKernel(World world, Predicate<EndpointAddress> alive, @Nullable SimulatedNetfilter netfilter) {
        this.netfilter = netfilter;
        this.world = world;
        this.alive = alive;
    }

    /** Where the data path gets connections and datagrams. */
    public Set<Place> listening() {
        return netfilter == null
                ? Set.copyOf(open.keySet())
                : netfilter.places().stream().filter(place -> find(place) != null).collect(Collectors.toSet());
    }

    /** The port that gets what comes to an address; null for none. */
    public @Nullable ServicePortName owner(Place place) {
        Reached reached = find(place);
        return reached == null ? null : reached.destination.port().name();
    }

    /** The endpoints to which connections of this kind go now; empty if nobody listens. */
    public List<Endpoint> targets(Place place, Traffic traffic) {
        Reached reached = find(place);
        return reached == null ? List.of() : reached.pool(traffic).endpoints();
    }

    /** The kind of traffic that a client's connection is. */
    public Traffic traffic(Place place, InetAddress client) {
        Reached reached = find(place);
        return reached == null ? Traffic.INTERNAL : reached.traffic(client);
    }

    /** Other software takes a port, or gives it back. */
    public void taken(Place place, boolean now) {
        if (now && netfilter == null && !open.containsKey(place)) {
            taken.add(place);
        } else {
            taken.remove(place);
        }
    }

    /** Nobody else has a port. */
    public void free() {
        taken.clear();
        outOfDescriptors = false;
    }

    /** The process has no descriptors any more. */
    public void outOfDescriptors() {
        outOfDescriptors = true;
    }

    /** Whether the kernel refuses a listener now. */
    public boolean refuses(Place place) {
        return outOfDescriptors || taken.contains(place);
    }

    /** A process, which has no sockets yet. */
    public ProcessSockets process() {
        return new ProcessSockets();
    }

    /** Who gets a connection to an address: of several processes, one that accepts. */
    private @Nullable Reached find(Place place) {
        Reached found = null;
        if (netfilter == null) {
            for (Socket socket : open.getOrDefault(place, List.of())) {
                found = found == null || !found.process.accepts && socket.process.accepts ? socket.reached() : found;
            }
            return found;
        }
        Fate fate = netfilter.fate(place);
        if (fate == Fate.PROXY || fate == Fate.PROXY_INSIDE) {
            for (ProcessSockets process : intercepting) {
                Reached next = process.intercepted(place, netfilter);
                if (next != null && (found == null || !found.process.accepts && process.accepts)) {
                    found = next;
                }
            }
        }
        return found;
    }

    /** What a connection to an address gets to. */
    private record Reached(ProcessSockets process, Place place, Destination destination) {

        EndpointPool pool(Traffic traffic) {
            return destination.port().targets(place.family(), traffic).pool();
        }

        Traffic traffic(InetAddress client) {
            return process.origins.traffic(destination.kind().external(), client, place.ip());
        }
    }

    /** The sockets of one process. */
    public final class ProcessSockets {

        private final Set<Place> inherited = new HashSet<>();
        private final SimulatedFlows flows = new SimulatedFlows(world, alive);
        /** The ports of sockets for intercepted connections, by the address that they are bound to. */
        private final Map<InetAddress, Integer> ports = new HashMap<>();
        private final Map<InetAddress, Integer> inheritedPorts = new HashMap<>();
        /** The loopback addresses at which there is a socket for intercepted datagrams. */
        private final Set<InetAddress> datagrams = new HashSet<>();
        private final Set<InetAddress> inheritedDatagrams = new HashSet<>();
        private final Map<Place, Destination> datagramDestinations = new HashMap<>();
        private InterceptedPorts connectionDestinations = new InterceptedPorts();
        private ClientOrigins origins = ClientOrigins.NONE;
        private boolean accepts = true;

        /** Whether it accepts connections. */
        public void accepts(boolean now) {
            accepts = now;
        }

        /** It has descriptors of all sockets that there are. */
        public void inheritAll() {
            inherited.addAll(open.keySet());
            intercepting.forEach(process -> {
                inheritedPorts.putAll(process.ports);
                inheritedDatagrams.addAll(process.datagrams);
            });
        }

        /** It closes the descriptors that it has not used. */
        public void disinherit() {
            inherited.clear();
            inheritedPorts.clear();
            inheritedDatagrams.clear();
        }

        /** What it knows of clients. */
        public void origins(ClientOrigins now) {
            origins = now;
        }

        /** How many flows of datagrams it has. */
        public int flows() {
            return flows.size();
        }

        /** Gives its flows to the process that follows. */
        public void passFlows(ProcessSockets next) {
            flows.passTo(next.flows, place -> {
                Destination has = netfilter != null
                        ? next.datagramDestinations.get(place)
                        : open.getOrDefault(place, List.of()).stream().filter(socket -> socket.process == next)
                                .findFirst().map(socket -> socket.destination).orElse(null);
                return has == null ? null : has.port();
            });
        }

        /** It has ended. */
        public void closeAll() {
            flows.endAll();
            open.values().forEach(sockets -> sockets.removeIf(socket -> socket.process == this));
            open.values().removeIf(List::isEmpty);
            intercepting.remove(this);
            if (netfilter != null) {
                netfilter.ended(this);
            }
        }

        /** As {@link DataPath#intercept}. */
        public CompletionStage<? extends InterceptingSocket> intercept(InetAddress address, InterceptedPorts services) {
            Integer known = inheritedPorts.remove(address);
            if (known == null && outOfDescriptors) {
                return CompletableFuture.failedFuture(new BindException("Too many open files"));
            }
            world.check(!ports.containsKey(address), () -> address + " is opened twice");
            int port = known == null ? ++lastPort : known;
            connectionDestinations = services;
            ports.put(address, port);
            intercepting.add(this);
            return CompletableFuture.completedFuture(new Intercepting(this, new InetSocketAddress(address, port)));
        }

        /** As {@link Datagrams#intercept}. */
        public CompletionStage<? extends OpenSocket> interceptDatagrams(InetSocketAddress loopback) {
            if (!inheritedDatagrams.remove(loopback.getAddress()) && outOfDescriptors) {
                return CompletableFuture.failedFuture(new BindException("Too many open files"));
            }
            datagrams.add(loopback.getAddress());
            return CompletableFuture.completedFuture(new InterceptingDatagrams(this, loopback.getAddress()));
        }

        /** As {@link InterceptedDatagrams#put}. */
        public void put(InetSocketAddress address, AddressKind kind, ServicePortTargets port) {
            Place place = new Place(Protocol.UDP, address);
            Destination before = datagramDestinations.put(place, new Destination(address, port, kind));
            if (before != null && before.port() != port) {
                flows.end(before, place, false, FlowEnd.CLOSED);
            }
        }

        /** As {@link InterceptedDatagrams#remove}. */
        public void remove(InetSocketAddress address) {
            Place place = new Place(Protocol.UDP, address);
            Destination before = datagramDestinations.remove(place);
            if (before != null) {
                flows.end(before, place, false, FlowEnd.CLOSED);
            }
        }

        /** As {@link InterceptedDatagrams#finishAll}. */
        public void finishAll() {
            datagramDestinations.forEach((place, at) -> flows.end(at, place, true, FlowEnd.KILLED));
            datagramDestinations.clear();
        }

        private @Nullable Reached intercepted(Place place, SimulatedNetfilter filter) {
            InetAddress loopback = IpAddresses.parse(place.family() == IpFamily.IPV4 ? "127.0.0.1" : "::1");
            Integer port = ports.get(loopback);
            if (port == null || !filter.leadsTo(place.family(), port)) {
                return null;
            }
            Destination destination = place.protocol() == Protocol.TCP
                    ? connectionDestinations.find(SocketName.of(place.address()))
                    : datagrams.contains(loopback) ? datagramDestinations.get(place) : null;
            return destination == null ? null : new Reached(this, place, destination);
        }

        /** As {@link DataPath#listen}. */
        public CompletionStage<? extends AcceptingSocket> listen(InetSocketAddress address, AddressKind kind,
                ServicePortTargets port, boolean freeBind) {
            return open(new Accepting(this, new Place(Protocol.TCP, address), new Destination(address, port, kind)));
        }

        /** As {@link Datagrams#listen}. */
        public CompletionStage<? extends ReceivingSocket> receive(InetSocketAddress address, AddressKind kind,
                ServicePortTargets port, boolean freeBind) {
            return open(new Receiving(this, new Place(Protocol.UDP, address), new Destination(address, port, kind)));
        }

        private <S extends Socket> CompletionStage<S> open(S socket) {
            List<Socket> others = open.getOrDefault(socket.place, List.of());
            world.check(others.stream().noneMatch(other -> other.process == this),
                    () -> socket.place + " is opened twice");
            if (!inherited.remove(socket.place) && (refuses(socket.place) || !others.isEmpty())) {
                return CompletableFuture.failedFuture(new BindException("Address already in use"));
            }
            open.computeIfAbsent(socket.place, at -> new ArrayList<>()).add(socket);
            return CompletableFuture.completedFuture(socket);
        }
    }

    /** A client connects. */
    public Connected connect(InetSocketAddress address, InetAddress client) {
        Reached reached = find(new Place(Protocol.TCP, address));
        if (reached == null) {
            return new Connected(null, null, List.of());
        }
        ServicePortTargets port = reached.destination.port();
        EndpointPool pool = reached.pool(reached.traffic(client));
        Set<EndpointAddress> tried = new LinkedHashSet<>();
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int index = pool.pick(client, tried, world.nanoTime());
            if (index < 0) {
                break;
            }
            EndpointAddress endpoint = pool.endpoints().get(index).address();
            tried.add(endpoint);
            if (alive.test(endpoint)) {
                return new Connected(port.name(), endpoint, List.copyOf(tried));
            }
            port.health().unanswered(endpoint, EndpointFailure.REFUSED);
        }
        return new Connected(port.name(), null, List.copyOf(tried));
    }

    /** A client sends a datagram; null if it gets to no endpoint. */
    public SimulatedFlows.@Nullable Sent send(InetSocketAddress address, InetSocketAddress client) {
        Place place = new Place(Protocol.UDP, address);
        Reached reached = find(place);
        return reached == null
                ? null
                : reached.process.flows.receive(reached.destination, place, client,
                        reached.traffic(client.getAddress()));
    }

    /** A socket of a Service port. */
    private abstract class Socket {

        final ProcessSockets process;
        final Place place;
        Destination destination;

        Socket(ProcessSockets process, Place place, Destination destination) {
            this.process = process;
            this.place = place;
            this.destination = destination;
        }

        Reached reached() {
            return new Reached(process, place, destination);
        }

        void leave() {
            open.computeIfPresent(place, (at, sockets) -> {
                sockets.remove(this);
                return sockets.isEmpty() ? null : sockets;
            });
        }
    }

    private final class Accepting extends Socket implements AcceptingSocket {

        Accepting(ProcessSockets process, Place place, Destination destination) {
            super(process, place, destination);
        }

        @Override
        public void retarget(ServicePortTargets port, AddressKind kind) {
            destination = new Destination(place.address(), port, kind);
        }

        @Override
        public CompletionStage<Void> stop() {
            leave();
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> release() {
            return stop();
        }

        @Override
        public OptionalInt descriptor() {
            return OptionalInt.empty();
        }
    }

    /** As {@link ChannelDatagramListener}. */
    private final class Receiving extends Socket implements ReceivingSocket {

        Receiving(ProcessSockets process, Place place, Destination destination) {
            super(process, place, destination);
        }

        @Override
        public CompletionStage<Void> retarget(ServicePortTargets port, AddressKind kind) {
            if (port != destination.port()) {
                process.flows.end(destination, place, false, FlowEnd.CLOSED);
            }
            destination = new Destination(place.address(), port, kind);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> stop() {
            return stop(false);
        }

        @Override
        public CompletionStage<Void> finish() {
            return stop(true);
        }

        @Override
        public CompletionStage<Void> release() {
            return stop(true);
        }

        private CompletionStage<Void> stop(boolean awaited) {
            process.flows.end(destination, place, awaited, awaited ? FlowEnd.KILLED : FlowEnd.CLOSED);
            leave();
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public OptionalInt descriptor() {
            return OptionalInt.empty();
        }
    }

    /** Takes intercepted connections. */
    private static final class Intercepting implements InterceptingSocket {

        private final ProcessSockets process;
        private final InetSocketAddress bound;

        Intercepting(ProcessSockets process, InetSocketAddress bound) {
            this.process = process;
            this.bound = bound;
        }

        @Override
        public Optional<InetSocketAddress> boundAddress() {
            return Optional.of(bound);
        }

        @Override
        public CompletionStage<Void> acceptWaiting() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> stop() {
            process.ports.remove(bound.getAddress());
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> release() {
            return stop();
        }

        @Override
        public OptionalInt descriptor() {
            return OptionalInt.empty();
        }
    }

    /** Takes intercepted datagrams. */
    private record InterceptingDatagrams(ProcessSockets process, InetAddress bound) implements OpenSocket {

        @Override
        public CompletionStage<Void> stop() {
            process.datagrams.remove(bound);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public OptionalInt descriptor() {
            return OptionalInt.empty();
        }
    }
}
