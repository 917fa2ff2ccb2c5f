package io.sluice.proxy;

import io.sluice.linux.SocketName;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The Service ports of intercepted connections, by the address that a client connected to: a few sockets accept for all of
 * them. The control thread changes entries; event loops look one up for each connection, which allocates nothing.
 */
public final class InterceptedPorts {

    private final Map<SocketName, Destination> destinations = new ConcurrentHashMap<>();

    /** Connections to {@code address} are for {@code port} from now on. */
    public void put(InetSocketAddress address, AddressKind kind, ServicePortTargets port) {
        destinations.put(SocketName.of(address), new Destination(address, port, kind));
    }

    /** Connections to {@code address} belong to no Service any more, and are reset. */
    public void remove(InetSocketAddress address) {
        destinations.remove(SocketName.of(address));
    }

    /** The destination of connections to {@code name}; null if it belongs to no Service. */
    @Nullable
    Destination find(SocketName name) {
        return destinations.get(name);
    }
}
