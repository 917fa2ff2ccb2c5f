package io.sluice.node;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.simulation.World;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/** The routes and addresses of a simulated kernel: they outlive the daemon. */
public final class SimulatedRoutes implements RoutingTable {

    private static final int ENOMEM = 12;

    private final Set<Cidr> ours = new LinkedHashSet<>();
    private final Set<InetAddress> own = new LinkedHashSet<>();
    private boolean refuses;
    private boolean unreadable;

    /** Has these addresses, in 192.0.2.0/24 and 2001:db8::/64. */
    public SimulatedRoutes(Collection<String> addresses) {
        addresses.forEach(address -> own.add(IpAddresses.parse(address)));
        own.add(IpAddresses.parse("127.0.0.1"));
        own.add(IpAddresses.parse("::1"));
    }

    /**
     * The real routes of Services over this table.
     *
     * @param services for all their addresses; else only where this process itself answers
     */
    public ServiceAddresses open(World world, List<String> ranges, boolean services) {
        boolean before = unreadable;
        // A daemon does not start while they cannot be read.
        unreadable = false;
        try {
            return new LocalRoutes(this, ranges.stream().map(Cidr::parse).toList(), services, world::nanoTime);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            unreadable = before;
        }
    }

    /** Whether packets to an address are this machine's. */
    public boolean isHere(InetAddress address) {
        return address.isLoopbackAddress() || own.contains(address)
                || ours.stream().anyMatch(route -> route.contains(address));
    }

    /** This machine's addresses. */
    public Set<InetAddress> addresses() {
        return Set.copyOf(own);
    }

    /** The routes of Services. */
    public Set<Cidr> routes() {
        return Set.copyOf(ours);
    }

    /** Gains or loses an address. */
    public void address(String address, boolean has) {
        if (has) {
            own.add(IpAddresses.parse(address));
        } else {
            own.remove(IpAddresses.parse(address));
        }
    }

    /** Refuses new routes from now on, or not. */
    public void refuse(boolean now) {
        refuses = now;
    }

    /** Cannot be read from now on, or can. */
    public void unreadable(boolean now) {
        unreadable = now;
    }

    /** Other software removes some routes. */
    public void lose(RandomGenerator random) {
        ours.removeIf(route -> random.nextBoolean());
    }

    @Override
    public Set<Cidr> ours() throws IOException {
        asked();
        return new HashSet<>(ours);
    }

    private void asked() throws IOException {
        if (unreadable) {
            throw new IOException("No buffer space available");
        }
    }

    @Override
    public NodeNetworks networks() throws IOException {
        asked();
        return new NodeNetworks(own, List.of(Cidr.parse("192.0.2.0/24"), Cidr.parse("2001:db8::/64")),
                List.of(Cidr.parse("10.244.0.0/16"), Cidr.parse("fd00:244::/64")),
                Set.of(IpAddresses.parse("192.0.2.1")));
    }

    @Override
    public Map<Cidr, Integer> add(Collection<Cidr> destinations) throws IOException {
        asked();
        Map<Cidr, Integer> failed = new HashMap<>();
        for (Cidr destination : destinations) {
            if (refuses) {
                failed.put(destination, ENOMEM);
            } else {
                ours.add(destination);
            }
        }
        return failed;
    }

    @Override
    public Map<Cidr, Integer> remove(Collection<Cidr> destinations) throws IOException {
        asked();
        ours.removeAll(destinations);
        return Map.of();
    }
}
