package io.sluice.proxy;

import io.sluice.balance.ClientOrigins;
import io.sluice.balance.EndpointPool;
import io.sluice.balance.Traffic;
import io.sluice.datagram.FlowEnd;
import io.sluice.metrics.EndpointFailure;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;
import io.sluice.service.ServicePortName;
import io.sluice.simulation.Place;
import io.sluice.simulation.World;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The sockets of a simulated machine, and what the data path does with a connection or a datagram: the kind of its traffic, a
 * pick of the port's targets, and another one when an endpoint refuses.
 */
public final class SimulatedKernel {

    /** Attempts of one connection, as {@code --connect-retries} has it. */
    private static final int ATTEMPTS = 3;

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
    private boolean outOfDescriptors;

    /** @param alive whether an endpoint takes connections */
    public SimulatedKernel(World world, Predicate<EndpointAddress> alive) {
        this.world = world;
        this.alive = alive;
    }

    /** Where the data path listens. */
    public Set<Place> listening() {
        return Set.copyOf(open.keySet());
    }

    /** The port that has the listener at an address; null if nobody listens. */
    public @Nullable ServicePortName owner(Place place) {
        Socket socket = find(place);
        return socket == null ? null : socket.destination.port().name();
    }

    /** The endpoints to which connections of this kind go now; empty if nobody listens. */
    public List<Endpoint> targets(Place place, Traffic traffic) {
        Socket socket = find(place);
        return socket == null ? List.of() : socket.pool(traffic).endpoints();
    }

    /** The kind of traffic that a client's connection is. */
    public Traffic traffic(Place place, InetAddress client) {
        Socket socket = find(place);
        return socket == null ? Traffic.INTERNAL : socket.traffic(client);
    }

    /** Other software takes a port, or gives it back. */
    public void taken(Place place, boolean now) {
        if (now && !open.containsKey(place)) {
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

    /** The socket to which the kernel gives a connection: of several, one whose process accepts. */
    private @Nullable Socket find(Place place) {
        List<Socket> all = open.getOrDefault(place, List.of());
        return all.stream().filter(socket -> socket.process.accepts).findFirst()
                .orElse(all.isEmpty() ? null : all.getFirst());
    }

    /** The sockets of one process. */
    public final class ProcessSockets {

        private final Set<Place> inherited = new HashSet<>();
        private final SimulatedFlows flows = new SimulatedFlows(world, alive);
        private ClientOrigins origins = ClientOrigins.NONE;
        private boolean accepts = true;

        /** Whether it accepts connections. */
        public void accepts(boolean now) {
            accepts = now;
        }

        /** It has descriptors of all sockets that there are. */
        public void inheritAll() {
            inherited.addAll(open.keySet());
        }

        /** It closes the descriptors that it has not used. */
        public void disinherit() {
            inherited.clear();
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
            flows.passTo(next.flows, place -> open.getOrDefault(place, List.of()).stream()
                    .filter(socket -> socket.process == next).findFirst().map(socket -> socket.destination.port())
                    .orElse(null));
        }

        /** It has ended. */
        public void closeAll() {
            flows.endAll();
            open.values().forEach(sockets -> sockets.removeIf(socket -> socket.process == this));
            open.values().removeIf(List::isEmpty);
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
        Socket socket = find(new Place(Protocol.TCP, address));
        if (socket == null) {
            return new Connected(null, null, List.of());
        }
        ServicePortTargets port = socket.destination.port();
        EndpointPool pool = socket.pool(socket.traffic(client));
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
        Socket socket = find(place);
        return socket == null
                ? null
                : socket.process.flows.receive(socket.destination, place, client,
                        socket.traffic(client.getAddress()));
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

        EndpointPool pool(Traffic traffic) {
            return destination.port().targets(place.family(), traffic).pool();
        }

        Traffic traffic(InetAddress client) {
            return process.origins.traffic(destination.kind().external(), client, place.ip());
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
}
