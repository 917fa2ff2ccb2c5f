package io.sluice.nftables;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.nftables.SimulatedTable.Rule;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.simulation.Place;
import io.sluice.simulation.World;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The packet filter of a simulated machine: it understands the messages that would go to the kernel, has the table that they
 * make, and says what becomes of a packet.
 */
public final class SimulatedNetfilter {

    /** What becomes of the first packet to an address. */
    public enum Fate {
        /** The proxy gets it. */
        PROXY,
        /** The proxy gets it from pods and this node; from elsewhere it is dropped. */
        PROXY_INSIDE, REFUSED, DROPPED,
        /** Nothing: the table does not know the address. */
        NOTHING
    }

    private static final int TCP = 6;
    /** Somebody else's batches come near the end of the numbers. */
    private static final long FIRST_GENERATION = 0xffff_ffe0L;
    private static final long LAST_GENERATION = 0xffff_ffffL;

    /** The time within which a daemon puts its table back. */
    private static final long MENDED = 45_000_000_000L;

    private final World world;
    private final Set<IpFamily> routes = EnumSet.noneOf(IpFamily.class);
    private final Set<Object> present = new HashSet<>();
    private @Nullable SimulatedTable table;
    private long handles;
    private long generation = FIRST_GENERATION;
    private boolean refuses;
    private boolean unreadable;
    private boolean losesReplies;
    private @Nullable Runnable afterNextBatch;
    private long troubledAt;

    /** Has no table. */
    public SimulatedNetfilter(World world) {
        this.world = world;
    }

    /** A table of a process; {@code process} stands for it. */
    public InterceptionTable table(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs, Object process) {
        return new InterceptionTable(ports, podCidrs, false, new Kernel(process));
    }

    // What goes wrong.

    /** Refuses changes from now on. */
    public void refuse() {
        refuses = true;
    }

    /** Cannot be asked from now on. */
    public void beUnreadable() {
        unreadable = true;
    }

    /** Does what it is told from now on, and its replies are lost. */
    public void loseReplies() {
        losesReplies = true;
    }

    /** Does as it should from now on. */
    public void beWell() {
        troubledAt = world.nanoTime();
        refuses = false;
        unreadable = false;
        losesReplies = false;
        afterNextBatch = null;
    }

    /** Whether it does as it should, and has for so long that what was amiss is mended. */
    public boolean isSettled() {
        return !refuses && !unreadable && !losesReplies && world.nanoTime() - troubledAt > MENDED;
    }

    /** Somebody removes all tables, all rules of this one, or routes, or does something else to nf_tables. */
    public void harm(RandomGenerator random) {
        troubledAt = world.nanoTime();
        SimulatedTable ours = table;
        switch (random.nextInt(4)) {
            case 0 -> table = null;
            case 1 -> {
                if (ours != null) {
                    ours.rules.clear();
                }
            }
            case 2 -> routes.clear();
            default -> {
                // Tables of others change.
            }
        }
        world.note(() -> "somebody changes nf_tables: " + (table == null ? "no table" : "rules " + table.rules.size())
                + ", routes " + routes.size());
        next();
    }

    /** Does the same right after the next batch, before its sender can ask anything. */
    public void harmAfterNextBatch(RandomGenerator random) {
        afterNextBatch = () -> harm(random);
    }

    /** A process has ended. */
    public void ended(Object process) {
        present.remove(process);
    }

    private void next() {
        generation = generation == LAST_GENERATION ? 1 : generation + 1;
    }

    // What is there.

    /** What is left of it; empty for nothing. */
    public String left() {
        return (table == null ? "" : "the table ") + (routes.isEmpty() ? "" : "routes " + routes)
                + (present.isEmpty() ? "" : " a table of a process");
    }

    /** What becomes of the first packet to an address. */
    public Fate fate(Place place) {
        SimulatedTable now = table;
        if (now == null || now.rules.isEmpty()) {
            return Fate.NOTHING;
        }
        ByteBuffer key = key(place);
        if (has(now, place, ElementSet.SERVED4, ElementSet.SERVED6, key)) {
            return Fate.PROXY;
        }
        if (has(now, place, ElementSet.INSIDE4, ElementSet.INSIDE6, key)) {
            return Fate.PROXY_INSIDE;
        }
        if (has(now, place, ElementSet.REFUSED4, ElementSet.REFUSED6, key)) {
            return Fate.REFUSED;
        }
        if (has(now, place, ElementSet.DROPPED4, ElementSet.DROPPED6, key)) {
            return Fate.DROPPED;
        }
        return has(now, place, ElementSet.CLUSTER_IPS4, ElementSet.CLUSTER_IPS6,
                ByteBuffer.wrap(place.ip().getAddress())) ? Fate.REFUSED : Fate.NOTHING;
    }

