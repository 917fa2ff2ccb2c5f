package io.sluice.simulation;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Which pods take connections. */
final class Pods {

    /** How long an endpoint may be left out after it is back: the longest time out, and the probe. */
    private static final long LEFT_OUT_NANOS = 130_000_000_000L;

    private final World world;
    private final Set<String> dead = new HashSet<>();
    private final Map<String, Long> back = new HashMap<>();

    Pods(World world) {
        this.world = world;
    }

    boolean alive(EndpointAddress endpoint) {
        return !dead.contains(IpAddresses.format(endpoint.ip()));
    }

    void kill(String ip) {
        world.note(() -> "pod " + ip + " refuses");
        dead.add(ip);
    }

    void reviveAll() {
        world.note(() -> "all pods accept");
        dead.forEach(ip -> back.put(ip, world.nanoTime()));
        dead.clear();
    }

    /** Whether it may be left out for a connection that it has refused. */
    boolean suspect(String ip) {
        return dead.contains(ip) || world.nanoTime() - back.getOrDefault(ip, 0L) < LEFT_OUT_NANOS;
    }
}
