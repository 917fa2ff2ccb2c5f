package io.sluice.reconcile;

import io.sluice.node.ServiceAddresses;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Writes down what the reconciler wants of the node's addresses, and refuses what a test says. */
final class RecordedAddresses implements ServiceAddresses {

    final Map<InetAddress, String> refuses = new HashMap<>();
    Set<InetAddress> wanted = Set.of();
    Set<InetAddress> endpoints = Set.of();
    boolean on;

    @Override
    public Map<InetAddress, String> provide(Set<InetAddress> wanted, Set<InetAddress> endpoints) {
        this.wanted = Set.copyOf(wanted);
        this.endpoints = Set.copyOf(endpoints);
        return refuses;
    }

    @Override
    public boolean concerns(InetAddress endpoint) {
        return wanted.contains(endpoint);
    }

    @Override
    public void release() {
        // Nothing was added.
    }

    @Override
    public void mend() {
        // Nothing was added.
    }

    @Override
    public boolean provides() {
        return on;
    }

    @Override
    public void close(boolean keep) {
        // Nothing was added.
    }
}
