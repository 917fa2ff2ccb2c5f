package io.sluice.dns.wire;

import java.util.Comparator;
import org.xbill.DNS.Name;

/**
 * A question for an upstream, and the key of its answer in the cache. Comparable, so that hash tables stay fast whatever
 * names clients choose.
 *
 * @param dnssecOk         whether signatures are wanted (EDNS flag DO)
 * @param checkingDisabled header flag CD
 */
public record Question(Name name, int type, boolean dnssecOk, boolean checkingDisabled)
        implements Comparable<Question> {

    private static final Comparator<Question> ORDER =
            Comparator.comparing(Question::name).thenComparingInt(Question::type).thenComparing(Question::dnssecOk)
                    .thenComparing(Question::checkingDisabled);

    /** The question for {@code name} with the flags of {@code query}. */
    public static Question of(Name name, int type, Query query) {
        return new Question(name, type, query.dnssecOk(), query.checkingDisabled());
    }

    @Override
    public int compareTo(Question other) {
        return ORDER.compare(this, other);
    }

    /**
     * A query with this question, with recursion desired.
     *
     * @param edns whether it has an OPT record
     */
    public byte[] toQuery(int id, boolean edns) {
        byte[] owner = name.toWire();
        byte[] octets = new byte[Query.HEADER + owner.length + 4 + (edns ? Query.OPT_SIZE : 0)];
        put16(octets, 0, id);
        put16(octets, 2, Query.RD | (checkingDisabled ? Query.CD : 0));
        put16(octets, 4, 1);
        put16(octets, 10, edns ? 1 : 0);
        System.arraycopy(owner, 0, octets, Query.HEADER, owner.length);
        int at = Query.HEADER + owner.length;
        put16(octets, at, type);
        put16(octets, at + 2, 1);
        if (edns) {
            put16(octets, at + 5, 41);
            put16(octets, at + 7, Query.UDP_SIZE);
            put16(octets, at + 11, dnssecOk ? 0x8000 : 0);
        }
        return octets;
    }

    private static void put16(byte[] octets, int at, int value) {
        octets[at] = (byte) (value >> 8);
        octets[at + 1] = (byte) value;
    }
}
