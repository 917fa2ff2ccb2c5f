package io.sluice.source.kubernetes;

import io.sluice.source.ResourceFreshness.WatchState;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The rules by which one kind of object is listed and watched: what to request next, how much of a response to accept, how
 * long to pause after a failure, and when to log it (the protocol of client-go's Reflector; KEP-365, KEP-956).
 *
 * <ul>
 * <li>A list is used when its last page has arrived. One that may come from a server that was just started or restored
 * deletes nothing at once ({@link ListTrust}).
 * <li>A watch that breaks is resumed at the last version; when that has failed {@value #RESUMES_BEFORE_LIST} times,
 * everything is listed again. The same holds for an event that no API server sends: the view ignores it and stays at the
 * last good version. Everything is listed again at once when the server has dropped that version (410), when it goes back to
 * an older one, and when a watch was silent for too long.
 * <li>A watch that breaks before its first event proves nothing: it ends no trouble ({@link Trouble}).
 * <li>After a failure the next address of the server is tried at once; when all have failed, after a {@link Backoff}, and not
 * before the time that a server has given in {@code Retry-After} (RFC 9110, section 10.2.3; client-go obeys it too).
 * </ul>
 *
 * <p>Pure: events and times go in, decisions come out. Times are those of {@link System#nanoTime}, which no step of the
 * wall clock changes. One thread reports events; any thread may call the methods marked so.
 */
final class ListWatch {

    /** The pause between two lists of a server whose list is suspect. */
    static final Duration RELIST_PAUSE = Duration.ofSeconds(4);
    /** The longest time without a byte within a list. */
    static final Duration LIST_SILENCE = Duration.ofSeconds(30);
    /** A watch that ends sooner without an event is a failure: a healthy server keeps it open for minutes. */
    static final Duration AT_ONCE = Duration.ofSeconds(1);
    /** The longest {@code Retry-After} that is obeyed. */
    static final Duration LONGEST_RETRY_AFTER = Duration.ofSeconds(60);
    private static final int RESUMES_BEFORE_LIST = 3;

    /** The next request. */
    enum Request {
        LIST, WATCH
    }

    /** Why a list or a watch failed. */
    enum FailureKind {
        /** The server responded with an error. */
        REFUSED,
        /** The server sent nothing for too long. */
        SILENT,
        /** No API server sends such a response. */
        SUSPECT,
        /** The response has an older version than the view. */
        WENT_BACK,
        /** There is no connection, or it broke. */
        BROKEN
    }

    /**
     * A failed list or watch.
     *
     * @param code       HTTP status of {@link FailureKind#REFUSED}; 0 for other kinds
     * @param retryAfter {@code Retry-After} of the response; zero for none
     */
    record Failure(FailureKind kind, int code, Duration retryAfter) {

        /** Without {@code Retry-After}. */
        Failure(FailureKind kind, int code) {
            this(kind, code, Duration.ZERO);
        }

        /** The request is the problem; another address of the server would refuse it as well. */
        boolean aboutRequest() {
            return kind == FailureKind.REFUSED && (code == 403 || code == 404 || code == 410);
        }

        /** All reflectors meet the same failure: it is logged once for all of them. */
        boolean aboutServer() {
            return kind == FailureKind.BROKEN || kind == FailureKind.SILENT || code == 401;
        }

        /** New credentials may help, or the kubeconfig names another server by now. */
        boolean mayNeedCredentials() {
            return kind != FailureKind.REFUSED || code == 401;
        }

        private boolean gone() {
            return code == 410;
        }

        private boolean suspect() {
            return kind == FailureKind.SUSPECT || kind == FailureKind.WENT_BACK;
        }

        /** Whether a watch cannot resume at the known version. */
        private boolean needsList() {
            return switch (kind) {
                case REFUSED -> code < 500 && code != 429;
                case SILENT, WENT_BACK -> true;
                case BROKEN, SUSPECT -> false;
            };
        }
    }

    /**
     * What to do after a failure.
     *
     * @param pauseNanos how long to wait before the next request; 0 if another address of the server is tried
     * @param mayLog whether to log the failure, unless the same was logged lately
     * @param settledNow whether the view counts as complete from now on, because the server does not let us read these objects
     */
    record Reaction(long pauseNanos, boolean mayLog, boolean settledNow) {}

    /** What the view takes over from a list. */
    enum Taken {
        /** All: what the list does not have is deleted. */
        REPLACE,
        /** What the list has; nothing is deleted. */
        ADD,
        /** Nothing, as the view was never complete. */
        NOTHING
    }

    /**
     * What to do with a list.
     *
     * @param pauseNanos how long to wait before the next request; 0 for none
     */
    record Judgement(Taken taken, ListTrust.Verdict verdict, long pauseNanos) {}

    private final long idleNanos;
    private final boolean mayBeForbidden;
    private final Backoff backoff;
    private final ListTrust trust = new ListTrust();
    private final Trouble trouble = new Trouble();

    private volatile boolean listWanted = true;
    private volatile WatchState state = WatchState.LISTING;
    private volatile String version = "";
    private volatile boolean settled;
    private volatile boolean suspect;
    private volatile boolean contacted;
    private volatile long lastContactNanos;

    private int expected;
    private long listedNanos;
    private long watchSince;
    private int resumes;
    /** How many addresses have failed since the last pause. */
    private int attempts;
    /** A server has sent {@code Retry-After}, which ends at {@link #retryAtNanos}, since the last pause. */
    private boolean retryLater;
    private long retryAtNanos;
    /** A watch is open that has not sent an event yet. */
    private boolean unproven;
    /** A response was suspect, and no watch has lasted since. */
    private boolean suspected;

    /**
     * Nothing is listed yet.
     *
     * @param idleTimeout    how long a watch may be silent
     * @param mayBeForbidden whether the view is complete without these objects if the server refuses to list them
     * @param random         spreads the requests of a cluster's nodes in time
     */
    ListWatch(Duration idleTimeout, boolean mayBeForbidden, RandomGenerator random) {
        this.idleNanos = idleTimeout.toNanos();
        this.mayBeForbidden = mayBeForbidden;
        this.backoff = new Backoff(random);
    }

    /** An earlier process had {@code objects} objects at {@code lastVersion}: the first list is compared with that. */
    void expect(int objects, String lastVersion) {
        expected = objects;
        version = lastVersion;
    }

    /** Requests a list. Any thread. */
    void relist() {
        listWanted = true;
    }

    /** Whether to abandon the request that is under way and list everything again. Any thread. */
    boolean listWanted() {
        return listWanted;
    }

    /** The next request; it begins now. */
    Request next() {
        if (listWanted) {
            listWanted = false;
            state = WatchState.LISTING;
            return Request.LIST;
        }
        return Request.WATCH;
    }

    /** The list was abandoned, or has to be repeated. */
    void listAbandoned() {
        listWanted = true;
    }

    /**
     * A whole list has arrived.
     *
     * @param known how many objects the view has
     */
    Judgement listed(int count, String listVersion, int known, long now) {
        ListTrust.Verdict verdict = trust.judge(count, listVersion, known(known), version, now);
        contact(now);
        if (verdict == ListTrust.Verdict.SUSPECT_LIST || verdict == ListTrust.Verdict.STILL_SUSPECT) {
            suspect = true;
            listWanted = true;
            return new Judgement(settled ? Taken.ADD : Taken.NOTHING, verdict, RELIST_PAUSE.toNanos());
        }
        suspect = false;
        expected = 0;
        version = listVersion;
        listedNanos = now;
        settled = true;
        return new Judgement(Taken.REPLACE, verdict, 0);
    }

    /** The number of objects that a list is compared with, if the view has {@code objects}. */
    int known(int objects) {
        return Math.max(objects, expected);
    }

    /** A watch is requested. */
    void watchBegins(long now) {
        watchSince = now;
    }

    /** The server has accepted the watch. Returns how long the trouble lasted that this ends, if it was logged. */
    Optional<Duration> watchOpened(long now) {
        state = WatchState.WATCHING;
        contact(now);
        unproven = true;
        return trouble.opened(now);
    }

    /**
     * The watch has sent a valid event of version {@code eventVersion}. Returns how long the trouble lasted that this ends,
     * if it was logged.
     */
    Optional<Duration> eventReceived(String eventVersion, long now) {
        version = eventVersion;
        contact(now);
        Optional<Duration> ended = Optional.empty();
        if (unproven) {
            unproven = false;
            resumes = 0;
            ended = trouble.eventReceived(now);
            if (!suspected) {
                backoff.reset();
            }
        }
        if ((suspected || attempts > 0) && hasLasted(Trouble.TRANSIENT, now)) {
            stable();
        }
        return ended;
    }

    /** This process has abandoned the watch. */
    void watchAbandoned() {
        unproven = false;
    }

    /**
     * The server has ended the watch without an error. Returns whether it did so at once, which is a {@link #failed
     * failure}.
     */
    boolean watchEnded(long now) {
        if (unproven && !hasLasted(AT_ONCE, now)) {
            resumeOrList();
            return true;
        }
        unproven = false;
        if (hasLasted(Trouble.TRANSIENT, now)) {
            stable();
        }
        return false;
    }

    /**
     * The watch has failed: decides how to go on. Returns whether that is a {@link #failed failure}: a 410 is none, unless
     * the server does not know the version of a list that it has just sent.
     */
    boolean watchFailed(Failure failure, long now) {
        if (failure.needsList()) {
            listWanted = true;
        } else if (failure.kind() != FailureKind.REFUSED) {
            resumeOrList();
        }
        if (failure.gone() && now - listedNanos > Trouble.TRANSIENT.toNanos()) {
            unproven = false;
            return false;
        }
        return true;
    }

    /**
     * A list or a watch has failed.
     *
     * @param addresses how many addresses of the server are tried in turn
     * @param problem   one line for the user
     */
    Reaction failed(Failure failure, int addresses, String problem, long now) {
        state = WatchState.WAITING;
        trust.interrupted();
        suspected |= failure.suspect();
        trouble.failed(problem, failure.suspect(),
                unproven && (failure.suspect() || !hasLasted(Trouble.TRANSIENT, now)), now);
        unproven = false;
        boolean settledNow = mayBeForbidden && failure.aboutRequest() && !failure.gone() && !settled;
        settled |= settledNow;
        obey(failure.retryAfter(), now);
        if (++attempts < addresses) {
            return new Reaction(0, false, settledNow);
        }
        attempts = 0;
        boolean first = backoff.failures() == 0;
        // A watch that breaks now and then is not worth a line in the log, unless it cannot be resumed.
        long pause = backoff.next().toNanos();
        if (retryLater) {
            pause = Math.max(pause, retryAtNanos - now);
            retryLater = false;
        }
        return new Reaction(pause, !first || listWanted, settledNow);
    }

    private void obey(Duration retryAfter, long now) {
        if (retryAfter.isPositive()) {
            long at = now + Math.min(retryAfter.toNanos(), LONGEST_RETRY_AFTER.toNanos());
            retryAtNanos = retryLater && retryAtNanos - at > 0 ? retryAtNanos : at;
            retryLater = true;
        }
    }

    /** Whether to log a failure; {@code sameAs} is equal for failures that a user would call the same. */
    boolean shouldLog(String sameAs, long now) {
        return trouble.shouldLog(sameAs, now);
    }

    private void resumeOrList() {
        if (++resumes >= RESUMES_BEFORE_LIST) {
            listWanted = true;
            resumes = 0;
        }
    }

    private void stable() {
        suspected = false;
        attempts = 0;
        backoff.reset();
    }

    private boolean hasLasted(Duration time, long now) {
        return now - watchSince > time.toNanos();
    }

    private void contact(long now) {
        lastContactNanos = now;
        contacted = true;
    }

    /** Whether everything was listed at least once, or may be done without. Any thread. */
    boolean settled() {
        return settled;
    }

    /** Whether the last list is not accepted yet. Any thread. */
    boolean suspect() {
        return suspect;
    }

    /**
     * Whether the view equals the state of the server at {@code now}, as far as can be known: the server has sent
     * something lately, and was not unreachable for longer than a transient failure. Any thread.
     */
    boolean current(long now) {
        return settled && !suspect && trouble.current(now)
                && (!contacted || now - lastContactNanos < idleNanos + LIST_SILENCE.toNanos());
    }

    /** How long ago the server sent something; empty for never. Any thread. */
    Optional<Duration> sinceLastContact(long now) {
        return contacted ? Optional.of(Duration.ofNanos(Math.max(0, now - lastContactNanos))) : Optional.empty();
    }

    /** What the reflector is doing. Any thread. */
    WatchState state() {
        return state;
    }

    /** The resourceVersion of the view; empty before the first list. Any thread. */
    String version() {
        return version;
    }

    /** The trouble at {@code now}, in one line; null for none. Any thread. */
    @Nullable
    String problem(long now) {
        return trouble.problem(now);
    }
}
