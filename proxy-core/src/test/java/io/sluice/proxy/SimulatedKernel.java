package io.sluice.proxy;

import io.sluice.balance.ClientOrigins;
import io.sluice.balance.EndpointPool;
import io.sluice.balance.Traffic;
import io.sluice.metrics.EndpointFailure;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.service.ServicePortName;
import io.sluice.simulation.World;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The sockets of a simulated machine, and what the data path does with a connection: the kind of its traffic, a pick of the
 * port's targets, and another one when an endpoint refuses.
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
    private final Map<InetSocketAddress, List<Socket>> open = new LinkedHashMap<>();
    private final Set<InetSocketAddress> taken = new HashSet<>();
    private boolean outOfDescriptors;

    /** @param alive whether an endpoint takes connections */
    public SimulatedKernel(World world, Predicate<EndpointAddress> alive) {
        this.world = world;
        this.alive = alive;
    }

    /** Where the data path listens. */
    public Set<InetSocketAddress> listening() {
        return Set.copyOf(open.keySet());
    }

    /** The port that has the listener at an address; null if nobody listens. */
    public @Nullable ServicePortName owner(InetSocketAddress address) {
        Socket socket = find(address);
        return socket == null ? null : socket.destination.port().name();
    }

    /** The kind of address that a listener was opened for. */
    public @Nullable AddressKind kind(InetSocketAddress address) {
        Socket socket = find(address);
        return socket == null ? null : socket.destination.kind();
    }

    /** The endpoints to which connections of this kind go now; empty if nobody listens. */
    public List<Endpoint> targets(InetSocketAddress address, Traffic traffic) {
        Socket socket = find(address);
        return socket == null
                ? List.of()
                : socket.destination.port().targets(IpFamily.of(address.getAddress()), traffic).pool().endpoints();
    }

    /** The kind of traffic that a client's connection is. */
    public Traffic traffic(InetSocketAddress address, InetAddress client) {
        Socket socket = find(address);
        return socket == null
                ? Traffic.INTERNAL
                : socket.process.origins.traffic(socket.destination.kind().external(), client, address.getAddress());
    }

    /** Other software takes a port, or gives it back. */
    public void taken(InetSocketAddress address, boolean now) {
        if (now && !open.containsKey(address)) {
            taken.add(address);
        } else {
            taken.remove(address);
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
    public boolean refuses(InetSocketAddress address) {
        return outOfDescriptors || taken.contains(address);
    }

    /** A process, which has no sockets yet. */
    public ProcessSockets process() {
        return new ProcessSockets();
    }

    /** The socket to which the kernel gives a connection: of several, one whose process accepts. */
    private @Nullable Socket find(InetSocketAddress address) {
        List<Socket> all = open.getOrDefault(address, List.of());
        return all.stream().filter(socket -> socket.process.accepts).findFirst()
                .orElse(all.isEmpty() ? null : all.getFirst());
    }

    /** The sockets of one process. */
    public final class ProcessSockets {

        private final Set<InetSocketAddress> inherited = new HashSet<>();
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

        /** It has ended. */
        public void closeAll() {
            open.values().forEach(sockets -> sockets.removeIf(socket -> socket.process == this));
            open.values().removeIf(List::isEmpty);
        }

        /** As {@link DataPath#listen}. */
        public CompletionStage<? extends AcceptingSocket> listen(InetSocketAddress address, AddressKind kind,
                ServicePortTargets port, boolean freeBind) {
            List<Socket> others = open.getOrDefault(address, List.of());
            world.check(others.stream().noneMatch(socket -> socket.process == this),
                    () -> address + " is opened twice");
            if (!inherited.remove(address) && (refuses(address) || !others.isEmpty())) {
                return CompletableFuture.failedFuture(new BindException("Address already in use"));
            }
            Socket socket = new Socket(this, new Destination(address, port, kind));
            open.computeIfAbsent(address, at -> new ArrayList<>()).add(socket);
            return CompletableFuture.completedFuture(socket);
        }
    }

    /** A client connects. */
    public Connected connect(InetSocketAddress address, InetAddress client) {
        Socket socket = find(address);
        if (socket == null) {
            return new Connected(null, null, List.of());
        }
        ServicePortTargets port = socket.destination.port();
        EndpointPool pool = port.targets(IpFamily.of(address.getAddress()), traffic(address, client)).pool();
        Set<EndpointAddress> tried = new java.util.LinkedHashSet<>();
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

    /** A listening socket. */
    private final class Socket implements AcceptingSocket {

        private final ProcessSockets process;
        private Destination destination;

        Socket(ProcessSockets process, Destination destination) {
            this.process = process;
            this.destination = destination;
        }

        @Override
        public void retarget(ServicePortTargets port, AddressKind kind) {
            destination = new Destination(destination.address(), port, kind);
        }

        @Override
        public CompletionStage<Void> stop() {
            open.computeIfPresent(destination.address(), (at, sockets) -> {
                sockets.remove(this);
                return sockets.isEmpty() ? null : sockets;
            });
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
}
