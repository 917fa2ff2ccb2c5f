package io.sluice.datagram;

import org.jspecify.annotations.Nullable;

/** The flows of one client address to one Service. */
final class FlowHolder extends Ranked {

    final long clientHigh;
    final long clientLow;
    final int hash;
    /** The flows that may give way, oldest first. */
    final FlowList yielding = new FlowList();
    /** The number of all flows, streams included. */
    int flows;
    @Nullable
    FlowHolder chained;

    FlowHolder(FlowKey key) {
        this.clientHigh = key.clientHigh();
        this.clientLow = key.clientLow();
        this.hash = key.clientHash();
    }

    boolean isOf(FlowKey key) {
        return clientLow == key.clientLow() && clientHigh == key.clientHigh();
    }
}
