package io.sluice.datagram;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * Identifies a flow: the client's address and port, and those that the client sends to, as numbers. An event loop fills the
 * same key for each datagram, so that a search allocates nothing. IPv4 addresses are mapped (RFC 4291 2.5.5.2).
 */
public final class FlowKey {

    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    private long clientHigh;
    private long clientLow;
    private int clientPort;
    private long localHigh;
    private long localLow;
    private int localPort;

    /** A key that is still to be filled. */
    public FlowKey() {}

    private FlowKey(FlowKey other) {
        client(other.clientHigh, other.clientLow, other.clientPort);
        local(other.localHigh, other.localLow, other.localPort);
    }

    /** Fills the client's part: both halves of its address in network byte order, and its port. */
    public void client(long high, long low, int port) {
        clientHigh = high;
        clientLow = low;
        clientPort = port;
    }

    /** Fills the other part: the address and port that the client sends to. */
    public void local(long high, long low, int port) {
        localHigh = high;
        localLow = low;
        localPort = port;
    }

    /** The same in a message to another process. */
    void write(DataOutput out) throws IOException {
        out.writeLong(clientHigh);
        out.writeLong(clientLow);
        out.writeShort(clientPort);
        out.writeLong(localHigh);
        out.writeLong(localLow);
        out.writeShort(localPort);
    }

    /** One that was written so. */
    static FlowKey read(DataInput in) throws IOException {
        FlowKey key = new FlowKey();
        key.client(in.readLong(), in.readLong(), in.readUnsignedShort());
        key.local(in.readLong(), in.readLong(), in.readUnsignedShort());
        return key;
    }

    /** A copy, which {@link #client} and {@link #local} of this one do not change. */
    FlowKey copy() {
        return new FlowKey(this);
    }

    public long clientHigh() {
        return clientHigh;
    }

    public long clientLow() {
        return clientLow;
    }

    public int clientPort() {
        return clientPort;
    }

    public long localHigh() {
        return localHigh;
    }

    public long localLow() {
        return localLow;
    }

    public int localPort() {
        return localPort;
    }

    /** Whether the client sends to the same address and port in both. */
    public boolean sameLocal(FlowKey other) {
        return localPort == other.localPort && localLow == other.localLow && localHigh == other.localHigh;
    }

    boolean sameClient(FlowKey other) {
        return clientLow == other.clientLow && clientHigh == other.clientHigh;
    }

    /** The hash of the client's address alone. */
    int clientHash() {
        return spread(clientLow * 31 + clientHigh);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FlowKey key && clientPort == key.clientPort && sameClient(key) && sameLocal(key);
    }

    /** Spreads consecutive addresses and ports. */
    @Override
    public int hashCode() {
        return spread((clientLow * 31 + clientHigh) * 31 + clientPort
                + ((localLow * 31 + localHigh) * 31 + localPort) * SPREAD);
    }

    private static int spread(long bits) {
        return (int) ((bits ^ bits >>> 32) * SPREAD >>> 32);
    }
}
