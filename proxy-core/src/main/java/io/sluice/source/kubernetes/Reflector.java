package io.sluice.source.kubernetes;

import io.sluice.liveness.Faults;
import io.sluice.service.EndpointChange;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ResourceFreshness.WatchState;
import io.sluice.source.kubernetes.ObjectStream.ListHead;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Keeps one kind of object equal to what the API server has: lists everything in pages, then watches from the version of
 * that list, for ever (the protocol of client-go's Reflector; KEP-365, KEP-956).
 *
 * <p>What makes it trustworthy:
 * <ul>
 * <li>An answer that no API server gives counts for nothing ({@link ListCheck}, {@link WatchEvent}).
 * <li>A list counts when its last page has come, and then all at once; deletions that were missed are found by it.
 * <li>A list that may come from a server that has just been started or restored deletes nothing at once
 * ({@link ListTrust}).
 * <li>A watch that says nothing, not even a bookmark, for the idle timeout is given up and everything is listed anew.
 * <li>A watch that ends is resumed where it was; after {@code 410 Gone}, or when that fails repeatedly, a list is made.
 * </ul>
 *
 * <p>Runs on a thread of its own; the state may be asked for by any.
 */
final class Reflector<T> implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(Reflector.class);

    /** Objects in one page: 500 as client-go has it; a page is never held in memory. */
    private static final int PAGE = 500;
    private static final Duration ASK_AGAIN = Duration.ofSeconds(4);
    private static final Duration LONGEST_PAGE = Duration.ofMinutes(2);
    private static final Duration LIST_SILENCE = Duration.ofSeconds(30);
    /** The server ends a watch after 5 to 10 minutes at random, as clients of the API ask for. */
    private static final int WATCH_SECONDS = 300;
    private static final int RESUMES_BEFORE_LIST = 3;

    /** Finds out what to ask {@code server} for; asked again when the server does not know the resource. */
    @FunctionalInterface
    interface Resolver<T> {
        Resource<T> resolve(String server) throws IOException;
    }

    /** Hears of what happens, on the reflector's thread. */
    interface Listener {

        /** Objects were put in or removed. */
        void changed();

        /** What is wrong with an object now; none if it is fine or gone. */
        void mistakes(String resource, ObjectKey key, List<String> mistakes);

        /** Everything was listed: mistakes of objects that are not in {@code listed} are gone. */
        void listed(String resource, Map<ObjectKey, List<String>> mistakes);
    }

    private final String name;
    private final Resolver<T> resolver;
    private final ApiClient client;
    private final ClusterView.Part<T> part;
    private final Listener listener;
    private final Duration idleTimeout;
    private final boolean mayBeForbidden;
    private final RandomGenerator random = RandomGenerator.getDefault();
    private final Backoff backoff = new Backoff(random);
    private final ListTrust trust = new ListTrust();
    private final Trouble trouble = new Trouble();
    private final Semaphore wake = new Semaphore(0);

    private volatile WatchState state = WatchState.LISTING;
    private volatile @Nullable Instant lastHeard;
    private volatile String version = "";
    private final AtomicLong lists = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private volatile boolean settled;
    private volatile boolean doubtful;
    private volatile boolean stopped;
    private volatile boolean listWanted = true;
    private volatile @Nullable InputStream open;

    private @Nullable Resource<T> resource;
    private int expected;
    private String server = "";
    private String verb = "list";
    private Instant begun = Instant.EPOCH;
    private int resumes;
    /** Attempts at one address after the other since the last pause. */
    private int attempts;
    /** Whether a watch is open that has said nothing yet; and whether the last failure was an answer not to believe. */
    private boolean unproven;
    private boolean suspected;

    /**
     * Asks nothing yet.
     *
     * @param name           for logs, metrics and the state
     * @param idleTimeout    how long a watch may be silent
     * @param mayBeForbidden whether we can do without this resource if the server does not let us read it
     */
    Reflector(String name, Resolver<T> resolver, ApiClient client, ClusterView.Part<T> part, Listener listener,
            Duration idleTimeout, boolean mayBeForbidden) {
        this.name = name;
        this.resolver = resolver;
        this.client = client;
        this.part = part;
        this.listener = listener;
        this.idleTimeout = idleTimeout;
        this.mayBeForbidden = mayBeForbidden;
    }

    /** An earlier process knew {@code objects} of them at {@code lastVersion}: what is listed is measured by that. */
    void expect(int objects, String lastVersion) {
        expected = objects;
        version = lastVersion;
    }

    /** Whether everything was listed at least once, or cannot be and need not be. */
    boolean settled() {
        return settled;
    }

    /** Whether the server's last list is not believed yet. */
    boolean doubtful() {
        return doubtful;
    }

    /**
     * Whether the view can be taken for what the server has now: it was heard of lately, and has not been out of reach
     * for more than a moment.
     */
    boolean current(Instant now) {
        Instant heard = lastHeard;
        return settled && !doubtful && trouble.current(now)
                && (heard == null || heard.plus(idleTimeout).plus(LIST_SILENCE).isAfter(now));
    }

    ResourceFreshness freshness() {
        return new ResourceFreshness(name, state, lastHeard, version, part.size(), lists.get(), failures.get(),
                trouble.problem(Instant.now()));
    }

    /** Lists everything again now. */
    void refresh() {
        listWanted = true;
        interrupt();
    }

    /** Ends {@link #run} soon. */
    void stop() {
        stopped = true;
        interrupt();
    }

    private void interrupt() {
        wake.release();
        InputStream reading = open;
        if (reading != null) {
            try {
                reading.close();
            } catch (IOException e) {
                LOG.debug("closing: {}", e.getMessage());
            }
        }
    }

    @Override
    public void run() {
        while (!stopped) {
            try {
                if (listWanted) {
                    state = WatchState.LISTING;
                    list();
                }
                if (!stopped && !listWanted) {
                    watch();
                }
            } catch (InterruptedIOException e) {
                LOG.debug("{}: interrupted", name);
            } catch (IOException e) {
                failed(e);
            } catch (RuntimeException | Error e) {
                Faults.report("watching " + name, e);
                listWanted = true;
                failed(new IOException("a fault in the program: " + e, e));
            } finally {
                open = null;
            }
        }
    }

    private void list() throws IOException {
        listWanted = false;
        verb = "list";
        try {
            server = client.nextServer();
            Resource<T> wanted = resource == null ? resolver.resolve(server) : resource;
            resource = wanted;
            Listed<T> listed = new Listed<>(wanted);
            String next = "";
            ListHead head;
            do {
                InputStream body = client.get(server, wanted.listPath(PAGE, next), LIST_SILENCE, LONGEST_PAGE);
                try (ObjectStream page = open(body, listed.check.bytesLeft())) {
                    head = page.readList(listed.check::head, listed::add);
                    listed.check.page(head, page.bytes());
                }
                next = head.next();
            } while (!next.isEmpty());
            lists.incrementAndGet();
            take(listed, head.version());
            listener.listed(name, listed.mistakes);
            heard();
            listener.changed();
        } catch (IOException e) {
            listWanted = true;
            if (e instanceof ApiException refused && refused.code() == 404) {
                resource = null;
            }
            throw e;
        }
    }

    /** What the pages of a list have brought so far. */
    private static final class Listed<T> {

        private final Resource<T> resource;
        private final ListCheck check;
        private final Map<ObjectKey, T> objects = new HashMap<>();
        private final Map<ObjectKey, List<String>> mistakes = new HashMap<>();
        private final Map<ObjectKey, EndpointChange> since = new HashMap<>();

        Listed(Resource<T> resource) {
            this.resource = resource;
            this.check = new ListCheck(resource.kind());
        }

        void add(JsonNode item) throws SuspectAnswerException {
            ObjectKey key = check.item(item);
            ReadObject<T> read = resource.reader().read(key, item);
            if (read.value() != null) {
                objects.put(key, read.value());
            }
            if (!read.mistakes().isEmpty()) {
                mistakes.put(key, read.mistakes());
            }
            if (read.change() != null) {
                since.put(key, read.change());
            }
        }
    }

    /** Believes the list, or keeps what it does not have for a while. */
    private void take(Listed<T> listed, String listVersion) throws IOException {
        int known = Math.max(part.size(), expected);
        int count = listed.objects.size();
        switch (trust.judge(count, listVersion, known, version, Instant.now())) {
            case BELIEVED -> {
            }
            case DOUBTED -> {
                LOG.warn("{}: the API server lists {} where {} were known{}; what is missing is kept until it has said"
                        + " so for {} s", name, count, known,
                        ListTrust.older(listVersion, version)
                                ? ", at version " + listVersion + " after " + version
                                : "",
                        ListTrust.DOUBT.toSeconds());
                doubt(listed);
            }
            case STILL_DOUBTED -> doubt(listed);
            case BELIEVED_IN_THE_END ->
                    LOG.warn("{}: the API server has kept to its list of {}; it is believed now", name,
                            count);
        }
        doubtful = false;
        expected = 0;
        part.replace(listed.objects, listed.since);
        version = listVersion;
        settled = true;
    }

    private void doubt(Listed<T> listed) throws InterruptedIOException {
        doubtful = true;
        if (settled) {
            part.put(listed.objects, listed.since);
            listener.changed();
        }
        heard();
        state = WatchState.LISTING;
        pause(ASK_AGAIN);
        throw new InterruptedIOException("to be listed again");
    }

    private void watch() throws IOException {
        Resource<T> wanted = resource;
        if (wanted == null) {
            listWanted = true;
            return;
        }
        verb = "watch";
        int seconds = WATCH_SECONDS + random.nextInt(WATCH_SECONDS);
        begun = Instant.now();
        server = client.nextServer();
        try (ObjectStream events = open(client.watch(server, wanted.watchPath(version, seconds), idleTimeout,
                Duration.ofSeconds(seconds).plus(idleTimeout)), Long.MAX_VALUE)) {
            state = WatchState.WATCHING;
            heard();
            unproven = true;
            trouble.opened(Instant.now()).ifPresent(this::recovered);
            for (JsonNode event = events.nextEvent(); event != null; event = events.nextEvent()) {
                take(WatchEvent.read(event, wanted.kind(), version), wanted);
                heard();
                proven();
            }
        } catch (InterruptedIOException e) {
            unproven = false;
            throw e;
        } catch (IOException e) {
            if (!endsAsUsual(e)) {
                throw e;
            }
        }
        if (unproven && !hasLasted(Duration.ofSeconds(1))) {
            resumeOrList();
            throw new IOException("the API server ends the watch at once");
        }
        unproven = false;
        if (hasLasted(Trouble.MOMENT)) {
            stable();
        }
    }

    /** Whether the watch may as well have ended by itself; else, what to do next is decided. */
    private boolean endsAsUsual(IOException failure) {
        switch (failure) {
            case ApiException refused when refused.gone() -> {
                listWanted = true;
                if (!unproven || hasLasted(Trouble.MOMENT)) {
                    LOG.info("{}: the API server does not go back to version {} ({}); listing again", name, version,
                            refused.getMessage());
                    return true;
                }
            }
            case ApiException refused -> listWanted |= refused.code() < 500 && refused.code() != 429;
            case SilenceException _,SuspectAnswerException _,StoreWentBackException _ -> listWanted = true;
            default -> resumeOrList();
        }
        return false;
    }

    private void resumeOrList() {
        if (++resumes >= RESUMES_BEFORE_LIST) {
            listWanted = true;
            resumes = 0;
        }
    }

    private boolean hasLasted(Duration time) {
        return begun.plus(time).isBefore(Instant.now());
    }

    /** The watch has said something that is believed. */
    private void proven() {
        if (unproven) {
            unproven = false;
            resumes = 0;
            trouble.heard(Instant.now()).ifPresent(this::recovered);
            if (!suspected) {
                backoff.reset();
            }
        }
        if ((suspected || attempts > 0) && hasLasted(Trouble.MOMENT)) {
            stable();
        }
    }

    private void stable() {
        suspected = false;
        attempts = 0;
        backoff.reset();
    }

    private void take(WatchEvent event, Resource<T> wanted) {
        switch (event) {
            case WatchEvent.Put(ObjectKey key, JsonNode object, String _) -> {
                ReadObject<T> read = wanted.reader().read(key, object);
                if (read.value() == null) {
                    part.remove(key);
                } else {
                    part.put(Map.of(key, read.value()), read.change() == null ? Map.of() : Map.of(key, read.change()));
                }
                listener.mistakes(name, key, read.mistakes());
                listener.changed();
            }
            case WatchEvent.Removed(ObjectKey key, String _) -> {
                part.remove(key);
                listener.mistakes(name, key, List.of());
                listener.changed();
            }
            case WatchEvent.Bookmark _ -> {
            }
        }
        version = event.version();
    }

    private ObjectStream open(InputStream body, long mostBytes) throws IOException {
        open = body;
        if (stopped || listWanted) {
            body.close();
        }
        return new ObjectStream(body, mostBytes);
    }

    private void heard() {
        lastHeard = Instant.now();
    }

    private void recovered(Duration after) {
        client.recovered();
        LOG.info("{}: watching again, after {} s", name, after.toSeconds());
    }

    private void failed(IOException failure) {
        if (stopped) {
            return;
        }
        failures.incrementAndGet();
        state = WatchState.WAITING;
        Instant now = Instant.now();
        String text = explain(failure);
        boolean doubt = failure instanceof SuspectAnswerException || failure instanceof StoreWentBackException;
        suspected |= doubt;
        trouble.failed(text, doubt, unproven && (doubt || !hasLasted(Trouble.MOMENT)), now);
        unproven = false;
        int addresses = 1;
        if (failure instanceof ApiException refused && refused.aboutRequest()) {
            if (mayBeForbidden && refused.code() != 410 && !settled) {
                settled = true;
                listener.changed();
            }
        } else {
            addresses = client.failed(server);
            if (!(failure instanceof ApiException refused) || refused.code() == 401) {
                client.renew();
            }
        }
        if (++attempts < addresses) {
            LOG.debug("{}: {}; trying the next address", name, text);
            return;
        }
        attempts = 0;
        boolean first = backoff.failures() == 0;
        Duration wait = backoff.next();
        // A watch that breaks now and then is nothing to worry a person with, unless it does not come back.
        if (first && !listWanted || !isNews(failure, addresses > 1 ? text.replace(server, "") : text, now)) {
            LOG.debug("{}: {}; trying again in {} ms", name, text, wait.toMillis());
        } else {
            LOG.warn("{}{}; it is asked again until it answers",
                    text + (addresses > 1 ? ", as the last of " + addresses + " addresses" : ""),
                    settled && part.size() > 0 ? "; the last known state stays in force" : "");
        }
        pause(wait);
    }

    /** What all kinds have in common is logged once for all of them. */
    private boolean isNews(IOException failure, String sameAs, Instant now) {
        boolean ofAll = switch (failure) {
            case ApiException refused -> refused.code() == 401;
            case SuspectAnswerException _,StoreWentBackException _ -> false;
            default -> true;
        };
        return trouble.isNews(sameAs, now) && (!ofAll || client.isNews(sameAs, now, Trouble.REMINDER));
    }

    /** One line: what was refused or failed, and what to do. */
    private String explain(IOException failure) {
        Resource<T> wanted = resource;
        String what = wanted == null ? name : wanted.fullName();
        if (failure instanceof ApiException refused) {
            return switch (refused.code()) {
                case 401 -> "the API server " + server + " does not accept our credentials (401): " + client.origin();
                case 403 ->
                        "may not " + verb + " " + what + " (403): grant the verbs list and"
                                + " watch on it; the server says: " + refused.getMessage();
                default -> "the API server " + server + " answers " + refused.code() + " for " + what + ": "
                        + refused.getMessage();
            };
        }
        return switch (failure) {
            case SuspectAnswerException _ -> "the API server " + server + ": its answer for " + what + " "
                    + failure.getMessage() + "; nothing of it counts";
            case StoreWentBackException _ ->
                    "the API server " + server + " " + failure.getMessage() + " (" + what + ")";
            default -> "the API server " + server + ": " + ApiClient.reason(failure);
        };
    }

    private void pause(Duration time) {
        try {
            if (wake.tryAcquire(time.toMillis(), TimeUnit.MILLISECONDS)) {
                wake.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
        }
    }
}
