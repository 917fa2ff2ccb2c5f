package io.sluice.dns.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.CNAMERecord;
import org.xbill.DNS.NSRecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.PTRRecord;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.SRVRecord;
import org.xbill.DNS.Section;

/**
 * Writes replies, record by record, so that one that is too long keeps as many records as fit (some clients never ask
 * again over TCP and use those).
 *
 * <p>The question is repeated octet by octet, and owner names point into it whatever their case; names inside records are
 * compressed against the same octets only, so that they keep theirs. SRV targets are not compressed (RFC 2782).
 */
public final class ReplyWriter {

    private static final int POINTER = 0xc000;
    private static final int MAX_OFFSET = 0x3fff;

    private final Query query;
    private final int limit;
    private byte[] out;
    private int at;
    /** Offsets of names, by their octets from some label on, as they are and in lower case. */
    private final Map<String, Integer> exact = new HashMap<>();
    private final Map<String, Integer> folded = new HashMap<>();

    private ReplyWriter(Query query) {
        this.query = query;
        this.limit = query.limit() - query.optSize();
        this.out = new byte[Math.min(512, query.limit())];
    }

    /** The octets of {@code reply}, at most as many as its query allows. */
    public static byte[] write(Reply reply) {
        return new ReplyWriter(reply.query()).message(reply);
    }

    /** A reply without question or records, for a message that could not be read. */
    public static byte[] header(int id, int flags, int rcode) {
        byte[] header = new byte[Query.HEADER];
        put16(header, 0, id);
        put16(header, 2, Query.QR | flags & (0x7800 | Query.RD | Query.CD) | rcode);
        return header;
    }

    private byte[] message(Reply reply) {
        at = Query.HEADER;
        octets(query.question());
        boolean truncated = reply.truncated();
        int answers = records(reply.answer());
        int authorities = 0;
        int additionals = 0;
        if (answers < reply.answer().size()) {
            truncated = true;
        } else {
            authorities = records(reply.authority());
            truncated |= authorities < reply.authority().size();
        }
        if (!truncated) {
            additionals = wholeSets(reply.additional());
        }
        int rcode = reply.rcode();
        if (query.edns() != null) {
            opt(rcode, query.edns().dnssecOk());
            additionals++;
        }
        byte[] octets = Arrays.copyOf(out, at);
        put16(octets, 0, query.id());
        put16(octets, 2, Query.QR | query.flags() & (Query.RD | Query.CD) | (reply.authoritative() ? Query.AA : 0)
                | (truncated ? Query.TC : 0) | (reply.recursionAvailable() ? Query.RA : 0) | rcode & 15);
        put16(octets, 4, 1);
        put16(octets, 6, answers);
        put16(octets, 8, authorities);
        put16(octets, 10, additionals);
        return octets;
    }

    /** Writes records until one does not fit; returns the number of those that did. */
    private int records(List<Record> records) {
        int written = 0;
        for (Record record : records) {
            if (!fits(record)) {
                break;
            }
            written++;
        }
        return written;
    }

    /** The same for the additional section, which must not have an incomplete set (RFC 2181 §9). */
    private int wholeSets(List<Record> records) {
        int written = 0;
        int setStart = at;
        int setFirst = 0;
        for (Record record : records) {
            if (written > 0 && !record.sameRRset(records.get(written - 1))) {
                setStart = at;
                setFirst = written;
            }
            if (!fits(record)) {
                at = setStart;
                return setFirst;
            }
            written++;
        }
        return written;
    }

    private boolean fits(Record record) {
        int start = at;
        owner(record.getName());
        u16(record.getType());
        u16(record.getDClass());
        u16((int) (record.getTTL() >> 16));
        u16((int) record.getTTL());
        int length = at;
        u16(0);
        data(record);
        put16(out, length, at - length - 2);
        if (at > limit) {
            forget(start);
            at = start;
            return false;
        }
        return true;
    }

