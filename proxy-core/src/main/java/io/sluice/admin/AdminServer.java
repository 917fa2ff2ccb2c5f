package io.sluice.admin;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.service.IpAddresses;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One HTTP address with its routes. Each request runs on a virtual thread of its own, never on an event loop.
 *
 * <p>An address that cannot be bound is tried again until it can or until {@link #close}, on a virtual thread.
 */
final class AdminServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    private static final int BACKLOG = 64;
    private static final int COMPRESS_FROM_BYTES = 4096;

    static {
        // The JDK's server reads its limits once, when the first one is made; whoever sets one on the command line wins.
        limit("jdk.httpserver.maxConnections", 256);
        limit("sun.net.httpserver.maxReqHeaders", 100);
        limit("sun.net.httpserver.maxReqHeaderSize", 32 * 1024);
        limit("sun.net.httpserver.maxReqTime", 10);
        limit("sun.net.httpserver.maxRspTime", 60);
        limit("sun.net.httpserver.idleInterval", 60);
    }

    private final String purpose;
    private final String flag;
    private final InetSocketAddress address;
    private final Map<String, Route> routes;
    private final Duration retryInterval;
    private final ExecutorService requests = Executors
            .newThreadPerTaskExecutor(Thread.ofVirtual().name("admin-", 0).factory());

    /** Guarded by this. */
    private @Nullable HttpServer server;
    /** Guarded by this. */
    private @Nullable Thread retries;
    private boolean closed;

    /**
     * Opens nothing yet.
     *
     * @param purpose       what is served here, for messages
     * @param flag          what sets the address, for messages
     * @param routes        by exact path
     * @param retryInterval between two attempts to bind
     */
    AdminServer(String purpose, String flag, InetSocketAddress address, Map<String, Route> routes,
            Duration retryInterval) {
        this.purpose = purpose;
        this.flag = flag;
        this.address = address;
        this.routes = Map.copyOf(routes);
        this.retryInterval = retryInterval;
    }

    /**
     * Serves, now or as soon as the address can be bound.
     *
     * @param hardFail whether an address that cannot be bound is an error
     * @throws IOException if so; the message says what, where, and what to do
     */
    synchronized void start(boolean hardFail) throws IOException {
        try {
            bind();
        } catch (IOException e) {
            if (hardFail) {
                requests.shutdown();
                throw new IOException(failure(e), e);
            }
            LOG.warn("{}; trying again every {} s", failure(e), retryInterval.toSeconds());
            retries = Thread.ofVirtual().name("admin-bind").start(this::retry);
        }
    }

    /** Where it listens; empty while the address cannot be bound. */
    synchronized Optional<InetSocketAddress> boundAddress() {
        return server == null ? Optional.empty() : Optional.of(server.getAddress());
    }

    /** Stops at once; requests that are being answered are cut off. */
    @Override
    public synchronized void close() {
        closed = true;
        if (retries != null) {
            retries.interrupt();
        }
        if (server != null) {
            server.stop(0);
            server = null;
        }
        requests.shutdownNow();
    }

    private void retry() {
        while (true) {
            try {
                Thread.sleep(retryInterval);
                if (bindUnlessClosed()) {
                    return;
                }
            } catch (InterruptedException e) {
                return;
            } catch (IOException e) {
                LOG.debug("{}; trying again", failure(e));
            }
        }
    }

    private synchronized boolean bindUnlessClosed() throws IOException {
        if (!closed) {
            bind();
        }
        return true;
    }

    private synchronized void bind() throws IOException {
        HttpServer created = HttpServer.create(address, BACKLOG);
        created.createContext("/", this::handle);
        created.setExecutor(requests);
        created.start();
        server = created;
        LOG.info("Serving {} at http://{}", purpose, format(created.getAddress()));
    }

    private String failure(IOException e) {
        String reason = e.getMessage() == null ? e.toString() : e.getMessage();
        String remedy = reason.contains("in use")
                ? "stop what listens there (ss -ltnp shows it)"
                : "check that this machine has the address and that the port is allowed";
        return "Cannot serve " + purpose + " at " + format(address) + ": " + reason + "; " + remedy
                + " or choose another with " + flag;
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            send(exchange, answer(exchange));
        }
    }

    private Answer answer(HttpExchange exchange) {
        Route route = routes.get(exchange.getRequestURI().getPath());
        if (route == null) {
            return Answer.error(404, "nothing is here; / lists what is");
        }
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            return Answer.error(405, "only GET and HEAD are allowed");
        }
        try {
            return route.answer(Request.of(exchange.getRequestHeaders().getFirst("Accept"),
                    exchange.getRequestURI().getRawQuery()));
        } catch (Request.BadRequestException e) {
            return Answer.error(400, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.warn("Answering {} failed", exchange.getRequestURI().getPath(), e);
            return Answer.error(500, "internal error; the log has the details");
        }
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        var headers = exchange.getResponseHeaders();
        headers.set("Content-Type", answer.contentType());
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Cache-Control", "no-store");
        byte[] body = answer.body();
        String encodings = exchange.getRequestHeaders().getFirst("Accept-Encoding");
        if (body.length >= COMPRESS_FROM_BYTES && encodings != null && encodings.contains("gzip")) {
            body = gzip(body);
            headers.set("Content-Encoding", "gzip");
        }
        if (exchange.getRequestMethod().equals("HEAD")) {
            headers.set("Content-Length", Integer.toString(body.length));
            exchange.sendResponseHeaders(answer.status(), -1);
            return;
        }
        exchange.sendResponseHeaders(answer.status(), body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    private static byte[] gzip(byte[] body) {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream(body.length / 4);
        try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
            out.write(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return compressed.toByteArray();
    }

    private static String format(InetSocketAddress address) {
        return address.getAddress() == null
                ? address.toString()
                : IpAddresses.format(address.getAddress(), address.getPort());
    }

    private static void limit(String property, int value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, Integer.toString(value));
        }
    }
}
