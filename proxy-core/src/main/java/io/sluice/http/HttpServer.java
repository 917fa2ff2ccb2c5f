package io.sluice.http;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.sluice.linux.SocketFailures;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small HTTP server with an event loop of its own, for any number of addresses, which share its {@link HttpLimits}.
 *
 * <p>It uses the JDK's selectors everywhere: in Netty 4.2.18 an epoll channel whose client has finished sending, as many do
 * after their request, loses the rest of a response that the kernel does not accept at once.
 *
 * <p>Public methods may be called from any thread but an event loop; all else lives on the server's.
 */
public final class HttpServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);
    private static final long WARN_NANOS = Duration.ofSeconds(10).toNanos();
    private static final int REFILL_MILLIS = 5;

    private final HttpLimits limits;
    private final MultiThreadIoEventLoopGroup group;
    private final EventLoop loop;
    private final Renderings renderings;
    private final Turns turns;
    private final SpareDescriptors spare;
    private final Set<HttpConnection> open = new LinkedHashSet<>();
    private final Set<HttpListener> listeners = ConcurrentHashMap.newKeySet();
    private final LoopClock clock = new LoopClock(System.nanoTime());
    private int streams;
    private long responseBytes;
    private boolean refilling;
    private boolean ticking;
    private long nextRefusalWarning = System.nanoTime();
    private long nextDescriptorWarning = System.nanoTime();

    /**
     * Opens nothing yet but an event loop.
     *
     * @param name of its thread
     */
    public HttpServer(String name, HttpLimits limits) {
        this.limits = limits;
        this.group =
                new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
        this.loop = group.next();
        this.renderings = new Renderings(loop, limits.views());
        this.turns = new Turns(this::onLoop, task -> Thread.ofVirtual().name("http-part").start(task));
        this.spare = new SpareDescriptors(limits.spareDescriptors());
    }

    /**
     * Serves at one more address, as soon as it can be bound. Returns at once.
     *
     * @param address       port 0 for any that is free
     * @param retryInterval between two attempts to bind it
     */
    public HttpListener listen(InetSocketAddress address, Site site, Duration retryInterval) {
        HttpListener listener = new HttpListener(this, loop, address, site, retryInterval);
        listeners.add(listener);
        loop.execute(() -> {
            refill();
            listener.bind();
        });
        return listener;
    }

    /** Stops {@code listener}; open connections stay. Returns at once. */
    public void stop(HttpListener listener) {
        listeners.remove(listener);
        listener.close();
    }

    /** Stops at once; requests that are being answered are cut off. The addresses are free when it returns. */
    @Override
    public void close() {
        listeners.forEach(HttpListener::close);
        if (!loop.isShuttingDown()) {
            loop.execute(() -> {
                List.copyOf(open).forEach(HttpConnection::giveWay);
                spare.close();
            });
        }
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }

    HttpLimits limits() {
        return limits;
    }

    Renderings renderings() {
        return renderings;
    }

    private void onLoop(Runnable task) {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("a part of a response came after the end");
        }
    }

    /** In which long responses are made. */
    Turns turns() {
        return turns;
    }

    /** Adds a connection; another one may give way to it. */
    void admit(HttpConnection connection) {
        Admission.givesWay(open, connection.client(), limits, now()).ifPresent(this::abandon);
        open.add(connection);
        if (!ticking) {
            ticking = true;
            tick();
        }
    }

    /** Repeated as long as there are connections. */
    private void tick() {
        clock.tick(System.nanoTime());
        ticking = !open.isEmpty();
        if (ticking) {
            loop.schedule(this::tick, LoopClock.TICK_NANOS, TimeUnit.NANOSECONDS);
        }
    }

    /** The time by the loop's clock. */
    long now() {
        return clock.now(System.nanoTime());
    }

    /** Removes a connection that is closed. */
    void ended(HttpConnection connection) {
        open.remove(connection);
        connection.ended();
        refill();
    }

    /**
     * Refills the spare descriptors in the next round of the loop: only then a selector really closes what was closed in this
     * round. Other threads take free descriptors too, so this is repeated until none is missing.
     */
    private void refill() {
        if (!refilling) {
            refilling = true;
            loop.schedule(this::tryToRefill, 1, TimeUnit.NANOSECONDS);
        }
    }

    private void tryToRefill() {
        refilling = !spare.fill();
        if (refilling) {
            loop.schedule(this::tryToRefill, REFILL_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void abandon(HttpConnection connection) {
        open.remove(connection);
        connection.giveWay();
    }

    /** Whether there may be one stream more; counts it if so, until {@link #streamEnded}. */
    boolean mayStream() {
        if (streams >= limits.streams()) {
            return false;
        }
        streams++;
        return true;
    }

    void streamEnded() {
        streams--;
    }

    /** A client begins to read {@code response}; responses that other clients have not read for too long give way to it. */
    void taking(HttpConnection connection, Rendered response) {
        if (response.take()) {
            responseBytes += response.length();
        }
        while (responseBytes > limits.answerBytes()) {
            Optional<HttpConnection> slowest = open.stream()
                    .filter(other -> other != connection && other.response() != null && other.response() != response)
                    .min(Comparator.<HttpConnection>comparingInt(other -> other.client().ownNode() ? 1 : 0)
                            .thenComparing(Admission.longestWait(now())));
            if (slowest.isEmpty()) {
                return;
            }
            abandon(slowest.get());
        }
    }

    /** A client has read {@code response}, or never will. */
    void letGo(Rendered response) {
        if (response.letGo()) {
            responseBytes -= response.length();
        }
    }

    /** Logs, though not each time, a refused name: a user may need a setting, or a web page tries what it should not. */
    void refusedName(Channel channel, String why) {
        long now = System.nanoTime();
        if (now - nextRefusalWarning >= 0) {
            nextRefusalWarning = now + WARN_NANOS;
            LOG.warn("Refused a request from {} at {}: {}", channel.remoteAddress(), channel.localAddress(), why);
        }
    }

    /** Whether there is a descriptor for one more connection now. */
    boolean outOfDescriptors(Channel socket, Throwable cause) {
        long now = System.nanoTime();
        if (now - nextDescriptorWarning >= 0) {
            nextDescriptorWarning = now + WARN_NANOS;
            LOG.warn("Cannot accept a connection at {}: {}; raise the limit of open files (ulimit -n)",
                    socket.localAddress(), SocketFailures.acceptReason(cause));
        }
        Optional<HttpConnection> overdue = Admission.mostOverdue(open, now());
        overdue.ifPresent(this::abandon);
        refill();
        return overdue.isPresent() || spare.giveBack();
    }
}
