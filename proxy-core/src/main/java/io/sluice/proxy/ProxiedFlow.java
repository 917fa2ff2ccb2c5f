package io.sluice.proxy;

import io.sluice.balance.Traffic;
import io.sluice.datagram.Flow;
import io.sluice.datagram.FlowKey;
import io.sluice.metrics.EndpointMeters;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** A flow with what is counted of it. Lives on the event loop of its Service. */
abstract class ProxiedFlow extends Flow {

    final long id;
    final DatagramListener listener;
    /** Its Service port, for which it was admitted. */
    final ServicePortTargets port;
    final Traffic traffic;
    /** The interface of a client with a link-local address; 0 for others. */
    final int scope;
    @Nullable
    EndpointMeters endpointMeters;
    long fromClient;
    long fromEndpoint;
    long firstReplyNanos = -1;
    int moves;
    boolean masqueraded;
    /** The next process has it as well. */
    boolean passed;

    ProxiedFlow(long id, FlowKey key, DatagramListener listener, Destination destination, Traffic traffic, int scope,
            long now) {
        super(key, destination.port().flowTimes(), now);
        this.id = id;
        this.listener = listener;
        this.port = destination.port();
        this.traffic = traffic;
        this.scope = scope;
    }

    /** Its client; a new object each time. */
    final InetSocketAddress client() {
        return new InetSocketAddress(address(key(), scope), key().clientPort());
    }

    /** The address of the client of {@code key}. */
    static InetAddress address(FlowKey key, int scope) {
        return IpAddresses.of(key.clientHigh(), key.clientLow(), scope);
    }
}
