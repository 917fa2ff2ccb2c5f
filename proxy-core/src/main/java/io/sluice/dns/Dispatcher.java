package io.sluice.dns;

import io.sluice.dns.Outcome.Answered;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.DnsMetrics.Drop;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/**
 * Leads each message from a socket to its answer: who may ask, how often, our zones first, then the upstreams. Event
 * loops.
 */
final class Dispatcher {

    private static final int MAX_RATED_CLIENTS = 16_384;
    private static final Set<Integer> NAMED_TYPES = Set.of(Type.A, Type.AAAA, Type.ANY, Type.AXFR, Type.CAA, Type.CNAME,
            Type.DNSKEY, Type.DS, Type.HTTPS, Type.IXFR, Type.MX, Type.NAPTR, Type.NS, Type.PTR, Type.SOA, Type.SRV,
            Type.SVCB, Type.TXT);

    private final List<Cidr> allow;
    private final DnsMetrics metrics;
    private final RateLimiter rates;
    private final Responder responder;
    private final @Nullable Forwarder forwarder;
    private volatile Zone zone;

    Dispatcher(DnsSettings settings, DnsMetrics metrics, @Nullable Forwarder forwarder) {
        this.allow = settings.allow();
        this.metrics = metrics;
        this.forwarder = forwarder;
        this.responder = new Responder(forwarder != null);
        this.rates = new RateLimiter(settings.limits().queriesPerSecond(), settings.limits().burst(),
                MAX_RATED_CLIENTS, System.nanoTime());
        this.zone = Zone.unsynced(settings.zone());
    }

    Zone zone() {
        return zone;
    }

    /** From now on answers come from {@code next}. Control thread. */
    void zone(Zone next) {
        zone = next;
    }

    /** Whether {@code client} is anybody we talk to. */
    boolean allowed(InetAddress client) {
        for (Cidr range : allow) {
            if (range.contains(client)) {
                return true;
            }
        }
        return false;
    }

    /** Answers, now or later; false if there will be no answer. */
    boolean received(Exchange exchange) {
        if (!allowed(exchange.client().getAddress())) {
            metrics.dropped(Drop.NOT_ALLOWED);
            return false;
        }
        if (!rates.allow(exchange.client().getAddress(), exchange.receivedAt())) {
            metrics.dropped(Drop.RATE_LIMIT);
            if (exchange.stream() && Incoming.read(exchange.octets(), true) instanceof Incoming.Accepted accepted) {
                answer(exchange, responder.plain(accepted.query(), Rcode.REFUSED));
                return true;
            }
            return false;
        }
        switch (responder.answer(zone, exchange.octets(), exchange.stream(), ThreadLocalRandom.current())) {
            case Outcome.Silence silence -> {
                metrics.dropped(Drop.MALFORMED);
                return false;
            }
            case Answered answered -> answer(exchange, answered);
            case Outcome.Relayed relayed -> relay(exchange, relayed.query());
            case Outcome.Followed followed -> follow(exchange, followed);
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

    /** Puts what an upstream says of an alias's target behind the alias; its verdict becomes ours (RFC 6604). */
    private void follow(Exchange exchange, Outcome.Followed followed) {
        Reply reply = followed.reply();
        if (forwarder == null) {
            answer(exchange, responder.done(reply, followed.zone()));
            return;
        }
        Question question = Question.of(followed.target(), reply.query().type(), reply.query());
        forwarder.ask(question, exchange.eventLoop(), result -> {
            Message message = result instanceof Forwarder.Result.Reply found
                    ? found.message().parsed(found.ageSeconds())
                    : null;
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
            answer(exchange, responder.done(reply, followed.zone()));
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
