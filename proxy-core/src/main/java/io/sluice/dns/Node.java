package io.sluice.dns;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Record;

/**
 * One name that exists, with its records; without any it is an empty non-terminal (RFC 8020): something stands below it.
 *
 * @param sets one for each type
 */
record Node(List<RecordSet> sets) {

    static final Node EMPTY_NON_TERMINAL = new Node(List.of());

    Node {
        sets = List.copyOf(sets);
    }

    static Node of(Record record) {
        return new Node(List.of(new RecordSet(record.getType(), List.of(record))));
    }

    /** The records of {@code type}; null for none. */
    @Nullable
    RecordSet set(int type) {
        for (RecordSet set : sets) {
            if (set.type() == type) {
                return set;
            }
        }
        return null;
    }

    /** The records of one name and type; never empty. */
    record RecordSet(int type, List<Record> records) {

        RecordSet {
            records = List.copyOf(records);
        }
    }
}
