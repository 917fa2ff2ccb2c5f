package io.sluice.dns;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.sluice.metrics.DnsMetrics;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/**
 * Asks upstream servers for names that are not ours: the first that is well, then the next; each question once at a time,
 * however many ask it; from a bounded cache while the answer lives.
 *
 * <p>An upstream that does not answer twice is asked last, and checked until it answers again. One that sends our own
 * questions back to us is found out by a question with a random name, and not asked. Event loops; nothing blocks.
 */
final class Forwarder implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Forwarder.class);
    private static final Duration CHECK_INTERVAL = Duration.ofMillis(500);
    private static final Duration PROBE_WAIT = Duration.ofSeconds(3);
    private static final Duration PROBE_AGAIN = Duration.ofSeconds(30);
    private static final Question CHECK = new Question(Name.root, Type.NS, false, false);

    /** What came of a question. */
    sealed interface Result {

        /** An answer, of whatever rcode. */
        record Reply(UpstreamMessage message, long ageSeconds) implements Result {}

        /** No upstream answered. */
        record Failed() implements Result {}

        /** Too many questions wait. */
        record Overloaded() implements Result {}
    }

    private final List<Upstream> upstreams;
    private final DnsLimits limits;
    private final EventLoopGroup loops;
    private final DnsSockets sockets;
    private final DnsMetrics metrics;
    private final ReplyCache cache;
    private final AtomicInteger waiting = new AtomicInteger();
    private final ConcurrentMap<Question, CompletableFuture<Result>> inFlight = new ConcurrentHashMap<>();
    private final ConcurrentMap<Name, Upstream> probes = new ConcurrentHashMap<>();
    private volatile boolean closed;

    Forwarder(List<InetSocketAddress> upstreams, DnsLimits limits, EventLoopGroup loops, DnsSockets sockets,
            DnsMetrics metrics) {
        this.upstreams = upstreams.stream().map(Upstream::new).toList();
        this.limits = limits;
        this.loops = loops;
        this.sockets = sockets;
        this.metrics = metrics;
        this.cache = new ReplyCache(limits.cacheEntries(), limits.cacheBytes(), metrics);
    }

    /** Begins to look for loops: to be called once we listen. */
    void start() {
        upstreams.forEach(this::probe);
    }

    /** Answers of upstreams that are kept. */
    int cacheEntries() {
        return cache.size();
    }

    /** Asks for {@code question}. On {@code eventLoop}, as is the one call of {@code done}, which may come at once. */
    void ask(Question question, EventLoop eventLoop, Consumer<Result> done) {
        long now = System.nanoTime();
        ReplyCache.Entry known = cache.get(question, now);
        if (known != null) {
            done.accept(new Result.Reply(known.message(), known.ageSeconds(now)));
            return;
        }
        if (waiting.incrementAndGet() > limits.upstreamQueries()) {
            waiting.decrementAndGet();
            metrics.upstreamRejected();
            done.accept(new Result.Overloaded());
            return;
        }
        CompletableFuture<Result> mine = new CompletableFuture<>();
        CompletableFuture<Result> running = inFlight.putIfAbsent(question, mine);
        (running == null ? mine : running).thenAccept(result -> {
            waiting.decrementAndGet();
            if (eventLoop.inEventLoop()) {
                done.accept(result);
            } else {
                eventLoop.execute(() -> done.accept(result));
            }
        });
        if (running == null) {
            new Round(question, eventLoop, mine).next();
        }
    }

    /** Whether {@code name} is a question of our own that came back: then the upstream that got it is not asked again. */
    boolean sawOwnProbe(Name name) {
        Upstream upstream = probes.isEmpty() ? null : probes.remove(name);
        if (upstream == null) {
            return false;
        }
        if (!upstream.looping()) {
            LOG.error("The DNS upstream {} sends our questions back to us and is not asked any more;"
                    + " name one that does not ask this server (--dns-upstream)", upstream);
        }
        upstream.looping(true);
        later(PROBE_AGAIN, () -> probe(upstream));
        return true;
    }

    /** Ends checks and probes; questions that wait end with the event loops. */
    @Override
    public void close() {
        closed = true;
    }

    private void later(Duration delay, Runnable task) {
        if (!closed && !loops.isShuttingDown()) {
            loops.next().schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void probe(Upstream upstream) {
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        String hex = HexFormat.of().formatHex(random);
        Name name = Name.fromConstantString(hex.substring(0, 16) + '.' + hex.substring(16) + '.');
        probes.put(name, upstream);
        attempt(upstream, new Question(name, Type.HINFO, false, false), message -> {});
        later(PROBE_WAIT, () -> {
            if (probes.remove(name) != null) {
                upstream.looping(false);
            }
        });
    }

    /** Every half second while it is down. */
    private void check(Upstream upstream) {
        if (!closed && upstream.down()) {
            attempt(upstream, CHECK, message -> {
                if (message == null) {
                    metrics.upstreamCheckFailed(upstream.toString());
                    later(CHECK_INTERVAL, () -> check(upstream));
                }
            });
        }
    }

    private void attempt(Upstream upstream, Question question, Consumer<@Nullable UpstreamMessage> done) {
        if (closed || loops.isShuttingDown()) {
            return;
        }
        EventLoop eventLoop = loops.next();
        eventLoop.execute(() -> attempt(upstream, question, eventLoop, done));
    }

    private void attempt(Upstream upstream, Question question, EventLoop eventLoop,
            Consumer<@Nullable UpstreamMessage> done) {
        UpstreamAttempt.begin(sockets, eventLoop, metrics, upstream, question, limits.upstreamTimeout(), message -> {
            if (message == null) {
                if (upstream.failed()) {
                    LOG.warn("The DNS upstream {} does not answer; it is asked last until it does", upstream);
                    later(CHECK_INTERVAL, () -> check(upstream));
                }
            } else if (upstream.answered()) {
                LOG.info("The DNS upstream {} answers again", upstream);
            }
            done.accept(message);
        });
    }

    /** One question, from upstream to upstream. Lives on one event loop. */
    private final class Round {

        private final Question question;
        private final EventLoop eventLoop;
        private final CompletableFuture<Result> result;
        private final ArrayDeque<Upstream> left;
        private @Nullable UpstreamMessage second;

        Round(Question question, EventLoop eventLoop, CompletableFuture<Result> result) {
            this.question = question;
            this.eventLoop = eventLoop;
            this.result = result;
            List<Upstream> order = new ArrayList<>();
            upstreams.stream().filter(upstream -> !upstream.looping() && !upstream.down()).forEach(order::add);
            upstreams.stream().filter(upstream -> !upstream.looping() && upstream.down()).forEach(order::add);
            if (order.size() == 1) {
                order.add(order.getFirst()); // a datagram may get lost
            }
            left = new ArrayDeque<>(order);
        }

        void next() {
            Upstream upstream = left.poll();
            if (upstream == null) {
                finish(second);
                return;
            }
            attempt(upstream, question, eventLoop, this::heard);
        }

        /** A server that could not or would not answer does not speak for the others. */
        private void heard(@Nullable UpstreamMessage message) {
            if (message == null) {
                next();
            } else if (message.rcode() == Rcode.SERVFAIL || message.rcode() == Rcode.REFUSED
                    || message.rcode() == Rcode.NOTIMP) {
                second = message;
                if (upstreams.size() > 1) {
                    next();
                } else {
                    finish(message);
                }
            } else {
                finish(message);
            }
        }

        private void finish(@Nullable UpstreamMessage message) {
            if (message != null) {
                cache.put(question, message, System.nanoTime());
            }
            inFlight.remove(question);
            result.complete(message == null ? new Result.Failed() : new Result.Reply(message, 0));
        }
    }
}
