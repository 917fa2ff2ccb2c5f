package io.sluice.admin;

import io.sluice.http.AllowedHosts;
import io.sluice.http.HttpLimits;
import io.sluice.http.HttpListener;
import io.sluice.http.HttpServer;
import io.sluice.http.Route;
import io.sluice.http.Site;
import io.sluice.linux.Errno;
import io.sluice.linux.SocketFailures;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One admin address: a {@link HttpServer} of its own, so that no admin address uses the limits of another, and its log lines
 * and messages. An address that cannot be bound is tried again until it can or until {@link #close}.
 */
final class AdminServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);

    private final String purpose;
    private final String flag;
    private final InetSocketAddress address;
    private final Map<String, Route> routes;
    private final Serving serving;
    /** Guarded by this. */
    private @Nullable HttpServer server;
    private volatile @Nullable HttpListener listener;
    /** Guarded by this. */
    private boolean closed;

    /**
     * How an address is served.
     *
     * @param hosts         the host names for which views are served
     * @param retryInterval the time between two attempts to bind
     */
    record Serving(AllowedHosts hosts, HttpLimits limits, Duration retryInterval) {}

    /**
     * Opens nothing yet.
     *
     * @param purpose what the address serves, for messages
     * @param flag    the flag that sets the address, for messages
     * @param routes  by exact path
     */
    AdminServer(String purpose, String flag, InetSocketAddress address, Map<String, Route> routes, Serving serving) {
        this.purpose = purpose;
        this.flag = flag;
        this.address = address;
        this.routes = routes;
        this.serving = serving;
    }

    /**
     * Serves, now or as soon as the address can be bound.
     *
     * @param hardFail whether an address that cannot be bound is an error
     * @throws IOException if it is; the message says what, where, and what to do
     */
    void start(boolean hardFail) throws IOException {
        HttpListener opened = open();
        if (opened == null) {
            return;
        }
        try {
            opened.firstAttempt().join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String failure = failure(cause);
            if (hardFail) {
                stop();
                throw new IOException(failure, cause);
            }
            LOG.warn("{}; trying again every {} s", failure, serving.retryInterval().toSeconds());
        }
        opened.bound().thenAccept(bound -> LOG.info("Serving {} at http://{}", purpose, format(bound)));
    }

    private synchronized @Nullable HttpListener open() {
        if (closed) {
            return null;
        }
        HttpServer created = new HttpServer("sluice-" + flag.replaceAll("^--|-bind-address$", ""),
                serving.limits());
        HttpListener opened = created.listen(address, Site.of(routes, serving.hosts()), serving.retryInterval());
        server = created;
        listener = opened;
        return opened;
    }

    /** The address that it listens on; empty while it cannot be bound. */
    Optional<InetSocketAddress> boundAddress() {
        return Optional.ofNullable(listener).flatMap(HttpListener::address);
    }

    /** Stops at once, and may be started again; requests that are being answered are cut off. */
    synchronized void stop() {
        listener = null;
        if (server != null) {
            server.close();
            server = null;
        }
    }

    /** Stops for good. */
    @Override
    public synchronized void close() {
        closed = true;
        stop();
    }

    private String failure(Throwable cause) {
        String remedy = SocketFailures.ofBind(cause, address) == Errno.EADDRINUSE
                ? "stop the program that listens there (ss -ltnp shows it)"
                : "check that this machine has the address and that the port is allowed";
        return "Cannot serve " + purpose + " at " + format(address) + ": " + cause.getMessage() + "; " + remedy
                + " or choose another with " + flag;
    }

    private static String format(InetSocketAddress address) {
        return address.getAddress() == null
                ? address.toString()
                : IpAddresses.format(address.getAddress(), address.getPort());
    }
}
