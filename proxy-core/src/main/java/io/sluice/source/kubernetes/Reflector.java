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
 * <li>A list counts when its last page has come, and then all at once; deletions that were missed are found by it.
 * <li>A list that goes back to an older version than was seen, or that has nothing where there was something, may come
 * from a server that has just been started or restored: what is new in it is taken, but nothing is deleted before the
 * server has kept saying so for {@link #DOUBT}.
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
    /** How long a server must have kept to a doubtful list before it is believed. */
    static final Duration DOUBT = Duration.ofSeconds(20);
    private static final Duration ASK_AGAIN = Duration.ofSeconds(4);
    private static final Duration LONGEST_PAGE = Duration.ofMinutes(2);
    private static final Duration LIST_SILENCE = Duration.ofSeconds(30);
    /** The server ends a watch after 5 to 10 minutes at random, as clients of the API ask for. */
    private static final int WATCH_SECONDS = 300;
    private static final int RESUMES_BEFORE_LIST = 3;
    /** Trouble that is over sooner leaves a view current. */
    private static final Duration MOMENT = Duration.ofSeconds(10);
    /** The same trouble is told again after this time. */
    private static final Duration REMINDER = Duration.ofMinutes(5);

    /** Finds out what to ask for; asked again when the server does not know the resource. */
    @FunctionalInterface
    interface Resolver<T> {
        Resource<T> resolve() throws IOException;
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
    private final Semaphore wake = new Semaphore(0);

    private volatile WatchState state = WatchState.LISTING;
    private volatile @Nullable Instant lastHeard;
    private volatile String version = "";
    private final AtomicLong lists = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private volatile @Nullable String problem;
    private volatile @Nullable Instant troubleSince;
    private volatile boolean settled;
    private volatile boolean doubtful;
    private volatile boolean stopped;
    private volatile boolean listWanted = true;
    private volatile @Nullable InputStream open;

    private @Nullable Resource<T> resource;
    private int expected;
    private @Nullable Instant doubtSince;
    private @Nullable Instant toldAt;
    private String told = "";
    private String verb = "list";
    private int resumes;

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
        Instant trouble = troubleSince;
        return settled && !doubtful && (trouble == null || trouble.plus(MOMENT).isAfter(now))
                && (heard == null || heard.plus(idleTimeout).plus(LIST_SILENCE).isAfter(now));
    }

    ResourceFreshness freshness() {
        return new ResourceFreshness(name, state, lastHeard, version, part.size(), lists.get(), failures.get(),
                problem);
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
            Resource<T> wanted = resource == null ? resolver.resolve() : resource;
            resource = wanted;
            Map<ObjectKey, T> listed = new HashMap<>();
            Map<ObjectKey, List<String>> mistakes = new HashMap<>();
            Map<ObjectKey, EndpointChange> since = new HashMap<>();
            String next = "";
            ListHead head;
            do {
                try (ObjectStream page =
                        open(client.get(wanted.listPath(PAGE, next), LIST_SILENCE, LONGEST_PAGE))) {
                    head = page.readList(item -> {
                        ObjectKey key = key(item);
                        ReadObject<T> read = wanted.reader().read(key, item);
                        if (read.value() != null) {
                            listed.put(key, read.value());
                        }
                        if (!read.mistakes().isEmpty()) {
                            mistakes.put(key, read.mistakes());
                        }
                        if (read.change() != null) {
                            since.put(key, read.change());
                        }
                    });
                }
                next = head.next();
            } while (!next.isEmpty());
            lists.incrementAndGet();
            take(listed, since, head.version());
            listener.listed(name, mistakes);
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

    /** Believes the list, or keeps what it does not have for a while. */
    private void take(Map<ObjectKey, T> listed, Map<ObjectKey, EndpointChange> since, String listVersion)
            throws IOException {
        int known = Math.max(part.size(), expected);
        boolean back = older(listVersion, version);
        if (!back && (known == 0 || !listed.isEmpty())) {
            doubtSince = null;
        } else {
            Instant now = Instant.now();
            if (doubtSince == null) {
                doubtSince = now;
                LOG.warn("{}: the API server lists {} where {} were known{}; what is missing is kept until it has said"
                        + " so for {} s", name, listed.size(), known,
                        back ? ", at version " + listVersion + " after " + version : "", DOUBT.toSeconds());
            }
            if (doubtSince.plus(DOUBT).isAfter(now)) {
                doubtful = true;
                if (settled) {
                    part.put(listed, since);
                    listener.changed();
                }
                heard();
                state = WatchState.LISTING;
                pause(ASK_AGAIN);
                listWanted = true;
                throw new InterruptedIOException("to be listed again");
            }
            LOG.warn("{}: the API server has kept to its list of {}; it is believed now", name, listed.size());
            doubtSince = null;
        }
        doubtful = false;
        expected = 0;
        part.replace(listed, since);
        version = listVersion;
        settled = true;
    }

    private void watch() throws IOException {
        Resource<T> wanted = resource;
        if (wanted == null) {
            listWanted = true;
            return;
        }
        verb = "watch";
        int seconds = WATCH_SECONDS + random.nextInt(WATCH_SECONDS);
        Instant begun = Instant.now();
        boolean anything = false;
        try (ObjectStream events = open(client.watch(wanted.watchPath(version, seconds), idleTimeout,
                Duration.ofSeconds(seconds).plus(idleTimeout)))) {
            state = WatchState.WATCHING;
            heard();
            recovered();
            for (JsonNode event = events.nextEvent(); event != null; event = events.nextEvent()) {
                take(event, wanted);
                heard();
                if (!anything) {
                    anything = true;
                    resumes = 0;
                    backoff.reset();
                }
            }
        } catch (SilenceException e) {
            listWanted = true;
            throw e;
        } catch (ApiException e) {
            if (e.gone()) {
                LOG.info("{}: the API server does not go back to version {} ({}); listing again", name, version,
                        e.getMessage());
                listWanted = true;
                if (anything || begun.plus(MOMENT).isBefore(Instant.now())) {
                    return;
                }
            } else if (e.code() < 500 && e.code() != 429) {
                listWanted = true;
            }
            throw e;
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            if (++resumes >= RESUMES_BEFORE_LIST) {
                listWanted = true;
                resumes = 0;
            }
            throw e;
        }
        if (begun.plus(MOMENT).isBefore(Instant.now())) {
            backoff.reset();
        }
        if (!anything && begun.plusSeconds(1).isAfter(Instant.now())) {
            if (++resumes >= RESUMES_BEFORE_LIST) {
                listWanted = true;
                resumes = 0;
            }
            throw new IOException("the API server ends the watch at once");
        }
    }

    private void take(JsonNode event, Resource<T> wanted) throws IOException {
        String type = event.path("type").asString("");
        JsonNode object = event.path("object");
        if (type.equals("ERROR")) {
            throw new ApiException(object.path("code").asInt(500), object.path("message").asString("unknown error"));
        }
        String objectVersion = object.path("metadata").path("resourceVersion").asString("");
        if (!type.equals("BOOKMARK")) {
            ObjectKey key = key(object);
            ReadObject<T> read =
                    type.equals("DELETED") ? new ReadObject<>(null, List.of()) : wanted.reader().read(key, object);
            if (read.value() == null) {
                part.remove(key);
            } else {
                part.put(Map.of(key, read.value()),
                        read.change() == null ? Map.of() : Map.of(key, read.change()));
            }
            listener.mistakes(name, key, read.mistakes());
            listener.changed();
        }
        if (!objectVersion.isEmpty()) {
            version = objectVersion;
        }
    }

    private ObjectStream open(InputStream body) throws IOException {
        open = body;
        if (stopped || listWanted) {
            body.close();
        }
        return new ObjectStream(body);
    }

    private static ObjectKey key(JsonNode object) {
        JsonNode metadata = object.path("metadata");
        return new ObjectKey(metadata.path("namespace").asString("").intern(), metadata.path("name").asString(""));
    }

    /** Versions are numbers that grow (KEP-5504); any other text cannot be compared, and nothing is concluded from it. */
    static boolean older(String version, String than) {
        try {
            return !than.isEmpty()
                    && Long.compareUnsigned(Long.parseUnsignedLong(version), Long.parseUnsignedLong(than)) < 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private void heard() {
        lastHeard = Instant.now();
    }

    private void recovered() {
        problem = null;
        Instant since = troubleSince;
        if (since != null) {
            troubleSince = null;
            long seconds = Duration.between(since, Instant.now()).toSeconds();
            if (told.isEmpty()) {
                LOG.debug("{}: watching again, after {} s", name, seconds);
            } else {
                told = "";
                LOG.info("{}: watching again, after {} s", name, seconds);
            }
        }
    }

    private void failed(IOException failure) {
        if (stopped) {
            return;
        }
        failures.incrementAndGet();
        String text = explain(failure);
        state = WatchState.WAITING;
        problem = text;
        if (failure instanceof ApiException refused) {
            if (refused.code() == 401) {
                client.renew();
            }
            if (mayBeForbidden && (refused.code() == 403 || refused.code() == 404) && !settled) {
                settled = true;
                listener.changed();
            }
        } else {
            client.turn();
            client.renew();
        }
        Instant now = Instant.now();
        if (troubleSince == null) {
            troubleSince = now;
        }
        Instant last = toldAt;
        boolean first = backoff.failures() == 0;
        Duration wait = backoff.next();
        // A watch that breaks now and then is nothing to worry a person with, unless it does not come back.
        boolean tell = !first || listWanted;
        if (tell && (!text.equals(told) || last == null || last.plus(REMINDER).isBefore(now))) {
            told = text;
            toldAt = now;
            boolean ofServer = !(failure instanceof ApiException refused) || refused.code() == 401;
            if (!ofServer || client.isNews(text, now, REMINDER)) {
                LOG.warn("{}{}; it is asked again until it answers", ofServer ? text : name + ": " + text,
                        settled && part.size() > 0 ? "; the last known state stays in force" : "");
            }
        } else {
            LOG.debug("{}: {}; trying again in {} ms", name, text, wait.toMillis());
        }
        pause(wait);
    }

    /** One line: what was refused or failed, and what to do. */
    private String explain(IOException failure) {
        String server = client.currentServer();
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
        return "the API server " + server + ": " + ApiClient.reason(failure);
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
