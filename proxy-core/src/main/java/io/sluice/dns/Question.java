package io.sluice.dns;

import java.util.Comparator;
import org.xbill.DNS.Name;

/**
 * What is asked of an upstream, and under which its answer is kept. Comparable, so that tables of them stay quick whatever
 * names clients choose.
 *
 * @param dnssecOk         whether signatures are wanted (EDNS flag DO)
 * @param checkingDisabled header flag CD
 */
record Question(Name name, int type, boolean dnssecOk, boolean checkingDisabled) implements Comparable<Question> {

    private static final Comparator<Question> ORDER =
            Comparator.comparing(Question::name).thenComparingInt(Question::type).thenComparing(Question::dnssecOk)
                    .thenComparing(Question::checkingDisabled);

    /** The question for {@code name} in the manner of {@code query}. */
    static Question of(Name name, int type, Query query) {
        return new Question(name, type, query.dnssecOk(), query.checkingDisabled());
    }

    @Override
    public int compareTo(Question other) {
        return ORDER.compare(this, other);
    }

    /** A query that asks this, with recursion and an OPT record. */
    byte[] toQuery(int id) {
        byte[] owner = name.toWire();
        byte[] octets = new byte[Query.HEADER + owner.length + 4 + Query.OPT_SIZE];
        put16(octets, 0, id);
        put16(octets, 2, Query.RD | (checkingDisabled ? Query.CD : 0));
        put16(octets, 4, 1);
        put16(octets, 10, 1);
        System.arraycopy(owner, 0, octets, Query.HEADER, owner.length);
        int at = Query.HEADER + owner.length;
        put16(octets, at, type);
        put16(octets, at + 2, 1);
        put16(octets, at + 5, 41);
        put16(octets, at + 7, Query.UDP_SIZE);
        put16(octets, at + 11, dnssecOk ? 0x8000 : 0);
        return octets;
    }

    private static void put16(byte[] octets, int at, int value) {
        octets[at] = (byte) (value >> 8);
        octets[at + 1] = (byte) value;
    }
}
