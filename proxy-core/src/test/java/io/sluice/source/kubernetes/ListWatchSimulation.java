package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ListWatch.Failure;
import io.sluice.source.kubernetes.ListWatch.FailureKind;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * An API server that fails in all the ways it can, as a seed has it, and a view that is kept by {@link ListWatch}. Time is
 * virtual.
 */
final class ListWatchSimulation {

    /** What is wrong with the server. */
    enum Fault {
        NONE,
        /** Nobody listens. */
        DOWN,
        /** Requests are never answered; watches that are open stay open, and bring nothing. */
        SILENT,
        /** It answers with 500. */
        BROKEN,
        /** Watches break soon after they were opened. */
        WATCHES_BREAK,
        /** Watches end as soon as they are opened. */
        WATCHES_END_AT_ONCE,
        /** It does not know versions from before now. */
        COMPACTED,
        /** It was started anew and has not read its store: lists are empty, watches of known versions are refused. */
        STORE_NOT_READ,
        /** Something else answers in its place. */
        IMPOSTOR,
        /** We may not list these objects. */
        FORBIDDEN
    }

    private static final long SECOND = Duration.ofSeconds(1).toNanos();
    private static final Duration IDLE = Duration.ofMinutes(3);
    private static final int PHASES = 12;
    /** Backed off, silent for as long as may be, and a suspect list: then all is well again. */
    private static final long HEALTHY_TAIL = 8 * 60 * SECOND;
    private static final int MOST_REQUESTS_A_MINUTE = 240;

    private final long seed;
    private final RandomGenerator random;
    private final ListWatch rules;
    private final int addresses;
    private final Set<Fault> met = EnumSet.noneOf(Fault.class);

    private Fault fault = Fault.NONE;
    private long phaseEnds;
    private long changeAt;
    private int phase;
    private long now;
    /** The server's objects and the version of each; what has happened to them since the last compaction. */
    private final Map<String, Long> store = new TreeMap<>();
    private long version = 100;
    private long compacted = 100;
    private long restoredAt = -1;
    /** When the server was last asked for what it has, or said it. */
    private long knownAt;
    /** For an object of the view that no list has had since: when that began; a failure in between begins it anew. */
    private final Map<String, Long> missingSince = new HashMap<>();

    private final Map<String, Long> view = new HashMap<>();
    private long lastRight;
    private boolean everRight;
    private final Deque<Long> requests = new ArrayDeque<>();
    private int lines;

    private ListWatchSimulation(long seed) {
        this.seed = seed;
        this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        this.rules = new ListWatch(IDLE, random.nextInt(4) == 0, random);
        this.addresses = 1 + random.nextInt(3);
        for (int i = random.nextInt(6); i > 0; i--) {
            change();
        }
        phaseEnds = random.nextInt(3) * SECOND;
        changeAt = SECOND;
    }

    /** Returns which faults the server had. */
    static Set<Fault> run(long seed) {
        ListWatchSimulation simulation = new ListWatchSimulation(seed);
        simulation.run();
        return simulation.met;
    }

    private String at() {
        return "-Dsluice.simulation.seed=" + seed + " at " + Duration.ofNanos(now) + ", phase " + phase + " " + fault;
    }

    private void run() {
        while (phase <= PHASES) {
            switch (rules.next()) {
                case LIST -> list();
                case WATCH -> watch();
            }
        }
        assertThat(view).as("%s: the view in the end", at()).isEqualTo(store);
        assertThat(rules.current(now)).as("%s: the view is current in the end", at()).isTrue();
        assertThat(rules.problem(now)).as(at()).isNull();
        assertThat(lines).as("%s: lines in the log", at()).isLessThanOrEqualTo(2 * PHASES + (int) (now / SECOND / 300));
    }

    // The server and its time.

    /** Time goes by; the server's faults and objects change meanwhile. */
    private void sleep(long nanos) {
        long until = now + nanos;
        while (phase <= PHASES && Math.min(phaseEnds, changeAt) <= until) {
            now = Math.max(now, Math.min(phaseEnds, changeAt));
            if (phaseEnds <= changeAt) {
                nextPhase();
            } else {
                change();
                changeAt = now + 1 + random.nextLong(20 * SECOND);
            }
            check();
        }
        now = until;
        check();
    }

    private void nextPhase() {
        phase++;
        Fault[] all = Fault.values();
        fault = phase == PHASES ? Fault.NONE : all[random.nextInt(all.length)];
        met.add(fault);
        phaseEnds = now + (phase == PHASES ? HEALTHY_TAIL : SECOND + random.nextLong(random.nextInt(1, 120) * SECOND));
        if (phase == PHASES) {
            changeAt = Long.MAX_VALUE;
        }
        if (fault == Fault.COMPACTED) {
            compacted = version;
        }
        if (fault == Fault.NONE && phase < PHASES && random.nextInt(6) == 0) {
            restoreOlder();
        }
    }

    /** The store is an older copy: fewer objects, at a lower version. The server was started anew for it. */
    private void restoreOlder() {
        long copy = Math.max(1, version - 1 - random.nextInt(20));
        store.values().removeIf(at -> at > copy);
        version = copy;
        compacted = copy;
        restoredAt = now;
    }

    private void change() {
        version++;
        if (!store.isEmpty() && random.nextInt(3) == 0) {
            store.remove(store.keySet().iterator().next());
        } else {
            store.put("object-" + random.nextInt(8), version);
        }
    }

    // The view.

