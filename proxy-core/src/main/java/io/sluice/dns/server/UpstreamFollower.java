package io.sluice.dns.server;

import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.ScheduledFuture;
import io.sluice.dns.forward.Forwarder;
import io.sluice.liveness.Faults;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes the upstreams when the files that name them change. A thread of its own reads the files, as a file system may not
 * respond. A file that cannot be read, or that names no server, changes nothing: a program may just be writing it.
 */
final class UpstreamFollower implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(UpstreamFollower.class);
    private static final int PERIOD_SECONDS = 2;

    private final UpstreamReader reader;
    private final Forwarder forwarder;
    private final Set<InetSocketAddress> listen;
    private final EventLoopGroup loops;
    private final AtomicBoolean reading = new AtomicBoolean();
    private @Nullable ScheduledFuture<?> periodically;
    private volatile List<String> known;
    private volatile String problem = "";

    /**
     * Reads nothing yet.
     *
     * @param listen the addresses of this DNS server, which are never asked
     */
    UpstreamFollower(UpstreamReader reader, Forwarder forwarder, List<InetSocketAddress> first,
            List<InetSocketAddress> listen, EventLoopGroup loops) {
        this.reader = reader;
        this.forwarder = forwarder;
        this.listen = Set.copyOf(listen);
        this.loops = loops;
        this.known = keys(first);
    }

    /** Reads now and every two seconds; does nothing the second time. */
    synchronized void begin() {
        if (periodically == null) {
            look();
            periodically = loops.next().scheduleAtFixedRate(this::look, PERIOD_SECONDS, PERIOD_SECONDS,
                    TimeUnit.SECONDS);
        }
    }

    /** Reads as soon as possible. Any thread; does not wait. */
    void look() {
        if (reading.compareAndSet(false, true)) {
            Thread.ofVirtual().name("sluice-dns-upstreams")
                    .start(Faults.contained("reading which DNS servers are asked", this::readAndFollow));
        }
    }

    private void readAndFollow() {
        try {
            follow(reader.read());
        } catch (IOException e) {
            problem(e.getMessage() + "; the last known DNS servers are asked");
        } finally {
            reading.set(false);
        }
    }

    private void follow(UpstreamReader.Read read) {
        List<InetSocketAddress> others = read.servers().stream().filter(server -> !listen.contains(server)).toList();
        if (others.size() < read.servers().size()) {
            problem("--dns-upstream names this DNS server itself, which is not asked");
        } else if (!read.without().isEmpty()) {
            problem(String.join(", ", read.without()) + " names no DNS server"
                    + (others.isEmpty() ? "; names outside the cluster cannot be resolved unless it did before" : ""));
        } else {
            problem = "";
        }
        List<String> now = keys(others);
        if (!others.isEmpty() && !now.equals(known)) {
            LOG.info("DNS upstreams are now {}", String.join(", ", words(others)));
            forwarder.upstreams(others);
            known = now;
        }
    }

    /** Logs a problem once for as long as it lasts. */
    private void problem(String text) {
        if (!text.equals(problem)) {
            LOG.warn("{}", text);
            problem = text;
        }
    }

    private static List<String> words(List<InetSocketAddress> servers) {
        return servers.stream().map(server -> IpAddresses.formatZoned(server.getAddress(), server.getPort())).toList();
    }

    /** Texts with the number of the zone, which {@code equals} of an address does not compare. */
    private static List<String> keys(List<InetSocketAddress> servers) {
        return servers.stream().map(InetSocketAddress::toString).toList();
    }

    @Override
    public synchronized void close() {
        if (periodically != null) {
            periodically.cancel(false);
        }
    }
}
