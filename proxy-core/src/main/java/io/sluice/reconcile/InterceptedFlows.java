package io.sluice.reconcile;

import io.sluice.linux.SocketFailures;
import io.sluice.proxy.OpenSocket;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.InterceptionGround.DatagramGround;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Datagrams to the addresses of Services that the kernel gives to this process: what {@link InterceptionSet} is for
 * connections. Confined to the control thread.
 */
final class InterceptedFlows {

    private static final Logger LOG = LoggerFactory.getLogger(InterceptedFlows.class);

    private final DatagramGround datagrams;
    private final ServicePorts ports;
    private final Map<InetSocketAddress, Claim> open = new HashMap<>();
    /** By the loopback address of each family. */
    private final Map<InetAddress, OpenSocket> sockets = new HashMap<>();
    private @Nullable String problem;

    /** Intercepts nothing yet. */
    InterceptedFlows(DatagramGround datagrams, ServicePorts ports) {
        this.datagrams = datagrams;
        this.ports = ports;
    }

    /** As {@link ServiceListeners#open}. */
    int open(AddressPlan plan, boolean opens) {
        int before = open.size();
        plan.claimedForDatagrams().forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            if (port != null && ports.usable(address, claim) && (opens || open.containsKey(address))) {
                datagrams.put(address, claim.kind(), port.targets());
                open.put(address, claim);
            }
        });
        return open.size() - before;
    }

    /**
     * Opens a socket for the datagrams of a family if there is none, with the number of the port at which connections are
     * taken: the rules know only one.
     */
    void intercept(InetSocketAddress connections) {
        if (sockets.containsKey(connections.getAddress())) {
            return;
        }
        try {
            sockets.put(connections.getAddress(),
                    datagrams.intercept(connections).toCompletableFuture().join());
            problem = null;
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String now = IpAddresses.format(connections.getAddress(), connections.getPort()) + ": "
                    + SocketFailures.bindReason(cause, connections);
            if (!now.equals(problem)) {
                LOG.warn("datagrams to Services cannot be intercepted, trying again: {}", now);
            }
            problem = now;
        }
    }

    /** As {@link ServiceListeners#close}. */
    int close(AddressPlan plan) {
        List<InetSocketAddress> surplus =
                open.keySet().stream().filter(address -> !ports.servedDatagrams(plan, address)).toList();
        surplus.forEach(address -> {
            open.remove(address);
            datagrams.remove(address);
        });
        return surplus.size();
    }

    /** Receives nothing more; flows that wait for a reply get it as long as the data path lasts. */
    void closeAll() {
        datagrams.finishAll();
        stop();
    }

    /** The same, but that another process receives what comes. */
    void releaseAll() {
        datagrams.releaseAll();
        stop();
    }

    private void stop() {
        sockets.values().stream().map(socket -> socket.stop().toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        sockets.clear();
        open.clear();
    }

    List<Integer> descriptors() {
        List<Integer> descriptors = new ArrayList<>(datagrams.descriptors());
        sockets.values().forEach(socket -> socket.descriptor().ifPresent(descriptors::add));
        return descriptors;
    }

    int size() {
        return open.size();
    }

    boolean has(InetSocketAddress address) {
        return open.containsKey(address);
    }

    /** Why datagrams do not come here; null if they do. */
    @Nullable
    String problem() {
        return problem;
    }
}
