package io.sluice.source.kubernetes;

import io.sluice.source.ResourceFreshness.WatchState;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The rules by which one kind of object is listed and watched: what to ask the API server next, how much of an answer to
 * believe, how long to pause after a failure, and when to log it (the protocol of client-go's Reflector; KEP-365, KEP-956).
 *
 * <ul>
 * <li>A list counts when its last page has come. One that may come from a server that has just been started or restored
 * deletes nothing at once ({@link ListTrust}).
 * <li>A watch that breaks is resumed at the last version; when that has failed {@value #RESUMES_BEFORE_LIST} times,
 * everything is listed again. It is listed again at once when the server does not know the version any more (410), has
 * been silent, or has said what no API server says.
 * <li>A watch that breaks before its first event has not proved anything: it ends no trouble ({@link Trouble}).
 * <li>After a failure the next address of the server is asked at once; when all have failed, after a {@link Backoff}.
 * </ul>
 *
 * <p>Pure: events and times come in, decisions go out. Times are those of {@link System#nanoTime}, which no step of the
 * wall clock changes. One thread reports events; any thread may call the methods that say so.
 */
final class ListWatch {

    /** How long a server whose list is doubted is left alone before it is asked again. */
    static final Duration ASK_AGAIN = Duration.ofSeconds(4);
    /** How long a part of a list may be silent. */
    static final Duration LIST_SILENCE = Duration.ofSeconds(30);
    /** A watch that ends sooner without an event is a failure: a healthy server keeps it open for minutes. */
    static final Duration AT_ONCE = Duration.ofSeconds(1);
    private static final int RESUMES_BEFORE_LIST = 3;

    /** What to ask next. */
    enum Request {
        LIST, WATCH
    }

    /** Why a list or a watch has failed. */
    enum FailureKind {
        /** The server answers, with an error. */
        REFUSED,
        /** The server did not say anything for too long. */
        SILENT,
        /** The answer is none that an API server gives. */
        SUSPECT,
        /** The answer is from before what is known. */
        WENT_BACK,
        /** No connection, or one that broke. */
        BROKEN
    }

    /**
     * A failed list or watch.
     *
     * @param code HTTP status of {@link FailureKind#REFUSED}; 0 for other kinds
     */
    record Failure(FailureKind kind, int code) {

        /** What was asked for is the problem; another address of the server would say the same. */
        boolean aboutRequest() {
            return kind == FailureKind.REFUSED && (code == 403 || code == 404 || code == 410);
        }

        /** All kinds of object meet it alike: it is logged once for all of them. */
        boolean aboutServer() {
            return kind == FailureKind.BROKEN || kind == FailureKind.SILENT || code == 401;
        }

        /** Other credentials may help, or the kubeconfig names another server by now. */
        boolean mayNeedCredentials() {
            return kind != FailureKind.REFUSED || code == 401;
        }

        private boolean gone() {
            return code == 410;
        }

        private boolean doubtful() {
            return kind == FailureKind.SUSPECT || kind == FailureKind.WENT_BACK;
        }

        /** Whether the version that is known is of no use any more. */
        private boolean needsList() {
            return switch (kind) {
                case REFUSED -> code < 500 && code != 429;
                case SILENT, SUSPECT, WENT_BACK -> true;
                case BROKEN -> false;
            };
        }
    }

    /**
     * What to do after a failure.
     *
     * @param pauseNanos how long to wait before the next request; 0 for none, as another address of the server has its turn
     * @param worthALine whether a person should read of it, unless the same was logged lately
     * @param settledNow whether the view counts as complete from now on, as the server does not let us read these objects
     */
    record Reaction(long pauseNanos, boolean worthALine, boolean settledNow) {}

    /** Of a list: what the view takes of it. */
    enum Taken {
        /** All: what the list does not have is deleted. */
        REPLACE,
        /** What the list has; nothing is deleted. */
        ADD,
        /** Nothing: the view was never complete. */
        NOTHING
    }

    /**
     * What becomes of a list.
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
    private volatile boolean doubtful;
    private volatile boolean heard;
    private volatile long heardNanos;

    private int expected;
    private long listedNanos;
    private long watchSince;
    private int resumes;
    /** Addresses that failed since the last pause. */
    private int attempts;
    /** A watch is open that has not said anything yet. */
    private boolean unproven;
    /** The server has said what is not believed, and no watch has lasted since. */
    private boolean suspected;

    /**
     * Knows nothing yet.
     *
     * @param idleTimeout    how long a watch may be silent
     * @param mayBeForbidden whether the view is complete without these objects if the server does not let us read them
     * @param random         spreads the nodes of a cluster in time
     */
    ListWatch(Duration idleTimeout, boolean mayBeForbidden, RandomGenerator random) {
        this.idleNanos = idleTimeout.toNanos();
        this.mayBeForbidden = mayBeForbidden;
        this.backoff = new Backoff(random);
    }

    /** An earlier process knew {@code objects} of them at {@code lastVersion}: the first list is judged by that. */
    void expect(int objects, String lastVersion) {
        expected = objects;
        version = lastVersion;
    }

    /** Everything is to be listed again. Any thread. */
    void relist() {
        listWanted = true;
    }

    /** Whether a request that is under way is to be given up, because everything is to be listed again. Any thread. */
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

    /** The list that was begun has been given up, or everything has to be listed again after it. */
    void listAbandoned() {
        listWanted = true;
    }

    /**
     * A whole list has come.
     *
     * @param known how many objects the view has
     */
    Judgement listed(int count, String listVersion, int known, long now) {
        ListTrust.Verdict verdict = trust.judge(count, listVersion, known(known), version, now);
        heard(now);
        if (verdict == ListTrust.Verdict.DOUBTED || verdict == ListTrust.Verdict.STILL_DOUBTED) {
            doubtful = true;
            listWanted = true;
            return new Judgement(settled ? Taken.ADD : Taken.NOTHING, verdict, ASK_AGAIN.toNanos());
        }
        doubtful = false;
        expected = 0;
        version = listVersion;
        listedNanos = now;
        settled = true;
        return new Judgement(Taken.REPLACE, verdict, 0);
    }

    /** How many objects a list is measured by, if the view has {@code objects}. */
    int known(int objects) {
        return Math.max(objects, expected);
    }

    /** A watch is being asked for. */
    void watchBegins(long now) {
        watchSince = now;
    }

    /** The server has accepted the watch. Returns how long the trouble was that this ends, if it was logged. */
    Optional<Duration> watchOpened(long now) {
        state = WatchState.WATCHING;
        heard(now);
        unproven = true;
        return trouble.opened(now);
    }

    /**
     * The watch has brought an event that is believed, and whose version is {@code eventVersion}. Returns how long the
     * trouble was that this ends, if it was logged.
     */
    Optional<Duration> watchHeard(String eventVersion, long now) {
        version = eventVersion;
        heard(now);
        Optional<Duration> ended = Optional.empty();
        if (unproven) {
            unproven = false;
            resumes = 0;
            ended = trouble.heard(now);
            if (!suspected) {
                backoff.reset();
            }
        }
        if ((suspected || attempts > 0) && hasLasted(Trouble.MOMENT, now)) {
            stable();
        }
        return ended;
    }

    /** The watch was given up by ourselves. */
    void watchAbandoned() {
        unproven = false;
    }

    /** The server has ended the watch in good order. Whether it did so at once, which is a {@link #failed failure}. */
    boolean watchEnded(long now) {
        if (unproven && !hasLasted(AT_ONCE, now)) {
            resumeOrList();
            return true;
        }
        unproven = false;
        if (hasLasted(Trouble.MOMENT, now)) {
            stable();
        }
        return false;
    }

    /**
     * The watch has failed: decides how to go on. Whether that is a {@link #failed failure}: a 410 is none, unless the
     * server does not know the version of a list that it has just made.
     */
    boolean watchFailed(Failure failure, long now) {
        if (failure.needsList()) {
            listWanted = true;
        } else if (failure.kind() == FailureKind.BROKEN) {
            resumeOrList();
        }
        if (failure.gone() && now - listedNanos > Trouble.MOMENT.toNanos()) {
            unproven = false;
            return false;
        }
        return true;
    }

    /**
     * A list or a watch has failed.
     *
     * @param addresses how many addresses of the server are asked in turn
     * @param problem   what went wrong, in a line for a person
     */
    Reaction failed(Failure failure, int addresses, String problem, long now) {
        state = WatchState.WAITING;
        trust.interrupted();
        suspected |= failure.doubtful();
        trouble.failed(problem, failure.doubtful(),
                unproven && (failure.doubtful() || !hasLasted(Trouble.MOMENT, now)), now);
        unproven = false;
        boolean settledNow = mayBeForbidden && failure.aboutRequest() && !failure.gone() && !settled;
        settled |= settledNow;
        if (++attempts < addresses) {
            return new Reaction(0, false, settledNow);
        }
        attempts = 0;
        boolean first = backoff.failures() == 0;
        // A watch that breaks now and then is nothing to worry a person with, unless it does not come back.
        return new Reaction(backoff.next().toNanos(), !first || listWanted, settledNow);
    }

    /** Whether to log what has failed; {@code sameAs} is equal for what a person would call the same. */
    boolean isNews(String sameAs, long now) {
        return trouble.isNews(sameAs, now);
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

    private void heard(long now) {
        heardNanos = now;
        heard = true;
    }

    /** Whether everything was listed at least once, or cannot be and need not be. Any thread. */
    boolean settled() {
        return settled;
    }

    /** Whether the server's last list is not believed yet. Any thread. */
    boolean doubtful() {
        return doubtful;
    }

    /**
     * Whether the view can be taken for what the server has at {@code now}: the server was heard of lately, and has not
     * been out of reach for more than a moment. Any thread.
     */
    boolean current(long now) {
        return settled && !doubtful && trouble.current(now)
                && (!heard || now - heardNanos < idleNanos + LIST_SILENCE.toNanos());
    }

    /** How long ago the server was heard of; empty for never. Any thread. */
    Optional<Duration> heardAgo(long now) {
        return heard ? Optional.of(Duration.ofNanos(Math.max(0, now - heardNanos))) : Optional.empty();
    }

    /** What is being done now. Any thread. */
    WatchState state() {
        return state;
    }

    /** The version that the view is at; empty before the first list. Any thread. */
    String version() {
        return version;
    }

    /** What is wrong at {@code now}, in a line; null for nothing. Any thread. */
    @Nullable
    String problem(long now) {
        return trouble.problem(now);
    }
}