    private void check() {
        Map<String, Long> shown = fault == Fault.STORE_NOT_READ ? Map.of() : store;
        if (view.equals(shown)) {
            lastRight = now;
            everRight = true;
        }
        if (rules.current(now) && fault != Fault.FORBIDDEN && everRight) {
            assertThat(now - lastRight).as("%s: a view that is said to be current is that old", at())
                    .isLessThan(IDLE.plus(ListWatch.LIST_SILENCE).plusSeconds(130).toNanos());
        }
    }

    private void request() {
        requests.add(now);
        while (now - requests.element() > 60 * SECOND) {
            requests.remove();
        }
        assertThat(requests.size()).as("%s: requests within a minute", at()).isLessThan(MOST_REQUESTS_A_MINUTE);
    }

    private void list() {
        request();
        sleep(random.nextLong(SECOND / 10));
        switch (fault) {
            case DOWN -> listFailed(FailureKind.BROKEN, 0);
            case SILENT -> {
                sleep(ListWatch.LIST_SILENCE.toNanos());
                listFailed(FailureKind.SILENT, 0);
            }
            case BROKEN -> listFailed(FailureKind.REFUSED, 500);
            case IMPOSTOR -> listFailed(FailureKind.SUSPECT, 0);
            case FORBIDDEN -> listFailed(FailureKind.REFUSED, 403);
            case STORE_NOT_READ -> listed(Map.of(), "1");
            case NONE, WATCHES_BREAK, WATCHES_END_AT_ONCE, COMPACTED ->
                    listed(Map.copyOf(store), Long.toString(version));
        }
    }

    private void listFailed(FailureKind kind, int code) {
        rules.listAbandoned();
        failed(new Failure(kind, code));
    }

    private void listed(Map<String, Long> list, String listVersion) {
        knownAt = now;
        missingSince.keySet().removeAll(list.keySet());
        view.keySet().stream().filter(key -> !list.containsKey(key)).forEach(key -> missingSince.putIfAbsent(key, now));
        ListWatch.Judgement judgement = rules.listed(list.size(), listVersion, view.size(), now);
        switch (judgement.taken()) {
            case REPLACE -> {
                view.keySet().stream().filter(key -> !list.containsKey(key) && store.containsKey(key))
                        .forEach(key -> assertThat(now - missingSince.get(key))
                                .as("%s: %s, which is there, was dropped so soon", at(), key)
                                .isGreaterThanOrEqualTo(ListTrust.SUSPECT_LIST_GRACE.toNanos()));
                view.clear();
                view.putAll(list);
            }
            case ADD -> view.putAll(list);
            case NOTHING -> {
            }
        }
        check();
        sleep(judgement.pauseNanos());
    }

    private void watch() {
        request();
        rules.watchBegins(now);
        sleep(random.nextLong(SECOND / 20));
        long from = Long.parseLong(rules.version());
        switch (fault) {
            case DOWN -> watchFailed(FailureKind.BROKEN, 0);
            case SILENT -> {
                sleep(30 * SECOND);
                watchFailed(FailureKind.SILENT, 0);
            }
            case BROKEN -> watchFailed(FailureKind.REFUSED, 500);
            case IMPOSTOR -> watchFailed(FailureKind.SUSPECT, 0);
            case FORBIDDEN -> watchFailed(FailureKind.REFUSED, 403);
            case STORE_NOT_READ -> watchFailed(FailureKind.REFUSED, 410);
            case NONE, WATCHES_BREAK, WATCHES_END_AT_ONCE, COMPACTED -> {
                if (knownAt <= restoredAt) {
                    watchFailed(random.nextBoolean() ? FailureKind.WENT_BACK : FailureKind.REFUSED, 410);
                } else if (from < compacted) {
                    watchFailed(FailureKind.REFUSED, 410);
                } else {
                    rules.watchOpened(now);
                    check();
                    follow(from);
                }
            }
        }
    }

    /** An open watch: events as they happen, and a bookmark each minute. */
    private void follow(long from) {
        long seen = from;
        long heard = now;
        long breaks = fault == Fault.WATCHES_BREAK ? now + random.nextLong(3 * SECOND) : now + 400 * SECOND;
        while (phase <= PHASES) {
            if (fault == Fault.WATCHES_END_AT_ONCE || now >= breaks && fault != Fault.WATCHES_BREAK) {
                if (rules.watchEnded(now)) {
                    failed(new Failure(FailureKind.BROKEN, 0));
                }
                return;
            }
            if (fault == Fault.DOWN || fault == Fault.STORE_NOT_READ || knownAt <= restoredAt || now >= breaks) {
                watchFailed(FailureKind.BROKEN, 0);
                return;
            }
            if (now - heard >= IDLE.toNanos()) {
                watchFailed(FailureKind.SILENT, 0);
                return;
            }
            boolean speaks = fault != Fault.SILENT && fault != Fault.IMPOSTOR;
            if (speaks && (version > seen || now - heard >= 60 * SECOND)) {
                if (version > seen) {
                    view.clear();
                    view.putAll(store);
                }
                seen = version;
                heard = now;
                knownAt = now;
                rules.eventReceived(Long.toString(seen), now);
                check();
            }
            sleep(SECOND / 2);
        }
    }

    private void watchFailed(FailureKind kind, int code) {
        Failure failure = new Failure(kind, kind == FailureKind.REFUSED ? code : 0);
        if (rules.watchFailed(failure, now)) {
            failed(failure);
        }
    }

    private void failed(Failure failure) {
        missingSince.clear();
        ListWatch.Reaction reaction =
                rules.failed(failure, failure.aboutRequest() ? 1 : addresses, failure.toString(), now);
        if (reaction.pauseNanos() > 0 && reaction.mayLog() && rules.shouldLog(failure.toString(), now)) {
            lines++;
        }
        sleep(reaction.pauseNanos());
    }
}
