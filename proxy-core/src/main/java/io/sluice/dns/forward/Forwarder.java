package io.sluice.dns.forward;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.sluice.dns.forward.UpstreamAttempt.Edns;
import io.sluice.dns.wire.Question;
import io.sluice.dns.wire.UpstreamMessage;
import io.sluice.metrics.DnsMetrics;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/**
 * Asks upstream servers for names outside our zones: the first that answers, then the next. Clients that ask the same question
 * at the same time share one, and a bounded cache keeps answers as long as their TTL.
 *
 * <p>An upstream that does not answer twice is asked last, and checked until it answers again. One that does not understand
 * EDNS is asked without it, until a check shows that it does. A question with a random name finds out upstreams that send our
 * own questions back to us; these are not asked. Event loops; nothing blocks.
 */
public final class Forwarder implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Forwarder.class);
    private static final Duration CHECK_INTERVAL = Duration.ofMillis(500);
    private static final Duration PROBE_WAIT = Duration.ofSeconds(3);
    private static final Duration PROBE_AGAIN = Duration.ofSeconds(30);
    /** The time until the first check for EDNS, short because a datagram may just have been lost. */
    private static final Duration EDNS_CHECK = Duration.ofSeconds(1);
    private static final Duration EDNS_CHECK_AGAIN = Duration.ofMinutes(5);
    private static final Question CHECK = new Question(Name.root, Type.NS, false, false);

    /** The result of a question. */
    public sealed interface Result {

        /** An answer, of any rcode. */
        record Reply(UpstreamMessage message, long ageSeconds) implements Result {}

        /** No upstream answered. */
        record Failed() implements Result {}

        /** Too many questions wait. */
        record Overloaded() implements Result {}
    }

    private volatile List<Upstream> upstreams;
    private volatile boolean started;
    private final ForwardLimits limits;
    private final EventLoopGroup loops;
    private final DnsSockets sockets;
    private final DnsMetrics metrics;
    private final ReplyCache cache;
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicBoolean overloaded = new AtomicBoolean();
    private final ConcurrentMap<Question, CompletableFuture<Result>> inFlight = new ConcurrentHashMap<>();
    private final ConcurrentMap<Name, Upstream> probes = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * Sends nothing yet.
     *
     * @param upstreams in the order in which they are asked
     * @param loops     the event loops of the sockets
     */
    public Forwarder(List<InetSocketAddress> upstreams, ForwardLimits limits, EventLoopGroup loops, DnsSockets sockets,
            DnsMetrics metrics) {
        this.upstreams = upstreams.stream().map(Upstream::new).toList();
        this.limits = limits;
        this.loops = loops;
        this.sockets = sockets;
        this.metrics = metrics;
        this.cache = new ReplyCache(limits.cacheEntries(), limits.cacheBytes(), metrics);
    }

    /** Begins to check for forwarding loops; call it once the DNS server listens. */
    public void start() {
        started = true;
        upstreams.forEach(this::probe);
    }

    /**
     * Asks {@code servers} from now on, in this order, and forgets the answers of others, as another network may have other
     * names. One thread at a time.
     */
    public void upstreams(List<InetSocketAddress> servers) {
        Map<String, Upstream> before = new HashMap<>();
        upstreams.forEach(upstream -> before.put(upstream.address().toString(), upstream));
        List<Upstream> now = new ArrayList<>();
        List<Upstream> added = new ArrayList<>();
        for (InetSocketAddress server : servers) {
            Upstream upstream = new Upstream(server);
            Upstream known = before.get(server.toString());
            now.add(known == null ? upstream : known);
            if (known == null) {
                added.add(upstream);
            }
        }
        upstreams = List.copyOf(now);
        cache.clear();
        if (started) {
            added.forEach(this::probe);
        }
    }

    /** The number of answers in the cache. */
    public int cacheEntries() {
        return cache.size();
    }

    /** Asks for {@code question}. On {@code eventLoop}, on which {@code done} is called once, perhaps before this returns. */
    public void ask(Question question, EventLoop eventLoop, Consumer<Result> done) {
        long now = System.nanoTime();
        ReplyCache.Entry known = cache.get(question, now);
        if (known != null) {
            done.accept(new Result.Reply(known.message(), known.ageSeconds(now)));
            return;
        }
        if (waiting.incrementAndGet() > limits.queries()) {
            waiting.decrementAndGet();
            metrics.upstreamRejected();
            if (overloaded.compareAndSet(false, true)) {
                LOG.warn("{} DNS questions wait for --dns-upstream; more are REFUSED, and counted in"
                        + " sluice_dns_upstream_rejects_total only from now on", limits.queries());
            }
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

    /** Whether {@code name} is of our own question that came back: then the upstream that got it is not asked again. */
    public boolean sawOwnProbe(Name name) {
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
        attempt(upstream, new Question(name, Type.HINFO, false, false), Edns.NEVER, message -> {});
        later(PROBE_WAIT, () -> {
            if (probes.remove(name) != null) {
                upstream.looping(false);
            }
        });
    }

    /** Asks {@code upstream} every half second while it is down. */
    private void check(Upstream upstream) {
        if (!closed && upstream.down() && upstreams.contains(upstream)) {
            attempt(upstream, CHECK, Edns.AS_UNDERSTOOD, message -> {
                if (message == null) {
                    metrics.upstreamCheckFailed(upstream.toString());
                    later(CHECK_INTERVAL, () -> check(upstream));
                }
            });
        }
    }

    /** Checks whether {@code upstream} understands EDNS by now; no client waits for this. */
    private void checkEdns(Upstream upstream, boolean first) {
        if (closed || loops.isShuttingDown() || !upstreams.contains(upstream)) {
            return;
        }
        EventLoop eventLoop = loops.next();
        eventLoop.execute(() -> UpstreamAttempt.begin(sockets, eventLoop, metrics, upstream, CHECK, Edns.ALWAYS,
                limits.timeout(), message -> {
                    if (message != null && !message.refusesEdns()) {
                        upstream.withEdns();
                        return;
                    }
                    if (first) {
                        LOG.info("The DNS upstream {} does not understand EDNS and is asked without", upstream);
                    }
                    later(EDNS_CHECK_AGAIN, () -> checkEdns(upstream, false));
                }));
    }

    private void attempt(Upstream upstream, Question question, Edns edns, Consumer<@Nullable UpstreamMessage> done) {
        if (closed || loops.isShuttingDown()) {
            return;
        }
        EventLoop eventLoop = loops.next();
        eventLoop.execute(() -> attempt(upstream, question, edns, eventLoop, done));
    }

    private void attempt(Upstream upstream, Question question, Edns edns, EventLoop eventLoop,
            Consumer<@Nullable UpstreamMessage> done) {
        UpstreamAttempt.begin(sockets, eventLoop, metrics, upstream, question, edns, limits.timeout(),
                message -> {
                    if (message == null) {
                        if (upstream.failed()) {
                            LOG.warn("The DNS upstream {} does not answer; it is asked last until it does", upstream);
                            later(CHECK_INTERVAL, () -> check(upstream));
                        }
                    } else if (upstream.answered()) {
                        LOG.info("The DNS upstream {} answers again", upstream);
                    }
                    if (upstream.beginEdnsCheck()) {
                        later(EDNS_CHECK, () -> checkEdns(upstream, true));
                    }
                    done.accept(message);
                });
    }

    /** One question, from upstream to upstream. Lives on one event loop. */
    private final class Round {

        private final Question question;
        private final EventLoop eventLoop;
        private final CompletableFuture<Result> result;
        private final List<Upstream> asked = upstreams;
        private final ArrayDeque<Upstream> left;
        private final List<Upstream> silent = new ArrayList<>();
        private @Nullable UpstreamMessage second;
        private boolean repeated;

        Round(Question question, EventLoop eventLoop, CompletableFuture<Result> result) {
            this.question = question;
            this.eventLoop = eventLoop;
            this.result = result;
            List<Upstream> order = new ArrayList<>();
            asked.stream().filter(upstream -> !upstream.looping() && !upstream.down()).forEach(order::add);
            asked.stream().filter(upstream -> !upstream.looping() && upstream.down()).forEach(order::add);
            left = new ArrayDeque<>(order);
        }

        void next() {
            if (left.isEmpty() && second == null && !repeated) {
                repeated = true; // a datagram may be lost, and an upstream that was silent to EDNS is asked without it
                silent.stream().filter(upstream -> asked.size() == 1 || !upstream.down()).forEach(left::add);
            }
            Upstream upstream = left.poll();
            if (upstream == null) {
                finish(second);
                return;
            }
            attempt(upstream, question, Edns.AS_UNDERSTOOD, eventLoop, message -> heard(upstream, message));
        }

        /** Takes an answer; after a failure or a refusal of one server the next one is asked. */
        private void heard(Upstream upstream, @Nullable UpstreamMessage message) {
            if (message == null) {
                silent.add(upstream);
                next();
            } else if (message.rcode() == Rcode.SERVFAIL || message.rcode() == Rcode.REFUSED
                    || message.rcode() == Rcode.NOTIMP) {
                second = message;
                if (asked.size() > 1) {
                    next();
                } else {
                    finish(message);
                }
            } else {
                finish(message);
            }
        }

        private void finish(@Nullable UpstreamMessage message) {
            if (message != null && asked.equals(upstreams)) {
                cache.put(question, message, System.nanoTime());
            }
            inFlight.remove(question);
            result.complete(message == null ? new Result.Failed() : new Result.Reply(message, 0));
        }
    }
}
