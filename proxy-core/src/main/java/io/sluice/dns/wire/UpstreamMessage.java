package io.sluice.dns.wire;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/**
 * An answer of an upstream, kept as the octets received and repeated record by record: whatever type its records have,
 * only their TTL changes. Only records that belong to the question are kept. Immutable.
 */
public final class UpstreamMessage {

    private static final int MAX_TTL = 3_600;
    private static final int MAX_DENIAL_TTL = 1_800;
    private static final int FAILURE_TTL = 5;

    /** The offsets of a record's TTL and of its end, and its section (1 answer to 3 additional). */
    private record Span(int section, int ttlAt, int end) {}

    private final byte[] octets;
    private final int questionEnd;
    private final List<Span> records;
    private final int lifetime;
    private final boolean denial;
    private final boolean extendedRcode;

    private UpstreamMessage(byte[] octets, int questionEnd, List<Span> records, int lifetime, boolean denial,
            boolean extendedRcode) {
        this.octets = octets;
        this.questionEnd = questionEnd;
        this.records = List.copyOf(records);
        this.lifetime = lifetime;
        this.denial = denial;
        this.extendedRcode = extendedRcode;
    }

    /**
     * Reads {@code octets} if they answer {@code question} as it was asked with {@code id}; null for anything else, which
     * may be a forgery: the caller waits on. An error may come without the question.
     */
    public static @Nullable UpstreamMessage read(byte[] octets, int id, Question question) {
        byte[] name = question.name().toWire();
        int questionEnd = Query.HEADER + name.length + 4;
        if (bareError(octets, id)) {
            byte[] whole = Arrays.copyOf(question.toQuery(id, false), questionEnd);
            System.arraycopy(octets, 2, whole, 2, 2);
            return new UpstreamMessage(whole, questionEnd, List.of(),
                    (octets[3] & 15) == Rcode.SERVFAIL ? FAILURE_TTL : 0, true, false);
        }
        if (octets.length < questionEnd || u16(octets, 0) != id
                || (u16(octets, 2) & (Query.QR | 0x7800)) != Query.QR || u16(octets, 4) != 1
                || !sameName(octets, name) || u16(octets, questionEnd - 4) != question.type()
                || u16(octets, questionEnd - 2) != 1) {
            return null;
        }
        try {
            UpstreamMessage message = new Reader(octets, question.type(), false).read(questionEnd);
            byte[] less = message.records.isEmpty() ? null : Relevance.withoutStrangers(octets, question);
            return less == null
                    ? message
                    : new Reader(less, question.type(), message.extendedRcode).read(questionEnd);
        } catch (ArrayIndexOutOfBoundsException | IOException e) {
            return null; // a record reaches beyond the message, or is malformed
        }
    }

    /** A header alone: so servers answer a query that they do not understand. */
    private static boolean bareError(byte[] octets, int id) {
        return octets.length == Query.HEADER && u16(octets, 0) == id
                && (u16(octets, 2) & (Query.QR | 0x7800)) == Query.QR && u16(octets, 4) == 0
                && (octets[3] & 15) != Rcode.NOERROR && (octets[3] & 15) != Rcode.NXDOMAIN;
    }

    /** Whether it means that the server may not understand EDNS, or this version of it (RFC 6891 §6.1.3, §7). */
    public boolean refusesEdns() {
        return extendedRcode || rcode() == Rcode.FORMERR || rcode() == Rcode.NOTIMP;
    }

    /** Whether the whole answer is available over TCP only. */
    public boolean truncated() {
        return (u16(octets, 2) & Query.TC) != 0;
    }

    /** The code of the response; SERVFAIL for one that only EDNS can express. */
    public int rcode() {
        return extendedRcode ? Rcode.SERVFAIL : octets[3] & 15;
    }

    /** How long it may be cached, in seconds; 0 for not at all. */
    public int lifetime() {
        return truncated() ? 0 : lifetime;
    }

    /** Whether it says that the name or the type does not exist. */
    public boolean denial() {
        return denial;
    }

    /** Its size in octets. */
    public int size() {
        return octets.length;
    }

    /**
     * The reply to {@code query}, which has the same question.
     *
     * @param ageSeconds since it was received: TTLs are reduced by it
     */
    public byte[] replyTo(Query query, long ageSeconds) {
        int limit = query.limit() - query.optSize();
        int end = questionEnd;
        int[] counts = new int[4];
        boolean truncated = truncated();
        for (Span record : records) {
            if (record.end() > limit) {
                truncated |= record.section() == 1 || record.section() == 2 && counts[1] == 0;
                break;
            }
            end = record.end();
            counts[record.section()]++;
        }
        byte[] reply = new byte[end + query.optSize()];
        System.arraycopy(octets, 0, reply, 0, end);
        age(reply, end, ageSeconds);
        boolean checked = query.dnssecOk() || (query.flags() & Query.AD) != 0;
        put16(reply, 0, query.id());
        put16(reply, 2, Query.QR | Query.RA | query.flags() & (Query.RD | Query.CD) | (truncated ? Query.TC : 0)
                | (checked ? u16(octets, 2) & Query.AD : 0) | rcode());
        System.arraycopy(query.question(), 0, reply, Query.HEADER, query.question().length);
        counts(reply, counts, query.edns() == null ? 0 : 1);
        if (query.edns() != null) {
            put16(reply, end + 1, Type.OPT);
            put16(reply, end + 3, Query.UDP_SIZE);
            put16(reply, end + 7, query.dnssecOk() ? 0x8000 : 0);
        }
        return reply;
    }

