package io.sluice.reconcile;

import io.sluice.node.AddressDemand;
import io.sluice.node.ServiceAddresses;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Writes down what the reconciler wants of the node's addresses, and refuses what a test says. */
final class RecordedAddresses implements ServiceAddresses {

    final Map<InetAddress, String> refuses = new HashMap<>();
    final Map<InetAddress, String> fails = new HashMap<>();
    Set<InetAddress> wanted = Set.of();
    Set<InetAddress> endpoints = Set.of();
    boolean on;

    @Override
    public Provided provide(AddressDemand demand) {
        wanted = demand.wanted().keySet();
        endpoints = demand.endpoints().keySet();
        return new Provided(refuses, fails);
    }

    @Override
    public boolean affects(InetAddress endpoint) {
        return wanted.contains(endpoint);
    }

    @Override
    public void release() {
        // Nothing was added.
    }

    @Override
    public boolean repair() {
        return false;
    }

    @Override
    public void adopt() {
        // Nobody has left anything.
    }

    @Override
    public boolean manages() {
        return on;
    }

    @Override
    public void close(boolean keep) {
        // Nothing was added.
    }
}
