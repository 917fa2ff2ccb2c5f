package io.sluice.proxy;

import io.sluice.balance.Traffic;
import io.sluice.datagram.Flow;
import io.sluice.datagram.FlowKey;
import io.sluice.metrics.EndpointMeters;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A flow with what is counted of it. Lives on the event loop of its Service. */
abstract class ProxiedFlow extends Flow {

    private static final int IPV4_BYTES = 4;
    private static final int IPV6_BYTES = 16;
    /** IPv4-mapped, RFC 4291 2.5.5.2. */
    private static final long MAPPED = 0xFFFFL;

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
        byte[] octets = ByteBuffer.allocate(IPV6_BYTES).putLong(key.clientHigh()).putLong(key.clientLow()).array();
        boolean ipv4 = key.clientHigh() == 0 && key.clientLow() >>> Integer.SIZE == MAPPED;
        try {
            return ipv4
                    ? InetAddress.getByAddress(Arrays.copyOfRange(octets, IPV6_BYTES - IPV4_BYTES, IPV6_BYTES))
                    : scope == 0 ? InetAddress.getByAddress(octets)
                    : Inet6Address.getByAddress(null, octets, scope);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 octets", e);
        }
    }
}