    private void data(Record record) {
        switch (record) {
            case ARecord a -> octets(a.getAddress().getAddress());
            case AAAARecord aaaa -> octets(aaaa.getAddress().getAddress());
            case CNAMERecord cname -> name(cname.getTarget());
            case PTRRecord ptr -> name(ptr.getTarget());
            case NSRecord ns -> name(ns.getTarget());
            case SRVRecord srv -> {
                u16(srv.getPriority());
                u16(srv.getWeight());
                u16(srv.getPort());
                octets(srv.getTarget().toWire());
            }
            case SOARecord soa -> {
                name(soa.getHost());
                name(soa.getAdmin());
                for (long number : new long[] {soa.getSerial(), soa.getRefresh(), soa.getRetry(), soa.getExpire(),
                        soa.getMinimum()}) {
                    u16((int) (number >> 16));
                    u16((int) number);
                }
            }
            default -> {
                byte[] whole = record.toWire(Section.ANSWER);
                int skip = record.getName().length() + 10;
                octets(Arrays.copyOfRange(whole, skip, whole.length));
            }
        }
    }

    private void opt(int rcode, boolean dnssecOk) {
        ensure(Query.OPT_SIZE);
        out[at++] = 0;
        u16(41);
        u16(Query.UDP_SIZE);
        out[at++] = (byte) (rcode >> 4);
        out[at++] = 0;
        u16(dnssecOk ? 0x8000 : 0);
        u16(0);
    }

    private void owner(Name name) {
        if (name.equals(query.name())) {
            u16(POINTER | Query.HEADER);
        } else {
            compressed(name, true);
        }
    }

    private void name(Name name) {
        compressed(name, false);
    }

    private void compressed(Name name, boolean anyCase) {
        if (folded.isEmpty()) {
            remember(text(query.question()).substring(0, query.question().length - 4), Query.HEADER, true);
        }
        String text = text(name.toWire());
        int start = at;
        for (int label = 0; text.charAt(label) != 0; label += text.charAt(label) + 1) {
            String suffix = text.substring(label);
            Integer offset = anyCase ? folded.get(lowerCase(suffix)) : exact.get(suffix);
            if (offset != null) {
                octets(text.substring(0, label).getBytes(StandardCharsets.ISO_8859_1));
                u16(POINTER | offset);
                remember(text, start, !anyCase || offset.equals(exact.get(suffix)));
                return;
            }
        }
        octets(text.getBytes(StandardCharsets.ISO_8859_1));
        remember(text, start, true);
    }

    /**
     * Records the offsets of {@code text} and its suffixes.
     *
     * @param asIs whether it is written there in its own case
     */
    private void remember(String text, int offset, boolean asIs) {
        for (int label = 0; text.charAt(label) != 0 && offset + label < at; label += text.charAt(label) + 1) {
            if (offset + label > MAX_OFFSET) {
                return;
            }
            String suffix = text.substring(label);
            folded.putIfAbsent(lowerCase(suffix), offset + label);
            if (asIs) {
                exact.putIfAbsent(suffix, offset + label);
            }
        }
    }

    /** Forgets the offsets from {@code start} on, where the writing was undone. */
    private void forget(int start) {
        exact.values().removeIf(offset -> offset >= start);
        folded.values().removeIf(offset -> offset >= start);
    }

    /** One character for each octet. */
    private static String text(byte[] octets) {
        return new String(octets, StandardCharsets.ISO_8859_1);
    }

    /** ASCII letters only (RFC 4343). */
    private static String lowerCase(String text) {
        char[] chars = text.toCharArray();
        for (int i = 0; i < chars.length; i++) {
            if (chars[i] >= 'A' && chars[i] <= 'Z') {
                chars[i] = (char) (chars[i] + 'a' - 'A');
            }
        }
        return new String(chars);
    }

    private void octets(byte[] octets) {
        ensure(octets.length);
        System.arraycopy(octets, 0, out, at, octets.length);
        at += octets.length;
    }

    private void u16(int value) {
        ensure(2);
        put16(out, at, value);
        at += 2;
    }

    private void ensure(int more) {
        if (at + more > out.length) {
            out = Arrays.copyOf(out, Math.max(out.length * 2, at + more));
        }
    }

    private static void put16(byte[] octets, int offset, int value) {
        octets[offset] = (byte) (value >> 8);
        octets[offset + 1] = (byte) value;
    }
}
