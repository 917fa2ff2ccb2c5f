package io.sluice.dns.server;

import io.sluice.dns.server.Resolution.Answered;
import io.sluice.dns.wire.Incoming;
import io.sluice.dns.wire.Query;
import io.sluice.dns.wire.Reply;
import io.sluice.dns.wire.ReplyWriter;
import io.sluice.dns.zone.Lookup.Apex;
import io.sluice.dns.zone.Lookup.Missing;
import io.sluice.dns.zone.Lookup.Outside;
import io.sluice.dns.zone.Lookup.Present;
import io.sluice.dns.zone.Zone;
import io.sluice.dns.zone.ZoneNode;
import io.sluice.dns.zone.ZoneNode.RecordSet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.CNAMERecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.HINFORecord;
import org.xbill.DNS.NSRecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SRVRecord;
import org.xbill.DNS.Type;

/** Answers a message from one zone. Pure: no I/O, no clock, randomness is passed in. Any thread. */
final class Responder {

    /** For metrics: names outside our zones, and messages that were rejected before their name was read. */
    static final String OTHER_ZONE = ".";
    static final String NO_ZONE = "dropped";

    private static final int MAX_LINKS = 10;

    private final boolean upstream;
    private final int udpBytes;

    /**
     * Answers nothing yet.
     *
     * @param upstream whether there are upstreams for names outside our zones
     * @param udpBytes the longest reply over UDP, if the client accepts as much
     */
    Responder(boolean upstream, int udpBytes) {
        this.upstream = upstream;
        this.udpBytes = udpBytes;
    }

    /** Reads {@code octets}. */
    Incoming read(byte[] octets, boolean stream) {
        return Incoming.read(octets, stream ? Incoming.MAX_BYTES : Math.min(udpBytes, Incoming.MAX_UDP_BYTES), stream);
    }

    /**
     * Answers {@code octets}, which may be anything; never throws.
     *
     * @param stream whether they came over TCP
     * @param random decides the order of addresses
     */
    Resolution answer(Zone zone, byte[] octets, boolean stream, RandomGenerator random) {
        return switch (read(octets, stream)) {
            case Incoming.Ignored ignored -> Resolution.Silence.INSTANCE;
            case Incoming.Rejected rejected -> rejected(rejected);
            case Incoming.Accepted accepted -> new Resolver(zone, accepted.query(), random).resolve();
        };
    }

    private Resolution rejected(Incoming.Rejected rejected) {
        Query query = rejected.query();
        return query == null
                ? new Answered(null, NO_ZONE, rejected.rcode(),
                        ReplyWriter.header(rejected.id(), rejected.flags(), rejected.rcode()))
                : done(new Reply(query).rcode(rejected.rcode()), OTHER_ZONE);
    }

    /** A reply with nothing but {@code rcode}, to a query outside our zones. */
    Answered plain(Query query, int rcode) {
        return done(new Reply(query).rcode(rcode), OTHER_ZONE);
    }

    /** Finishes {@code reply}. */
    Answered done(Reply reply, String zone) {
        reply.recursionAvailable(upstream);
        return new Answered(reply.query(), zone, reply.rcode(), ReplyWriter.write(reply));
    }

    /** One query on its way through the zone. */
    private final class Resolver {

        private final Zone zone;
        private final Query query;
        private final RandomGenerator random;
        private final Reply reply;
        private final Set<Name> seen = new HashSet<>(2);
        private String zoneName = OTHER_ZONE;

        Resolver(Zone zone, Query query, RandomGenerator random) {
            this.zone = zone;
            this.query = query;
            this.random = random;
            this.reply = new Reply(query);
        }

        Resolution resolve() {
            Name name = query.name();
            while (true) {
                if (!seen.add(name) || seen.size() > MAX_LINKS) {
                    return done(reply.clear().rcode(Rcode.SERVFAIL), zoneName); // aliases in a circle
                }
                switch (zone.find(name)) {
                    case Outside outside -> {
                        return elsewhere(name);
                    }
                    case Missing missing -> {
                        return missing(missing, name);
                    }
                    case Present present -> {
                        ours(present.apex());
                        Name next = present(present);
                        if (next == null) {
                            return done(reply, zoneName);
                        }
                        name = next;
                    }
                }
            }
        }

        private Resolution missing(Missing missing, Name name) {
            if (!missing.own() && upstream) {
                return elsewhere(name);
            }
            ours(missing.apex());
            if (missing.own() && !zone.synced()) {
                return done(reply.rcode(Rcode.SERVFAIL), zoneName);
            }
            negative(missing.apex());
            return done(reply.rcode(Rcode.NXDOMAIN), zoneName);
        }

        private Resolution elsewhere(Name name) {
            if (!reply.answer().isEmpty()) {
                return upstream ? new Resolution.ChaseCname(reply, zoneName, name) : done(reply, zoneName);
            }
            if (!upstream) {
                return plain(query, Rcode.REFUSED);
            }
            if (query.type() == Type.ANY) {
                reply.answer().add(minimalAny());
                return done(reply, zoneName);
            }
            return new Resolution.Relayed(query);
        }

        /** Adds what the name has; returns the target if it is an alias to be chased. */
        private @Nullable Name present(Present present) {
            ZoneNode node = present.node();
            if (query.type() == Type.ANY && !node.sets().isEmpty()) {
                reply.answer().add(minimalAny());
                return null;
            }
            RecordSet set = node.set(query.type());
            if (set != null) {
                reply.answer().addAll(ordered(set));
                additional(set);
                return null;
            }
            RecordSet alias = node.set(Type.CNAME);
            if (alias != null && alias.records().getFirst() instanceof CNAMERecord cname) {
                reply.answer().add(cname);
                return cname.getTarget();
            }
            negative(present.apex());
            return null;
        }

        /** The zone of the first name decides whether the answer is authoritative. */
        private void ours(Apex apex) {
            if (seen.size() == 1) {
                zoneName = apex.origin().toString();
                reply.authoritative(true);
            }
        }

        private void negative(Apex apex) {
            reply.authority().add(apex.soa());
        }

        /** Addresses and SRV records in any order: clients mostly take the first. Other records keep their order. */
        private List<Record> ordered(RecordSet set) {
            if (set.records().size() < 2 || set.type() != Type.A && set.type() != Type.AAAA && set.type() != Type.SRV) {
                return set.records();
            }
            List<Record> shuffled = new ArrayList<>(set.records());
            Collections.shuffle(shuffled, Random.from(random));
            return shuffled;
        }

        /** Adds the addresses of names in SRV and NS records, if they are in our zones. */
        private void additional(RecordSet set) {
            Set<Name> targets = new HashSet<>();
            for (Record record : set.records()) {
                Name target = switch (record) {
                    case SRVRecord srv -> srv.getTarget();
                    case NSRecord ns -> ns.getTarget();
                    default -> null;
                };
                if (target != null && targets.add(target) && zone.find(target) instanceof Present present) {
                    for (RecordSet addresses : present.node().sets()) {
                        if (addresses.type() == Type.A || addresses.type() == Type.AAAA) {
                            reply.additional().addAll(ordered(addresses));
                        }
                    }
                }
            }
        }

        /** RFC 8482 §4.2: one small record instead of all. */
        private Record minimalAny() {
            return new HINFORecord(query.name(), DClass.IN, zone.ttl(), "RFC8482", "");
        }
    }
}
