package io.sluice.dns.server;

import io.sluice.dns.forward.Forwarder;
import io.sluice.dns.server.Resolution.Answered;
import io.sluice.dns.wire.Incoming;
import io.sluice.dns.wire.Query;
import io.sluice.dns.wire.Question;
import io.sluice.dns.wire.Reply;
import io.sluice.dns.zone.Zone;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.DnsMetrics.Drop;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/**
 * Takes each message from a socket to its answer: checks the client and its rate, then asks our zones, then the upstreams.
 * Event loops.
 */
final class Dispatcher {

    private static final String ONCE = "further ones are counted in sluice_dns_dropped_total only";
    private static final int MAX_RATED_CLIENTS = 16_384;
    private static final Set<Integer> NAMED_TYPES = Set.of(Type.A, Type.AAAA, Type.ANY, Type.AXFR, Type.CAA, Type.CNAME,
            Type.DNSKEY, Type.DS, Type.HTTPS, Type.IXFR, Type.MX, Type.NAPTR, Type.NS, Type.PTR, Type.SOA, Type.SRV,
            Type.SVCB, Type.TXT);

    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);

    private final List<Cidr> allow;
    private final Predicate<InetAddress> own;
    private final DnsLimits limits;
    private final DnsMetrics metrics;
    private final Set<Drop> logged = ConcurrentHashMap.newKeySet();
    private final RateLimiter rates;
    private final Responder responder;
    private final @Nullable Forwarder forwarder;
    private volatile Zone zone;

    /** @param own whether an address is this machine's */
    Dispatcher(DnsSettings settings, DnsMetrics metrics, @Nullable Forwarder forwarder, Predicate<InetAddress> own) {
        this.allow = settings.allow();
        this.own = own;
        this.limits = settings.limits();
        this.metrics = metrics;
        this.forwarder = forwarder;
        this.responder = new Responder(forwarder != null, settings.limits().udpBytes());
        this.rates = new RateLimiter(settings.limits().queriesPerSecond(), settings.limits().burst(),
                MAX_RATED_CLIENTS, System.nanoTime());
        this.zone = Zone.unsynced(settings.zone());
    }

    Zone zone() {
        return zone;
    }

    /** Answers from {@code next} from now on. Control thread. */
    void zone(Zone next) {
        zone = next;
    }

    /** Whether {@code client} gets answers. */
    boolean allowed(InetAddress client) {
        for (Cidr range : allow) {
            if (range.contains(client)) {
                return true;
            }
        }
        return own(client);
    }

    /** Whether {@code client} is this machine, whose programs all have that address. */
    boolean own(InetAddress client) {
        return own.test(client);
    }

    /** Counts a message that gets no answer, and logs the first of each kind, as the reason is seen nowhere else. */
    void dropped(Drop reason, InetAddress client) {
        metrics.dropped(reason);
        if (!logged.contains(reason) && logged.add(reason)) {
            String address = IpAddresses.format(client);
            switch (reason) {
                case NOT_ALLOWED -> LOG.warn("{} asks for DNS and is not answered: it is in no range of --dns-allow,"
                        + " --cluster-cidr or --service-cidr; {}", address, ONCE);
                case RATE_LIMIT -> LOG.warn("{} makes more DNS queries than --dns-rate-limit allows ({} a second); {}",
                        address, limits.queriesPerSecond(), ONCE);
                case CONNECTION_LIMIT -> LOG.warn("{} gets no DNS connection: {} of one client and {} in all"
                        + " may be open, and none of them is idle; {}", address, limits.connectionsPerClient(),
                        limits.connections(), ONCE);
                case MALFORMED, CONGESTED -> LOG.debug("a DNS message of {} is dropped: {}", address, reason);
            }
        }
    }

    /** Answers, now or later; false if there will be no answer. */
    boolean received(Exchange exchange) {
        InetAddress client = exchange.client().getAddress();
        if (!allowed(client)) {
            dropped(Drop.NOT_ALLOWED, client);
            return false;
        }
        if (!own(client) && !rates.allow(client, exchange.receivedAt())) {
            dropped(Drop.RATE_LIMIT, client);
            if (exchange.stream() && responder.read(exchange.octets(), true) instanceof Incoming.Accepted accepted) {
                answer(exchange, responder.plain(accepted.query(), Rcode.REFUSED));
                return true;
            }
            return false;
        }
        switch (responder.answer(zone, exchange.octets(), exchange.stream(), ThreadLocalRandom.current())) {
            case Resolution.Silence silence -> {
                metrics.dropped(Drop.MALFORMED);
                return false;
            }
            case Answered answered -> answer(exchange, answered);
            case Resolution.Relayed relayed -> relay(exchange, relayed.query());
            case Resolution.ChaseCname chased -> chase(exchange, chased);
        }
        return true;
    }

    private void relay(Exchange exchange, Query query) {
        if (forwarder == null || forwarder.sawOwnProbe(query.name())) {
            answer(exchange, responder.plain(query, Rcode.REFUSED));
            return;
        }
        Question question = Question.of(query.name(), query.type(), query);
        forwarder.ask(question, exchange.eventLoop(), result -> answer(exchange, switch (result) {
            case Forwarder.Result.Reply reply -> new Answered(query, Responder.OTHER_ZONE, reply.message().rcode(),
                    reply.message().replyTo(query, reply.ageSeconds()));
            case Forwarder.Result.Failed failed -> responder.plain(query, Rcode.SERVFAIL);
            case Forwarder.Result.Overloaded overloaded -> responder.plain(query, Rcode.REFUSED);
        }));
    }

    /** Adds an upstream's answer for the target of an alias behind the alias; its rcode becomes ours (RFC 6604). */
    private void chase(Exchange exchange, Resolution.ChaseCname chased) {
        Reply reply = chased.reply();
        if (forwarder == null) {
            answer(exchange, responder.done(reply, chased.zone()));
            return;
        }
        Question question = Question.of(chased.target(), reply.query().type(), reply.query());
        forwarder.ask(question, exchange.eventLoop(), result -> {
            Message message = null;
            if (result instanceof Forwarder.Result.Reply found) {
                message = found.message().parsed(found.ageSeconds());
                reply.truncated(found.message().truncated());
            }
            if (message == null) {
                reply.rcode(Rcode.SERVFAIL);
            } else {
                reply.rcode(message.getHeader().getRcode());
                reply.answer().addAll(message.getSection(Section.ANSWER));
                for (Record record : message.getSection(Section.AUTHORITY)) {
                    if (record instanceof SOARecord) {
                        reply.authority().add(record);
                    }
                }
            }
            answer(exchange, responder.done(reply, chased.zone()));
        });
    }

    private void answer(Exchange exchange, Answered answered) {
        exchange.reply().accept(answered.octets());
        Query query = answered.query();
        metrics.answered(answered.zone(), exchange.stream() ? Protocol.TCP : Protocol.UDP,
                IpFamily.of(exchange.client().getAddress()), query == null ? "other" : typeName(query.type()),
                Rcode.string(answered.rcode()), exchange.octets().length, answered.octets().length,
                System.nanoTime() - exchange.receivedAt());
    }

    private static String typeName(int type) {
        return NAMED_TYPES.contains(type) ? Type.string(type) : "other";
    }
}
