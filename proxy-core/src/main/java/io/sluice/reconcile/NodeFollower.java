package io.sluice.reconcile;

import io.sluice.balance.ClientOrigins;
import io.sluice.liveness.Faults;
import io.sluice.node.NodeWatch;
import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.net.SocketException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the addresses of this node: reads them when the kernel reports a change, and every few seconds besides.
 * Confined to the control thread, but for {@link #changed}.
 */
final class NodeFollower {

    private static final Logger LOG = LoggerFactory.getLogger(NodeFollower.class);
    private static final Duration PERIOD = Duration.ofSeconds(10);
    /** The wait before the addresses are read: changes of the node come in bursts. */
    private static final Duration SETTLES = Duration.ofMillis(100);

    /**
     * The addresses that were read last.
     *
     * @param own       the addresses of this node's interfaces, without link-local ones
     * @param nodePorts the addresses on which node ports listen
     */
    record Addresses(Set<InetAddress> own, List<InetAddress> nodePorts) {
        Addresses {
            own = Set.copyOf(own);
            nodePorts = List.copyOf(nodePorts);
        }
    }

    private final NodeAddresses reader;
    private final Consumer<ClientOrigins> origins;
    private final List<Cidr> clusterCidrs;
    private final ScheduledExecutorService control;
    private final Runnable due;
    private final AtomicBoolean announced = new AtomicBoolean();
    private Addresses addresses = new Addresses(Set.of(), List.of());
    private @Nullable ScheduledFuture<?> periodically;

    /**
     * Reads nothing yet.
     *
     * @param origins takes what is known about clients' addresses
     * @param due called on the control thread when {@link #read} is due: the node may have changed
     */
    NodeFollower(NodeAddresses reader, Consumer<ClientOrigins> origins, List<Cidr> clusterCidrs,
            ScheduledExecutorService control, Runnable due) {
        this.reader = reader;
        this.origins = origins;
        this.clusterCidrs = clusterCidrs;
        this.control = control;
        this.due = due;
    }

    /** Reads the addresses and follows them from now on; does nothing the second time. */
    void begin() {
        if (periodically == null) {
            read();
            periodically = control.scheduleWithFixedDelay(
                    Faults.contained("following the node's addresses", this::look), PERIOD.toSeconds(),
                    PERIOD.toSeconds(), TimeUnit.SECONDS);
        }
    }

    /** The kernel has reported changes: the addresses are read soon. Any thread. */
    void changed(Set<NodeWatch.Change> changes) {
        if (!changes.isEmpty() && announced.compareAndSet(false, true)) {
            try {
                control.schedule(this::look, SETTLES.toMillis(), TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                LOG.debug("the node is not followed any more: the daemon ends");
            }
        }
    }

    private void look() {
        announced.set(false);
        due.run();
    }

    /**
     * Reads the addresses, and gives them to the data path, which recognizes connections of the node itself by them.
     *
     * @return whether they, or those of node ports, have changed; link-local ones do not count
     */
    boolean read() {
        try {
            Set<InetAddress> now = new HashSet<>(reader.addresses());
            origins.accept(new ClientOrigins(now, clusterCidrs, reader.networks()));
            now.removeIf(InetAddress::isLinkLocalAddress);
            Addresses before = addresses;
            addresses = new Addresses(now, reader.nodePorts());
            boolean changed = !before.equals(addresses);
            if (changed && periodically != null) {
                LOG.info("this node's addresses have changed");
            }
            return changed;
        } catch (SocketException e) {
            LOG.warn("the node's addresses cannot be read, the last known ones stay: {}", e.getMessage());
            return false;
        }
    }

    Addresses addresses() {
        return addresses;
    }

    void stop() {
        if (periodically != null) {
            periodically.cancel(false);
        }
    }
}
