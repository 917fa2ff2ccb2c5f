package io.sluice.cli.command;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** What happened between two looks, by name and second. Pure. */
final class Rates {

    private Rates() {}

    /**
     * What is counted of a Service, an endpoint or a client at one look.
     *
     * @param open   connections that are open
     * @param total  connections so far
     * @param failed attempts to connect that failed so far
     * @param up     bytes from clients so far
     * @param down   bytes to clients so far
     * @param millis to the first byte, of 99 in 100 connections lately, at the slowest endpoint; negative if it is not known
     */
    record Counts(long open, long total, long failed, long up, long down, double millis) {

        static final Counts NONE = new Counts(0, 0, 0, 0, 0, -1);

        Counts plus(Counts other) {
            return new Counts(open + other.open, total + other.total, failed + other.failed, up + other.up,
                    down + other.down, Math.max(millis, other.millis));
        }

        /** Since an earlier look; a counter that began anew counts from zero. */
        Counts since(Counts before) {
            return new Counts(open, since(total, before.total), since(failed, before.failed), since(up, before.up),
                    since(down, before.down), millis);
        }

        private static long since(long now, long before) {
            return now < before ? now : now - before;
        }
    }

    /** A line: open connections, and per second connections, failures and bytes in both directions; the first byte as above. */
    record Row(String name, long open, double rate, double failed, double up, double down, double millis) {}

    /** By what lines are ordered, the most first. */
    enum Key {
        /** New connections per second. */
        RATE,
        /** Bytes per second in both directions. */
        BYTES,
        /** Open connections. */
        CONNECTIONS,
        /** Failed attempts per second. */
        FAILED,
        /** Time to the first byte. */
        LATENCY
    }

    /**
     * The lines, the most first.
     *
     * @param seconds between the two looks, more than 0
     */
    static List<Row> between(Map<String, Counts> before, Map<String, Counts> now, double seconds, Key key) {
        List<Row> rows = new ArrayList<>();
        now.forEach((name, counts) -> {
            Counts gone = counts.since(before.getOrDefault(name, Counts.NONE));
            rows.add(new Row(name, gone.open(), gone.total() / seconds, gone.failed() / seconds, gone.up() / seconds,
                    gone.down() / seconds, gone.millis()));
        });
        Comparator<Row> most = switch (key) {
            case RATE -> Comparator.comparingDouble(Row::rate);
            case BYTES -> Comparator.comparingDouble(row -> row.up() + row.down());
            case CONNECTIONS -> Comparator.comparingLong(Row::open);
            case FAILED -> Comparator.comparingDouble(Row::failed);
            case LATENCY -> Comparator.comparingDouble(Row::millis);
        };
        rows.sort(most.reversed().thenComparing(Row::name));
        return rows;
    }
}
