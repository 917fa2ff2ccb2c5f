package io.sluice.proxy;

import io.sluice.balance.EndpointPool;
import io.sluice.balance.Traffic;
import io.sluice.datagram.Flow;
import io.sluice.datagram.FlowBounds;
import io.sluice.datagram.FlowEnd;
import io.sluice.datagram.FlowKey;
import io.sluice.datagram.FlowPlaces;
import io.sluice.datagram.FlowTable;
import io.sluice.datagram.FlowTimes;
import io.sluice.metrics.EndpointFailure;
import io.sluice.service.EndpointAddress;
import io.sluice.simulation.Place;
import io.sluice.simulation.World;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The flows of one simulated process: what {@link FlowEngine} does with a datagram, over the real flows, their table and its
 * bounds. It checks how flows end, and how many there are.
 */
public final class SimulatedFlows {

    /** Few, so that all bounds are met. */
    public static final FlowSettings SETTINGS =
            new FlowSettings(Duration.ofSeconds(30), Duration.ofSeconds(180), 40, 16, 6);

    private static final long SECOND = 1_000_000_000L;
    private static final long SWEEP = 2 * SECOND;
    private static final long MAPPED = 0xFFFF_0000_0000L;

    /** A flow, and what is known of it without its own class. */
    public static final class Known extends Flow {

        private final Place place;
        private final InetSocketAddress client;
        private final ServicePortTargets port;
        private final Traffic traffic;
        private final FlowTimes times;
        private final long firstHeard;
        private long heard;
        private boolean replied;
        private boolean stream;
        /** What whoever watches it remembers. */
        private @Nullable Object memory;

        private Known(FlowKey key, Place place, InetSocketAddress client, ServicePortTargets port, Traffic traffic,
                FlowTimes times, long now) {
            super(key, times, now);
            this.place = place;
            this.client = client;
            this.port = port;
            this.traffic = traffic;
            this.times = times;
            this.firstHeard = now;
            this.heard = now;
        }

        private Known(Known other, ServicePortTargets port) {
            this(other.key(), other.place, other.client, port, other.traffic, other.times, other.firstHeard);
            heard = other.heard;
            replied = other.replied;
            stream = other.stream;
            memory = other.memory;
        }

        private void spoken(long now) {
            heard = now;
            stream |= replied && now - firstHeard >= 2 * SECOND;
        }

        private long silentUntil() {
            return heard + (stream ? times.streamNanos() : times.idleNanos());
        }

        /** What was remembered with the datagram before; null for nothing. */
        public @Nullable Object memory() {
            return memory;
        }

        /** Remembers something until the next datagram. */
        public void remember(@Nullable Object what) {
            memory = what;
        }
    }

    /**
     * What has become of a datagram.
     *
     * @param chosen the endpoint was chosen for it, and is not that of the flow's datagram before
     */
    public record Sent(Known flow, EndpointAddress endpoint, boolean chosen) {}

    private final World world;
    private final Predicate<EndpointAddress> alive;
    private final FlowPlaces places = new FlowPlaces(SETTINGS.most(), 1);
    private final FlowTable<Known> table;
    private boolean sweeping;

    SimulatedFlows(World world, Predicate<EndpointAddress> alive) {
        this.world = world;
        this.alive = alive;
        table = new FlowTable<>(new FlowBounds(SETTINGS.perService(), SETTINGS.perClient()), places, this::ended,
                world.nanoTime());
    }

    int size() {
        return table.size();
    }

    /** A client's datagram has come; null if it goes nowhere. */
    @Nullable
    Sent receive(Destination destination, Place place, InetSocketAddress client, Traffic traffic) {
        long now = world.nanoTime();
        ServicePortTargets port = destination.port();
        FlowKey key = key(place, client);
        Known flow = table.find(key);
        if (flow == null) {
            if (table.admit(key, port.flows()) != null) {
                return null;
            }
            flow = new Known(key, place, client, port, traffic, port.flowTimes(), now);
            table.add(flow, port.flows());
            sweepLater();
        }
        boundsHold(flow);
        boolean chosen = false;
        if (!flow.stays(flow.port.serving())) {
            EndpointPool pool = flow.port.targets(place.family(), flow.traffic).pool();
            int index = FlowEngine.pick(pool, flow, client.getAddress(), now);
            if (index < 0) {
                table.end(flow, FlowEnd.NO_ENDPOINT);
                return null;
            }
            flow.goesTo(pool.endpoints().get(index).address(), flow.port.serving());
            chosen = true;
        }
        flow.asked(now);
        flow.spoken(now);
        EndpointAddress endpoint = flow.endpoint();
        if (endpoint == null) {
            throw new IllegalStateException("a flow without an endpoint");
        }
        responds(flow, endpoint, now);
        return new Sent(flow, endpoint, chosen);
    }