    /** Whether packets that the proxy is to get come to a socket of this port, and there are routes for them. */
    public boolean leadsTo(IpFamily family, int port) {
        SimulatedTable now = table;
        return now != null && routes.contains(family) && now.rules.stream()
                .anyMatch(rule -> rule.chain().equals("intercept") && rule.numbers().contains(port));
    }

    /** Where the kernel itself leads connections while no proxy listens. */
    public List<EndpointAddress> direct(Place place) {
        SimulatedTable now = table;
        if (now == null) {
            return List.of();
        }
        ByteBuffer key = key(place);
        byte[] count = set(now, place.family(), ElementSet.DIRECT4, ElementSet.DIRECT6).get(key);
        List<EndpointAddress> found = new ArrayList<>();
        Map<ByteBuffer, byte[]> endpoints = set(now, place.family(), ElementSet.ENDPOINTS4, ElementSet.ENDPOINTS6);
        for (int i = 0; i < (count == null ? 0 : number(count)); i++) {
            byte[] endpoint = endpoints.get(numbered(key, i));
            if (endpoint == null) {
                throw new AssertionError(place + " leads to endpoint " + i + ", which the table does not have");
            }
            int octets = endpoint.length - Integer.BYTES;
            found.add(new EndpointAddress(address(Arrays.copyOf(endpoint, octets)),
                    ByteBuffer.wrap(endpoint).getShort(octets) & 0xffff));
        }
        return found;
    }

    /** All addresses and ports that the table knows. */
    public Set<Place> places() {
        Set<Place> places = new HashSet<>();
        SimulatedTable now = table;
        if (now != null) {
            for (ElementSet set : EnumSet.range(ElementSet.SERVED4, ElementSet.INSIDE6)) {
                now.set(set.label()).keySet().forEach(key -> places.add(place(key, set.family())));
            }
            for (ElementSet set : List.of(ElementSet.DIRECT4, ElementSet.DIRECT6)) {
                now.set(set.label()).keySet().forEach(key -> places.add(place(key, set.family())));
            }
        }
        return places;
    }

    /** The addresses of which all ports are refused that no Service has. */
    public Set<InetAddress> clusterIps() {
        Set<InetAddress> addresses = new HashSet<>();
        SimulatedTable now = table;
        if (now != null) {
            for (ElementSet set : List.of(ElementSet.CLUSTER_IPS4, ElementSet.CLUSTER_IPS6)) {
                now.set(set.label()).keySet().forEach(key -> addresses.add(address(octets(key, key.capacity()))));
            }
        }
        return addresses;
    }

    /** The endpoints of direct ways, and the addresses of those that may be their own clients: both have to agree. */
    public boolean isConsistent() {
        SimulatedTable now = table;
        if (now == null) {
            return true;
        }
        for (IpFamily family : IpFamily.values()) {
            Set<ByteBuffer> numbered = new HashSet<>();
            set(now, family, ElementSet.DIRECT4, ElementSet.DIRECT6).forEach((key, count) -> {
                for (int i = 0; i < number(count); i++) {
                    numbered.add(numbered(key, i));
                }
            });
            Map<ByteBuffer, byte[]> endpoints = set(now, family, ElementSet.ENDPOINTS4, ElementSet.ENDPOINTS6);
            Set<ByteBuffer> pairs = new HashSet<>();
            endpoints.values().forEach(endpoint -> {
                int octets = endpoint.length - Integer.BYTES;
                pairs.add(ByteBuffer.allocate(2 * octets).put(endpoint, 0, octets).put(endpoint, 0, octets).flip());
            });
            if (!endpoints.keySet().equals(numbered)
                    || !set(now, family, ElementSet.HAIRPINS4, ElementSet.HAIRPINS6).keySet().equals(pairs)) {
                return false;
            }
        }
        return true;
    }

    private static boolean has(SimulatedTable now, Place place, ElementSet four, ElementSet six, ByteBuffer key) {
        return set(now, place.family(), four, six).containsKey(key);
    }

    private static Map<ByteBuffer, byte[]> set(SimulatedTable now, IpFamily family, ElementSet four, ElementSet six) {
        return now.set(ElementSet.of(family, four, six).label());
    }