    /** The records, for a reply made from several messages; null if one of them is malformed. */
    @Nullable
    public Message parsed(long ageSeconds) {
        int end = records.isEmpty() ? questionEnd : records.getLast().end();
        byte[] copy = Arrays.copyOf(octets, end);
        age(copy, end, ageSeconds);
        int[] counts = new int[4];
        records.forEach(record -> counts[record.section()]++);
        counts(copy, counts, 0);
        try {
            return new Message(copy);
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    private static void counts(byte[] message, int[] counts, int opt) {
        put16(message, 6, counts[1]);
        put16(message, 8, counts[2]);
        put16(message, 10, counts[3] + opt);
    }

    private void age(byte[] message, int end, long seconds) {
        for (Span record : records) {
            if (record.end() <= end) {
                long ttl = Math.max(0, ttl(octets, record.ttlAt()) - seconds);
                put16(message, record.ttlAt(), (int) (ttl >> 16));
                put16(message, record.ttlAt() + 2, (int) ttl);
            }
        }
    }

    /** RFC 2181 §8: with the highest bit set it counts as 0. */
    private static long ttl(byte[] octets, int at) {
        long ttl = (long) u16(octets, at) << 16 | u16(octets, at + 2);
        return ttl > Integer.MAX_VALUE ? 0 : ttl;
    }

    /** Names are compared as DNS does, without regard to ASCII case. */
    private static boolean sameName(byte[] octets, byte[] name) {
        for (int i = 0; i < name.length; i++) {
            if (lowerCase(octets[Query.HEADER + i]) != lowerCase(name[i])) {
                return false;
            }
        }
        return true;
    }

    private static int lowerCase(byte octet) {
        return octet >= 'A' && octet <= 'Z' ? octet + 'a' - 'A' : octet;
    }

    private static int u16(byte[] octets, int at) {
        return (octets[at] & 0xff) << 8 | octets[at + 1] & 0xff;
    }

    private static void put16(byte[] octets, int at, int value) {
        octets[at] = (byte) (value >> 8);
        octets[at + 1] = (byte) value;
    }

    /** Walks over the records of a message once. */
    private static final class Reader {

        private final byte[] octets;
        private final int type;
        private final List<Span> records = new ArrayList<>();
        private long minTtl = Integer.MAX_VALUE;
        private boolean found;
        private boolean soa;
        private boolean extendedRcode;

        /** @param extendedRcode whether an OPT record that is not there any more has said so */
        Reader(byte[] octets, int type, boolean extendedRcode) {
            this.octets = octets;
            this.type = type;
            this.extendedRcode = extendedRcode;
        }

        UpstreamMessage read(int questionEnd) {
            int at = questionEnd;
            boolean beforeOpt = true;
            for (int section = 1; section <= 3; section++) {
                for (int left = u16(octets, 4 + 2 * section); left > 0; left--) {
                    int fixed = skipName(at);
                    int recordType = u16(octets, fixed);
                    int end = fixed + 10 + u16(octets, fixed + 8);
                    if (end > octets.length) {
                        throw new ArrayIndexOutOfBoundsException(end);
                    }
                    if (recordType == Type.OPT) {
                        beforeOpt = false; // records after it cannot be moved
                        extendedRcode |= octets[fixed + 4] != 0;
                    }
                    if (beforeOpt) {
                        records.add(new Span(section, fixed + 4, end));
                        note(section, recordType, fixed + 4, end);
                    }
                    at = end;
                }
            }
            boolean denial = !found;
            return new UpstreamMessage(octets, questionEnd, records, extendedRcode ? 0 : lifetime(denial), denial,
                    extendedRcode);
        }

        private void note(int section, int recordType, int ttlAt, int end) {
            if (section == 3) {
                return;
            }
            minTtl = Math.min(minTtl, ttl(octets, ttlAt));
            found |= section == 1 && (recordType == type || type == Type.ANY);
            if (section == 2 && recordType == Type.SOA && end - ttlAt >= 6 + 22) {
                soa = true;
                minTtl = Math.min(minTtl, ttl(octets, end - 4)); // MINIMUM, RFC 2308 §5
            }
        }

        private int lifetime(boolean denial) {
            int rcode = octets[3] & 15;
            if (rcode == Rcode.SERVFAIL) {
                return FAILURE_TTL;
            }
            if (rcode != Rcode.NOERROR && rcode != Rcode.NXDOMAIN || denial && !soa) {
                return 0;
            }
            return (int) Math.min(minTtl, denial ? MAX_DENIAL_TTL : MAX_TTL);
        }

        private int skipName(int start) {
            int at = start;
            while (true) {
                int length = octets[at] & 0xff;
                if (length >= 0xc0) {
                    return at + 2;
                }
                at += length + 1;
                if (length == 0) {
                    return at;
                }
            }
        }
    }
}
