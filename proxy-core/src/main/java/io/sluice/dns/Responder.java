package io.sluice.dns;

import io.sluice.dns.Found.Apex;
import io.sluice.dns.Found.Missing;
import io.sluice.dns.Found.Outside;
import io.sluice.dns.Found.Present;
import io.sluice.dns.Node.RecordSet;
import io.sluice.dns.Outcome.Answered;
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

/** From a message to its answer, by one zone. Pure: no I/O, no clock, randomness is passed in. Any thread. */
final class Responder {

    /** For metrics: names outside our zones, and messages that were not looked at. */
    static final String OTHER_ZONE = ".";
    static final String NO_ZONE = "dropped";

    private static final int MAX_LINKS = 10;

    private final boolean upstream;

    /** @param upstream whether there is somebody to ask for names that are not ours */
    Responder(boolean upstream) {
        this.upstream = upstream;
    }

    /**
     * Answers {@code octets}; never throws, whatever they are.
     *
     * @param stream whether they came over TCP
     * @param random decides the order of addresses
     */
    Outcome answer(Zone zone, byte[] octets, boolean stream, RandomGenerator random) {
        return switch (Incoming.read(octets, stream)) {
            case Incoming.Ignored ignored -> Outcome.Silence.INSTANCE;
            case Incoming.Rejected rejected -> rejected(rejected);
            case Incoming.Accepted accepted -> new Resolution(zone, accepted.query(), random).resolve();
        };
    }

    private Outcome rejected(Incoming.Rejected rejected) {
        Query query = rejected.query();
        return query == null
                ? new Answered(null, NO_ZONE, rejected.rcode(),
                        ReplyWriter.header(rejected.id(), rejected.flags(), rejected.rcode()))
                : done(new Reply(query).rcode(rejected.rcode()), OTHER_ZONE);
    }

    /** A reply that says only {@code rcode}, to a query outside our zones. */
    Answered plain(Query query, int rcode) {
        return done(new Reply(query).rcode(rcode), OTHER_ZONE);
    }

    /** Finishes {@code reply}. */
    Answered done(Reply reply, String zone) {
        reply.recursionAvailable(upstream);
        return new Answered(reply.query(), zone, reply.rcode(), ReplyWriter.write(reply));
    }

    /** One query on its way through the zone. */
    private final class Resolution {

        private final Zone zone;
        private final Query query;
        private final RandomGenerator random;
        private final Reply reply;
        private final Set<Name> seen = new HashSet<>(2);
        private String zoneName = OTHER_ZONE;

        Resolution(Zone zone, Query query, RandomGenerator random) {
            this.zone = zone;
            this.query = query;
            this.random = random;
            this.reply = new Reply(query);
        }

        Outcome resolve() {
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

        private Outcome missing(Missing missing, Name name) {
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

        private Outcome elsewhere(Name name) {
            if (!reply.answer().isEmpty()) {
                return upstream ? new Outcome.Followed(reply, zoneName, name) : done(reply, zoneName);
            }
            if (!upstream) {
                return plain(query, Rcode.REFUSED);
            }
            if (query.type() == Type.ANY) {
                reply.answer().add(minimalAny());
                return done(reply, zoneName);
            }
            return new Outcome.Relayed(query);
        }

        /** Adds what the name has; returns the target if it is an alias to be followed. */
        private @Nullable Name present(Present present) {
            Node node = present.node();
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

        /** The first zone decides whether the answer is ours. */
        private void ours(Apex apex) {
            if (seen.size() == 1) {
                zoneName = apex.origin().toString();
                reply.authoritative(true);
            }
        }

        private void negative(Apex apex) {
            reply.authority().add(apex.soa());
        }

        /** Addresses in any order: clients mostly take the first. Everything else as it is. */
        private List<Record> ordered(RecordSet set) {
            if (set.records().size() < 2 || set.type() != Type.A && set.type() != Type.AAAA) {
                return set.records();
            }
            List<Record> shuffled = new ArrayList<>(set.records());
            Collections.shuffle(shuffled, Random.from(random));
            return shuffled;
        }

        /** The addresses of what SRV and NS records name, if they are ours. */
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

        /** RFC 8482 §4.2: one small answer instead of everything. */
        private Record minimalAny() {
            return new HINFORecord(query.name(), DClass.IN, zone.ttl(), "RFC8482", "");
        }
    }
}
