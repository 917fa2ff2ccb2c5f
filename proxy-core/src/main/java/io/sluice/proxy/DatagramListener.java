package io.sluice.proxy;

import io.sluice.datagram.FlowKey;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;

/**
 * One socket that receives datagrams, those of one Service port at one address, and by which replies leave. The control
 * thread opens, re-targets and closes it; all else happens on the event loop of its Service.
 */
public abstract sealed class DatagramListener implements ReceivingSocket
        permits NativeDatagramListener, ChannelDatagramListener {

    private static final long MAPPED = 0xFFFF_0000_0000L;

    final Datagrams datagrams;
    final InetSocketAddress address;
    private final long high;
    private final long low;
    private volatile Destination destination;

    DatagramListener(Datagrams datagrams, Destination destination) {
        this.datagrams = datagrams;
        this.destination = destination;
        this.address = destination.address();
        ByteBuffer octets = ByteBuffer.wrap(address.getAddress().getAddress());
        boolean ipv4 = address.getAddress() instanceof Inet4Address;
        high = ipv4 ? 0 : octets.getLong();
        low = ipv4 ? MAPPED | Integer.toUnsignedLong(octets.getInt()) : octets.getLong();
    }

    /** Where it was asked to listen. */
    public final InetSocketAddress address() {
        return address;
    }

    final Destination destination() {
        return destination;
    }

    final void destination(Destination now) {
        destination = now;
    }

    /** Fills the half of a key that is the same for all its flows. */
    final void fill(FlowKey key) {
        key.local(high, low, address.getPort());
    }

    /** Binds; fails with the kernel's exception if the address cannot be had. */
    abstract CompletionStage<DatagramListener> open();

    /** To be shown. */
    final String subject() {
        return destination.port().name().toString();
    }

    /** What {@link #finish} leaves is done: the last flow has ended. */
    abstract void finished();
}
