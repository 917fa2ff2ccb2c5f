package io.sluice.dns.zone;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Record;

/**
 * One name that exists, with its records; without any it is an empty non-terminal (RFC 8020): there are names below it.
 *
 * @param sets one for each type
 */
public record ZoneNode(List<RecordSet> sets) {

    static final ZoneNode EMPTY_NON_TERMINAL = new ZoneNode(List.of());

    public ZoneNode {
        sets = List.copyOf(sets);
    }

    static ZoneNode of(Record record) {
        return new ZoneNode(List.of(new RecordSet(record.getType(), List.of(record))));
    }

    /** The records of {@code type}; null for none. */
    @Nullable
    public RecordSet set(int type) {
        for (RecordSet set : sets) {
            if (set.type() == type) {
                return set;
            }
        }
        return null;
    }

    /** The records of one name and type; never empty. */
    public record RecordSet(int type, List<Record> records) {

        public RecordSet {
            records = List.copyOf(records);
        }
    }
}
