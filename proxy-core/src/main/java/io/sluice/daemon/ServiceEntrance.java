package io.sluice.daemon;

import io.sluice.metrics.AccessLog;
import io.sluice.nftables.InterceptionTable;
import io.sluice.nftables.PacketMarks;
import io.sluice.node.AddressMode;
import io.sluice.node.LocalRoutes;
import io.sluice.node.NodeSettings;
import io.sluice.node.ReturnRoutes;
import io.sluice.node.ServiceAddresses;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.HandoffMarks;
import io.sluice.proxy.HandoffSettings;
import io.sluice.proxy.KernelConnections;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.Transport;
import io.sluice.reconcile.Interception;
import io.sluice.service.HandoffPolicy;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of connections to Services into this process: the data path, and the part that makes addresses local, by
 * {@link AddressMode}.
 *
 * @param mode      never {@link AddressMode#AUTO}
 * @param addresses with {@link AddressMode#NFTABLES}: those on which this process itself listens
 */
record ServiceEntrance(AddressMode mode, ServiceAddresses addresses, DataPath dataPath) {

    private static final Logger LOG = LoggerFactory.getLogger(ServiceEntrance.class);

    /**
     * Opens it, and listens on no address yet.
     *
     * @throws IOException                   if the kernel refuses
     * @throws UnsupportedOperationException if the transport is not available here
     */
    static ServiceEntrance open(NodeSettings node, ProxySettings proxy, AccessLog accessLog) throws IOException {
        return switch (node.addressMode()) {
            case LOCAL_ROUTE -> routing(node, proxy, accessLog);
            case NFTABLES -> intercepting(proxy, accessLog);
            case AUTO -> {
                try {
                    yield intercepting(proxy, accessLog);
                } catch (ImpossibleException e) {
                    ServiceEntrance routing = routing(node, proxy, accessLog);
                    LOG.info("{}; it is used", e.getMessage());
                    yield routing;
                }
            }
            case NONE ->
                    new ServiceEntrance(AddressMode.NONE, ServiceAddresses.UNMANAGED, new DataPath(proxy, accessLog));
        };
    }

    private static ServiceEntrance routing(NodeSettings node, ProxySettings proxy, AccessLog accessLog)
            throws IOException {
        return new ServiceEntrance(AddressMode.LOCAL_ROUTE, LocalRoutes.open(node.ranges()),
                new DataPath(proxy, accessLog));
    }

    /** Whether nf_tables intercepts connections, so that addresses of Services need not be local. */
    boolean intercepts() {
        return mode == AddressMode.NFTABLES;
    }

    /** Whether another process that serves uses the addresses that this one has made local. */
    boolean sharesAddresses() {
        try {
            return mode != AddressMode.LOCAL_ROUTE || !InterceptionTable.isThere();
        } catch (IOException e) {
            LOG.warn("whether another process intercepts connections cannot be seen, addresses stay: {}",
                    e.getMessage());
            return true;
        }
    }

    Interception interception(NodeSettings node) {
        return intercepts()
                ? new Interception(true, node.fallback(), node.masqueradeAll())
                : Interception.OFF;
    }

    /**
     * Removes the routes and rules that a daemon with another {@link AddressMode} left when it died; those of a daemon with
     * this mode are used. Removes none if this daemon adds none for Services: other daemons here may serve. Any thread.
     */
    void takeBackLeft() {
        try {
            int left = switch (mode) {
                case NFTABLES -> ReturnRoutes.cleanup();
                case LOCAL_ROUTE -> InterceptionTable.takeBackLeft();
                case NONE, AUTO -> 0;
            };
            if (left > 0) {
                LOG.info("rules of an earlier daemon, which intercepted connections, are taken back: {}", left);
            }
        } catch (IOException e) {
            LOG.warn("rules of an earlier daemon may intercept connections, 'sluice cleanup' removes them: {}",
                    e.getMessage());
        }
    }

    private static ServiceEntrance intercepting(ProxySettings proxy, AccessLog accessLog) throws IOException {
        DataPath dataPath = new DataPath(handing(proxy).marked(PacketMarks.SLUICE.own()), accessLog);
        try {
            if (!dataPath.hasNativeSockets()) {
                throw new ImpossibleException("the transport nio cannot take connections to addresses of others");
            }
            Optional<String> whyNot = InterceptionTable.whyNot();
            if (whyNot.isPresent()) {
                throw new ImpossibleException(whyNot.get());
            }
            return new ServiceEntrance(AddressMode.NFTABLES, LocalRoutes.openForOwn(), dataPath);
        } catch (IOException | RuntimeException e) {
            dataPath.close();
            throw e;
        }
    }

    /** With marks, or without handing connections to the kernel where that is not possible. */
    private static ProxySettings handing(ProxySettings proxy) {
        if (proxy.handoff().policy() == HandoffPolicy.NEVER) {
            return proxy;
        }
        Optional<String> whyNot = whyNoHandoff(proxy);
        if (whyNot.isPresent()) {
            LOG.warn("connections are not handed to the kernel (--kernel-handoff): {}", whyNot.get());
            return proxy.handing(HandoffSettings.NEVER);
        }
        PacketMarks marks = PacketMarks.SLUICE;
        Optional<String> whyNotAtOnce = KernelConnections.whyNotAtOnce();
        whyNotAtOnce.ifPresent(why -> LOG.warn("connections are handed to the kernel when they are quiet, and not at"
                + " once (--kernel-handoff eager): {}", why));
        return proxy.handing(new HandoffSettings(proxy.handoff().policy(), whyNotAtOnce.isEmpty(),
                new HandoffMarks(marks.handed(), marks.pending(), marks.direct(), marks.connection(), marks.upstream(),
                        marks.hushed(), marks.untracked())));
    }

    private static Optional<String> whyNoHandoff(ProxySettings proxy) {
        if (proxy.transport() == Transport.NIO) {
            return Optional.of("the transport nio cannot");
        }
        return KernelConnections.whyNot().or(InterceptionTable::whyNoHandoff);
    }

    /** This kernel, this user or this transport cannot intercept. */
    private static final class ImpossibleException extends IOException {

        private static final long serialVersionUID = 1;

        ImpossibleException(String why) {
            super("--address-mode nftables is not possible here: " + why + "; --address-mode local-route is");
        }
    }
}
