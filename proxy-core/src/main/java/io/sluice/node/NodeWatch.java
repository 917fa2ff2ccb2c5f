package io.sluice.node;

import io.sluice.linux.ErrnoException;
import io.sluice.linux.SystemCalls;
import io.sluice.liveness.FatalErrors;
import io.sluice.liveness.Faults;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to what the kernel tells of changes to addresses and routes; needs no privilege. Lives on a thread of its own,
 * which ends with {@link #close}.
 */
public final class NodeWatch implements AutoCloseable {

    /** What has changed. */
    public enum Change {
        /** An address of the node came or went. */
        ADDRESSES,
        /** A route of ours went, or may have. */
        ROUTES
    }

    private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);
    private static final int RTMGRP_LINK = 1;
    private static final int RTMGRP_IPV4_IFADDR = 0x10;
    private static final int RTMGRP_IPV4_ROUTE = 0x40;
    private static final int RTMGRP_IPV6_IFADDR = 0x100;
    private static final int RTMGRP_IPV6_ROUTE = 0x400;
    /** It sleeps until something is told: where there is one processor, each look takes an event loop's time. */
    private static final int NO_TIMEOUT = 0;

    private final NetlinkSocket socket;
    private final Consumer<Set<Change>> consumer;
    private volatile boolean closed;
    private boolean ended;

    private NodeWatch(NetlinkSocket socket, Consumer<Set<Change>> consumer) {
        this.socket = socket;
        this.consumer = consumer;
    }

    /**
     * Begins.
     *
     * @param consumer called on the watch's thread, at least once for each change; must not block
     * @throws IOException if the kernel does not tell; nobody is called then
     */
    public static NodeWatch start(Consumer<Set<Change>> consumer) throws IOException {
        if (!SystemCalls.available()) {
            throw new IOException("changes of addresses can be watched on Linux only");
        }
        NodeWatch watch = new NodeWatch(NetlinkSocket.open(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
                | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, NO_TIMEOUT), consumer);
        Thread.ofPlatform().name("sluice-node-watch").daemon().start(FatalErrors.vital(watch::run));
        return watch;
    }

    private void run() {
        try {
            while (!closed) {
                Set<Change> changes = next();
                if (!closed && !changes.isEmpty()) {
                    consumer.accept(changes);
                }
            }
        } catch (IOException e) {
            LOG.warn("changes of the node's addresses are not seen at once any more: {}", e.getMessage());
        } catch (RuntimeException e) {
            // They are looked at every few seconds besides.
            Faults.report("seeing changes of the node's addresses at once", e);
        } finally {
            end();
        }
    }

    private synchronized void end() {
        ended = true;
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("closing the watch's socket: {}", e.getMessage());
        }
    }

    private Set<Change> next() throws IOException {
        try {
            Set<Change> changes = EnumSet.noneOf(Change.class);
            RouteMessages.read(socket.receive(), message -> {
                switch (message.type()) {
                    case RouteMessages.RTM_NEWADDR, RouteMessages.RTM_DELADDR -> changes.add(Change.ADDRESSES);
                    case RouteMessages.RTM_NEWLINK, RouteMessages.RTM_DELLINK -> {
                        if (message.link() == KernelRoutes.LOOPBACK) {
                            changes.add(Change.ROUTES); // lo that goes down takes all local routes along, silently
                        }
                    }
                    case RouteMessages.RTM_DELROUTE -> {
                        if (message.subject() instanceof RouteMessages.Route route
                                && route.protocol() == KernelRoutes.PROTOCOL) {
                            changes.add(Change.ROUTES);
                        }
                    }
                    default -> {
                        // Routes that are added are nobody's loss.
                    }
                }
            });
            return changes;
        } catch (ErrnoException e) {
            return switch (e.errno()) {
                case ENOBUFS -> EnumSet.allOf(Change.class);
                case null, default -> throw e;
            };
        }
    }

    /** Ends; one more call may be under way. */
    @Override
    public synchronized void close() {
        closed = true;
        if (!ended) {
            try {
                socket.wake();
            } catch (IOException e) {
                LOG.debug("the watch ends with the next change: {}", e.getMessage());
            }
        }
    }
}
