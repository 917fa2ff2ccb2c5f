package io.sluice.node;

import io.sluice.linux.ErrnoException;
import io.sluice.linux.SystemCalls;
import io.sluice.liveness.FatalErrors;
import io.sluice.liveness.Faults;
import io.sluice.netlink.KernelRoutes;
import io.sluice.netlink.NetlinkSocket;
import io.sluice.netlink.RouteMessages;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives the kernel's messages about changes of addresses and routes; needs no privilege. Lives on a thread of its own,
 * which ends with {@link #close}.
 */
public final class NodeWatch implements AutoCloseable {

    /** The kind of a change. */
    public enum Change {
        /** An address of the node came or went. */
        ADDRESSES,
        /** A route of ours was removed, or may have been. */
        ROUTES
    }

    private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);
    private static final int RTMGRP_LINK = 1;
    private static final int RTMGRP_IPV4_IFADDR = 0x10;
    private static final int RTMGRP_IPV4_ROUTE = 0x40;
    private static final int RTMGRP_IPV6_IFADDR = 0x100;
    private static final int RTMGRP_IPV6_ROUTE = 0x400;
    /** The thread sleeps until a message arrives: with one processor, each wake-up takes time from an event loop. */
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
     * Starts the watch.
     *
     * @param consumer called on the watch's thread, at least once for each change; must not block
     * @throws IOException if the kernel sends no such messages; nothing is called then
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
            // The daemon also reads the addresses every few seconds.
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
                        // An added route takes nothing away.
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

    /** Ends the watch; one more call of the consumer may be under way. */
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
