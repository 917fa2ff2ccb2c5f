package io.sluice.live;

import io.sluice.service.ServiceName;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * All Services at one moment, each with the number of the picture in which it changed last, so that anybody who has an earlier
 * picture can be told the difference. Immutable.
 */
final class LivePicture {

    /** The picture before the first. */
    static final LivePicture EMPTY = new LivePicture(0, Map.of(), List.of(), 0, 0, "", 0, "{}", "{}", 0);

    /** How many Services that are gone are remembered; who has an older picture is told everything anew. */
    static final int REMEMBERED = 1000;

    private static final int PART_CHARS = 12_000;

    /** A Service that is gone. */
    private record Gone(int id, long since) {}

    private final long number;
    private final Map<ServiceName, LiveService> services;
    private final List<Gone> gone;
    /** Who has a picture before this one is told everything anew. */
    private final long forgotten;
    private final int nextId;
    private final String health;
    private final long healthSince;
    private final String begin;
    private final String totals;
    private final int changed;

    private LivePicture(long number, Map<ServiceName, LiveService> services, List<Gone> gone, long forgotten,
            int nextId,
            String health, long healthSince, String begin, String totals, int changed) {
        this.number = number;
        this.services = services;
        this.gone = gone;
        this.forgotten = forgotten;
        this.nextId = nextId;
        this.health = health;
        this.healthSince = healthSince;
        this.begin = begin;
        this.totals = totals;
        this.changed = changed;
    }

    /**
     * What a picture is made of, besides Services.
     *
     * @param begin  about this process, as JSON
     * @param health as JSON
     */
    record Frame(String begin, String health) {}

    /**
     * The next picture.
     *
     * @param looks every Service as it is now, in order
     * @param nanos since this picture; 0 for the first
     */
    LivePicture next(Frame frame, Iterable<LiveService.Look> looks, long nanos) {
        long next = number + 1;
        int id = nextId;
        int differ = 0;
        Totals sum = new Totals();
        Map<ServiceName, LiveService> now = new LinkedHashMap<>();
        for (LiveService.Look look : looks) {
            LiveService before = services.get(look.name());
            LiveService service = before == null ? LiveService.first(id++, look, next) : before.next(look, nanos, next);
            differ += service.changedIn(next) ? 1 : 0;
            sum.add(look, before, nanos);
            now.put(look.name(), service);
        }
        List<Gone> lost = new ArrayList<>(gone);
        services.forEach((name, service) -> {
            if (!now.containsKey(name)) {
                lost.add(new Gone(service.id(), next));
            }
        });
        long nothingBefore = forgotten;
        if (lost.size() > REMEMBERED) {
            List<Gone> over = lost.subList(0, lost.size() - REMEMBERED);
            nothingBefore = over.getLast().since();
            over.clear();
        }
        boolean sameHealth = frame.health().equals(health);
        return new LivePicture(next, now, List.copyOf(lost), nothingBefore, id, frame.health(),
                sameHealth ? healthSince : next, frame.begin(), sum.json(), differ);
    }

    long number() {
        return number;
    }

    /** How many Services differ from the picture before. */
    int changed() {
        return changed;
    }

    /**
     * What is to be said to somebody who has another picture, as server-sent events, in parts of some kilobytes that are made
     * one by one.
     *
     * @param known the number of that picture; 0 for none
     */
    Iterator<String> since(long known) {
        return new Parts(known);
    }

    private final class Parts implements Iterator<String> {

        private enum Stage {
            BEGIN, SERVICES, FIGURES, TICK, END
        }

        private final long from;
        private Stage stage = Stage.BEGIN;
        private @Nullable Iterator<LiveService> left;

        Parts(long known) {
            this.from = known < forgotten ? 0 : known;
        }

        @Override
        public boolean hasNext() {
            return stage != Stage.END;
        }

        @Override
        public String next() {
            return switch (stage) {
                case BEGIN -> begin();
                case SERVICES -> rows("services", Stage.FIGURES);
                case FIGURES -> rows("figures", Stage.TICK);
                case TICK -> {
                    stage = Stage.END;
                    yield event("tick", totals);
                }
                case END -> throw new NoSuchElementException("everything was told");
            };
        }

        private String begin() {
            stage = Stage.SERVICES;
            StringBuilder text = new StringBuilder();
            if (from == 0) {
                text.append(event("begin", begin));
            }
            if (healthSince > from) {
                text.append(event("health", health));
            }
            StringBuilder ids = new StringBuilder();
            for (Gone one : gone) {
                if (one.since() > from && from > 0) {
                    ids.append(ids.isEmpty() ? "" : ",").append(one.id());
                }
            }
            if (!ids.isEmpty()) {
                text.append(event("gone", "[" + ids + "]"));
            }
            return text.toString();
        }

        private String rows(String event, Stage after) {
            if (left == null) {
                left = services.values().iterator();
            }
            StringBuilder rows = new StringBuilder();
            while (left.hasNext() && rows.length() < PART_CHARS) {
                LiveService service = left.next();
                String row = stage == Stage.SERVICES ? service.aboutSince(from) : service.figuresSince(from);
                if (!row.isEmpty()) {
                    rows.append(rows.isEmpty() ? "" : ",").append(row);
                }
            }
            if (!left.hasNext()) {
                left = null;
                stage = after;
            }
            return rows.isEmpty() ? "" : event(event, "[" + rows + "]");
        }

        private static String event(String type, String json) {
            return "event: " + type + "\ndata: " + json + "\n\n";
        }
    }

    /** Sums over all Services. */
    private static final class Totals {

        private long open;
        private double rate;
        private double bytes;

        void add(LiveService.Look look, @Nullable LiveService before, long nanos) {
            open += look.open();
            if (before != null) {
                rate += before.rate(look, nanos);
                bytes += before.bytesRate(look, nanos);
            }
        }

        String json() {
            return "{\"open\":" + open + ",\"rate\":" + LiveService.decimal(rate) + ",\"bytes\":" + Math.round(bytes)
                    + "}";
        }
    }
}
