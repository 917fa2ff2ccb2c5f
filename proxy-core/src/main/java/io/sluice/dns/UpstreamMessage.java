package io.sluice.dns;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/**
 * An answer of an upstream, kept as the octets that came and repeated record by record: whatever type its records have,
 * nothing in them changes but the time to live. Immutable.
 */
final class UpstreamMessage {

    private static final int MAX_TTL = 3_600;
    private static final int MAX_DENIAL_TTL = 1_800;
    private static final int FAILURE_TTL = 5;

    /** Where a record's TTL stands, where the record ends, and in which section it is (1 answer to 3 additional). */
    private record Span(int section, int ttlAt, int end) {}

    private final byte[] octets;
    private final int questionEnd;
    private final List<Span> records;
    private final int lifetime;
    private final boolean denial;

    private UpstreamMessage(byte[] octets, int questionEnd, List<Span> records, int lifetime, boolean denial) {
        this.octets = octets;
        this.questionEnd = questionEnd;
        this.records = List.copyOf(records);
        this.lifetime = lifetime;
        this.denial = denial;
    }

    /**
     * Reads {@code octets} if they answer {@code question} as it was asked with {@code id}; null for anything else, which
     * may be a forgery and is to be waited past.
     */
    static @Nullable UpstreamMessage read(byte[] octets, int id, Question question) {
        byte[] name = question.name().toWire();
        int questionEnd = Query.HEADER + name.length + 4;
        if (octets.length < questionEnd || u16(octets, 0) != id
                || (u16(octets, 2) & (Query.QR | 0x7800)) != Query.QR || u16(octets, 4) != 1
                || !sameName(octets, name) || u16(octets, questionEnd - 4) != question.type()
                || u16(octets, questionEnd - 2) != 1) {
            return null;
        }
        try {
            return new Reader(octets, question.type()).read(questionEnd);
        } catch (ArrayIndexOutOfBoundsException e) {
            return null; // a record reaches beyond the message
        }
    }

    /** Whether there is more of it over TCP. */
    boolean truncated() {
        return (u16(octets, 2) & Query.TC) != 0;
    }

    int rcode() {
        return octets[3] & 15;
    }

    /** How long it may be kept, in seconds; 0 for not at all. */
    int lifetime() {
        return truncated() ? 0 : lifetime;
    }

    /** Whether it says that there is nothing. */
    boolean denial() {
        return denial;
    }

    /** Octets that it takes. */
    int size() {
        return octets.length;
    }

    /**
     * The reply to {@code query}, which asked the same.
     *
     * @param ageSeconds since it came: TTLs are shorter by that
     */
    byte[] replyTo(Query query, long ageSeconds) {
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

    /** The records, for a reply that is put together of several; null if one of them is malformed. */
    @Nullable
    Message parsed(long ageSeconds) {
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

        Reader(byte[] octets, int type) {
            this.octets = octets;
            this.type = type;
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
                    beforeOpt &= recordType != Type.OPT; // what follows it could not be moved
                    if (beforeOpt) {
                        records.add(new Span(section, fixed + 4, end));
                        note(section, recordType, fixed + 4, end);
                    }
                    at = end;
                }
            }
            boolean denial = !found;
            return new UpstreamMessage(octets, questionEnd, records, lifetime(denial), denial);
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
