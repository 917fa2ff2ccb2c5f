package io.sluice.proxy;

import io.sluice.balance.Traffic;
import io.sluice.connection.Termination;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServicePortName;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last connections that have ended on one event loop, a bounded number: the oldest gives way. Lives on that event loop.
 *
 * <p>They are kept as numbers, and as references to what lives longer than any connection. Ten thousand objects that are replaced
 * one after the other would outlive each young collection, which would copy them all and fill the old generation with them: its
 * pauses took 5 ms instead of 2.
 */
final class RecentConnections {

    /** How many all event loops keep together: some 2 MB. */
    static final int ALL = 10_000;
    /** How many slots are made at once, when they are needed. */
    private static final int BLOCK = 1_000;

    private final int capacity;
    private final @Nullable Block[] blocks;
    private int next;
    private int kept;

    /**
     * Keeps none yet.
     *
     * @param capacity at least 1
     */
    RecentConnections(int capacity) {
        this.capacity = capacity;
        this.blocks = new Block[(capacity + BLOCK - 1) / BLOCK];
    }

    void add(EndedConnection ended) {
        Block block = blocks[next / BLOCK];
        if (block == null) {
            block = new Block(Math.min(BLOCK, capacity - next / BLOCK * BLOCK));
            blocks[next / BLOCK] = block;
        }
        block.put(next % BLOCK, ended);
        next = next + 1 == capacity ? 0 : next + 1;
        kept = Math.min(kept + 1, capacity);
    }

    /** The newest that is meant; null for none. */
    @Nullable
    EndedConnection newest(ConnectionFilter filter) {
        for (int i = 1; i <= kept; i++) {
            int at = Math.floorMod(next - i, capacity);
            Block block = blocks[at / BLOCK];
            if (block == null || filter.id() != 0 && filter.id() != block.id(at % BLOCK)) {
                continue;
            }
            EndedConnection ended = block.get(at % BLOCK);
            if (filter.matches(ended.id(), ended.client(), ended.port(), ended.endpoint())) {
                return ended;
            }
        }
        return null;
    }

    /** Some of them, each in a slot. */
    private static final class Block {

        /** What an IPv4-mapped address has before its last four octets, RFC 4291 2.5.5.2. */
        private static final int IPV4_MAPPED = 0xFFFF;
        /** An address with its port: the first and the second half, as if all were IPv6; the scope and the port. */
        private static final int ADDRESS_LONGS = 3;
        private static final int LONGS = 2 * ADDRESS_LONGS + 6;

        private final long[] numbers;
        private final int[] retries;
        private final Termination[] terminations;
        private final Traffic[] traffics;
        private final boolean[] masqueraded;
        private final ServicePortName[] ports;
        private final @Nullable EndpointAddress[] endpoints;
        private final List<Attempt>[] attempts;

        @SuppressWarnings({"unchecked", "rawtypes"})
        Block(int slots) {
            numbers = new long[slots * LONGS];
            retries = new int[slots];
            terminations = new Termination[slots];
            traffics = new Traffic[slots];
            masqueraded = new boolean[slots];
            ports = new ServicePortName[slots];
            endpoints = new EndpointAddress[slots];
            attempts = new List[slots];
        }

        long id(int slot) {
            return numbers[slot * LONGS];
        }

        void put(int slot, EndedConnection ended) {
            int at = slot * LONGS;
            numbers[at] = ended.id();
            numbers[at + 1] = ended.acceptedAt();
            numbers[at + 2] = ended.connectNanos();
            numbers[at + 3] = ended.totalNanos();
            numbers[at + 4] = ended.bytesFromClient();
            numbers[at + 5] = ended.bytesFromBackend();
            put(at + 6, ended.client());
            put(at + 6 + ADDRESS_LONGS, ended.listener());
            retries[slot] = ended.retries();
            terminations[slot] = ended.termination();
            traffics[slot] = ended.traffic();
            masqueraded[slot] = ended.masqueraded();
            ports[slot] = ended.port();
            endpoints[slot] = ended.endpoint();
            attempts[slot] = ended.attempts();
        }

        EndedConnection get(int slot) {
            int at = slot * LONGS;
            return new EndedConnection(numbers[at], address(at + 6), address(at + 6 + ADDRESS_LONGS), ports[slot],
                    traffics[slot], endpoints[slot], attempts[slot], numbers[at + 1], numbers[at + 2],
                    numbers[at + 3], numbers[at + 4], numbers[at + 5], retries[slot], terminations[slot],
                    masqueraded[slot]);
        }

        private void put(int at, InetSocketAddress address) {
            InetAddress ip = address.getAddress();
            byte[] bytes = ip.getAddress();
            ByteBuffer octets = ByteBuffer.allocate(2 * Long.BYTES);
            if (bytes.length == Integer.BYTES) {
                octets.putLong(0).putInt(IPV4_MAPPED);
            }
            octets.put(bytes).flip();
            long scope = ip instanceof Inet6Address scoped ? scoped.getScopeId() : 0;
            numbers[at] = octets.getLong();
            numbers[at + 1] = octets.getLong();
            numbers[at + 2] = scope << Integer.SIZE | address.getPort();
        }

        private InetSocketAddress address(int at) {
            long scopeAndPort = numbers[at + 2];
            return new InetSocketAddress(
                    IpAddresses.of(numbers[at], numbers[at + 1], (int) (scopeAndPort >>> Integer.SIZE)),
                    (int) scopeAndPort);
        }
    }
}