    private static ByteBuffer key(Place place) {
        return ByteBuffer.wrap(ElementChanges.key(new ServiceSocket(
                new EndpointAddress(place.ip(), place.address().getPort()), place.protocol())));
    }

    private static Place place(ByteBuffer key, IpFamily family) {
        int octets = family == IpFamily.IPV4 ? 4 : 16;
        return new Place(key.get(octets) == TCP ? Protocol.TCP : Protocol.UDP, new InetSocketAddress(
                address(octets(key, octets)), key.getShort(octets + Integer.BYTES) & 0xffff));
    }

    private static InetAddress address(byte[] octets) {
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 or 16 octets are an address", e);
        }
    }

    private static byte[] octets(ByteBuffer key, int number) {
        byte[] octets = new byte[number];
        key.get(0, octets);
        return octets;
    }

    private static ByteBuffer numbered(ByteBuffer key, int number) {
        return ByteBuffer.allocate(key.capacity() + Integer.BYTES).put(octets(key, key.capacity()))
                .put(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder()).putInt(number).array())
                .flip();
    }

    private static int number(byte[] value) {
        return ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getInt();
    }

    /** The kernel as one process sees it. */
    private final class Kernel implements Netfilter {

        private final Object process;

        Kernel(Object process) {
            this.process = process;
        }

        private void asked() throws IOException {
            if (unreadable) {
                throw new ErrnoException("nf_tables has not answered for 10 s", Errno.EAGAIN);
            }
        }

        @Override
        public Requests open() throws IOException {
            asked();
            return new Conversation();
        }

        @Override
        public int provideRoutes(Collection<IpFamily> families) throws IOException {
            asked();
            if (refuses) {
                throw new ErrnoException("adding a route to lo", Errno.ENOMEM);
            }
            int before = routes.size();
            routes.addAll(families);
            return routes.size() - before;
        }

        @Override
        public int removeRoutes() throws IOException {
            asked();
            int removed = routes.size();
            routes.clear();
            return removed;
        }

        @Override
        public Optional<Presence> presence() throws IOException {
            asked();
            if (refuses) {
                throw new ErrnoException("nf_tables, the batch", Errno.ENOMEM);
            }
            world.check(present.add(process), () -> "a process says twice that it serves");
            return Optional.of(new Presence() {
                @Override
                public void serving() throws IOException {
                    asked();
                }

                @Override
                public void close() {
                    present.remove(process);
                }
            });
        }

        @Override
        public int handed() {
            return 0;
        }

        @Override
        public void forgetServed() {
            // Connections are forgotten by the clients of this world.
        }
    }

    /** One socket to the kernel. */
    private final class Conversation implements Netfilter.Requests {

        private boolean failed;

        private void asked() throws IOException {
            world.check(!failed, () -> "a socket to nf_tables is used after a failure");
            if (unreadable) {
                failed = true;
                throw new ErrnoException("nf_tables has not answered for 10 s", Errno.EAGAIN);
            }
        }

        @Override
        public void batch(NftMessages messages) throws IOException {
            asked();
            failed = true;
            if (refuses) {
                throw new ErrnoException("nf_tables, the batch", Errno.ENOMEM);
            }
            SimulatedTable.State after = SimulatedTable.apply(table, handles, messages.written());
            table = after.table();
            handles = after.handles();
            next();
            Runnable others = afterNextBatch;
            afterNextBatch = null;
            if (others != null) {
                others.run();
            }
            if (losesReplies) {
                throw new ErrnoException("nf_tables has not answered for 10 s", Errno.EAGAIN);
            }
            failed = false;
            world.check(isConsistent(), () -> "direct ways and their endpoints do not fit");
        }

        @Override
        public long generation() throws IOException {
            asked();
            return generation;
        }

        @Override
        public OptionalLong tableHandle(String name) throws IOException {
            asked();
            SimulatedTable now = table;
            return now == null ? OptionalLong.empty() : OptionalLong.of(now.handle);
        }

        @Override
        public Set<String> chains(String name) throws IOException {
            asked();
            SimulatedTable now = table;
            return now == null ? Set.of() : Set.copyOf(now.chains);
        }

        @Override
        public List<Long> ruleHandles(String name) throws IOException {
            asked();
            SimulatedTable now = table;
            return now == null ? List.of() : now.rules.stream().map(Rule::handle).toList();
        }

        @Override
        public void close() {
            // Nothing is left open.
        }
    }
}