    private void responds(Known flow, EndpointAddress endpoint, long now) {
        if (!alive.test(endpoint)) {
            flow.refused();
            flow.port.health().unanswered(endpoint, EndpointFailure.REFUSED);
        } else {
            boolean last = flow.answered(now);
            flow.replied = true;
            flow.spoken(now);
            world.check(last == flow.times.replies() > 0, () -> "a flow ends with a reply that is not its last");
            if (last) {
                table.end(flow, FlowEnd.ANSWERED);
            }
        }
    }

    private static FlowKey key(Place place, InetSocketAddress client) {
        FlowKey key = new FlowKey();
        long[] from = halves(client.getAddress());
        key.client(from[0], from[1], client.getPort());
        long[] to = halves(place.ip());
        key.local(to[0], to[1], place.address().getPort());
        return key;
    }

    private static long[] halves(InetAddress address) {
        ByteBuffer octets = ByteBuffer.wrap(address.getAddress());
        return octets.remaining() == Integer.BYTES
                ? new long[] {0, MAPPED | Integer.toUnsignedLong(octets.getInt())}
                : new long[] {octets.getLong(), octets.getLong()};
    }

    private void sweepLater() {
        if (!sweeping) {
            sweeping = true;
            world.after(SWEEP, () -> {
                sweeping = false;
                while (table.expire(world.nanoTime(), 8)) {
                    // More of them have to be looked at.
                }
                table.forEach(flow -> world.check(world.nanoTime() - flow.silentUntil() <= SWEEP,
                        () -> "a flow of " + flow.port.name() + " goes on after its time"));
                if (table.size() > 0) {
                    sweepLater();
                }
            });
        }
    }

    private void ended(Known flow, FlowEnd why) {
        switch (why) {
            case EXPIRED, UNANSWERED -> world.check(world.nanoTime() >= flow.silentUntil(),
                    () -> "a flow of " + flow.port.name() + " ends before its time");
            case GAVE_WAY -> {
                world.check(!flow.stream, () -> "a stream of " + flow.port.name() + " gives way");
                world.check(places.taken() + 1 >= SETTINGS.most()
                        || flow.port.flows().size() + 1 >= SETTINGS.perService()
                        || ofClient(flow) + 1 >= SETTINGS.perClient(),
                        () -> "a flow of " + flow.port.name() + " gives way, and there is room");
            }
            default -> {
                // Whoever ends it knows why.
            }
        }
    }

    private long ofClient(Known one) {
        return all(flow -> flow.port.name().service().equals(one.port.name().service())
                && flow.client.getAddress().equals(one.client.getAddress())).size();
    }

    private List<Known> all(Predicate<Known> meant) {
        List<Known> found = new ArrayList<>();
        table.forEach(flow -> {
            if (meant.test(flow)) {
                found.add(flow);
            }
        });
        return found;
    }

    private void boundsHold(Known flow) {
        world.check(places.taken() == table.size() && table.size() <= SETTINGS.most(), () -> "too many flows");
        world.check(all(f -> f.port.name().service().equals(flow.port.name().service())).size()
                <= SETTINGS.perService(), () -> "too many flows of " + flow.port.name());
        world.check(ofClient(flow) <= SETTINGS.perClient(), () -> "too many flows of a client");
    }

    /** Ends the flows of an address, but for those that wait for a reply if {@code awaited}. */
    void end(Destination destination, Place place, boolean awaited, FlowEnd why) {
        table.endAll(destination.port().flows(), flow -> flow.place.equals(place) && !(awaited && flow.awaitsReply()),
                why);
    }

    /** The process has ended. */
    void endAll() {
        table.endAll(FlowEnd.KILLED);
    }

    /**
     * Gives the flows to the process that follows.
     *
     * @param has the port that it has at an address; null for none
     */
    void passTo(SimulatedFlows next, Function<Place, @Nullable ServicePortTargets> has) {
        long now = world.nanoTime();
        for (Known flow : all(flow -> flow.endpoint() != null)) {
            ServicePortTargets port = has.apply(flow.place);
            EndpointAddress endpoint = flow.endpoint();
            if (port != null && endpoint != null && port.name().equals(flow.port.name())
                    && next.table.find(flow.key()) == null && next.table.admit(flow.key(), port.flows()) == null) {
                Known same = new Known(flow, port);
                same.resume(flow.life(now), endpoint, now);
                next.table.add(same, port.flows());
                next.sweepLater();
            }
            table.end(flow, FlowEnd.HANDED_OVER);
        }
    }
}
