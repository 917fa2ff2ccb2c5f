package io.sluice.source.kubernetes;

import io.sluice.liveness.Faults;
import io.sluice.service.TriggerTime;
import io.sluice.source.Activity;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.kubernetes.ListWatch.Failure;
import io.sluice.source.kubernetes.ListWatch.FailureKind;
import io.sluice.source.kubernetes.ObjectStream.ListHead;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import tools.jackson.databind.JsonNode;

/**
 * Keeps one kind of object equal to what the API server has: lists everything in pages, then watches from the version of
 * that list, for ever (as client-go's Reflector). {@link ListWatch} decides; this class requests, reads and logs.
 *
 * <p>Besides the rules there:
 * <ul>
 * <li>A response that no API server sends is ignored ({@link ListCheck}, {@link WatchEvent}).
 * <li>A list replaces the view at once, when its last page has arrived; missed deletions are found so.
 * <li>A watch that sends nothing, not even a bookmark, for the idle timeout is abandoned.
 * </ul>
 *
 * <p>Runs on a thread of its own; any thread may read the state.
 */
final class Reflector<T> implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(Reflector.class);

    /** Objects in one page: 500 as client-go has it; a page is never held in memory. */
    private static final int PAGE = 500;
    private static final Duration LONGEST_PAGE = Duration.ofMinutes(2);
    /** The server ends a watch after 5 to 10 minutes at random, as client-go requests it. */
    private static final int WATCH_SECONDS = 300;

    /** Finds out which resource to list at {@code server}; called again when the server does not know the resource. */
    @FunctionalInterface
    interface Resolver<T> {
        Resource<T> resolve(String server) throws IOException;
    }

    /** Is notified of changes, on the reflector's thread. */
    interface Listener {

        /** Objects were added, modified or deleted. */
        void changed();

        /** The mistakes of an object; none if it is valid or deleted. */
        void mistakes(String resource, ObjectKey key, List<String> mistakes);

        /** Everything was listed: objects that are not in {@code mistakes} have none. */
        void listed(String resource, Map<ObjectKey, List<String>> mistakes);
    }

    private final String name;
    private final Resolver<T> resolver;
    private final ApiRequests client;
    private final ClusterView.Part<T> part;
    private final Listener listener;
    private final Duration idleTimeout;
    private final ReflectorThread thread;
    private final RandomGenerator random;
    private final ListWatch rules;
    private final Activity handling;

    private final AtomicLong lists = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private volatile boolean stopped;
    private volatile @Nullable InputStream open;

    private @Nullable Resource<T> resource;
    private String server = "";
    private String verb = "list";

    /**
     * Requests nothing yet.
     *
     * @param name           for logs, metrics and the state
     * @param idleTimeout    how long a watch may be silent
     * @param mayBeForbidden whether the view is complete without this resource if the server refuses it
     */
    Reflector(String name, Resolver<T> resolver, ApiRequests client, ClusterView.Part<T> part, Listener listener,
            Duration idleTimeout, boolean mayBeForbidden) {
        this(name, resolver, client, part, listener, idleTimeout, mayBeForbidden, ReflectorThread.ofMachine(),
                RandomGenerator.getDefault());
    }

    /** The same on a thread with another clock. */
    Reflector(String name, Resolver<T> resolver, ApiRequests client, ClusterView.Part<T> part, Listener listener,
            Duration idleTimeout, boolean mayBeForbidden, ReflectorThread thread, RandomGenerator random) {
        this.name = name;
        this.resolver = resolver;
        this.client = client;
        this.part = part;
        this.listener = listener;
        this.idleTimeout = idleTimeout;
        this.thread = thread;
        this.random = random;
        this.rules = new ListWatch(idleTimeout, mayBeForbidden, random);
        this.handling = new Activity("sluice-watch-" + name);
    }

    String name() {
        return name;
    }

    /** The work of the thread on what the server has sent; waiting for the server is no work. */
    Activity activity() {
        return handling;
    }

    /** Whether the server has listed everything at least once. */
    boolean listed() {
        return lists.get() > 0;
    }

    /** An earlier process had {@code objects} objects at {@code lastVersion}: the first list is compared with that. */
    void expect(int objects, String lastVersion) {
        rules.expect(objects, lastVersion);
    }

    /** Whether everything was listed at least once, or may be done without. */
    boolean settled() {
        return rules.settled();
    }

    /** Whether the last list is not accepted yet. */
    boolean suspect() {
        return rules.suspect();
    }

    /** Whether the view equals the state of the server, as far as can be known. */
    boolean current() {
        return rules.current(thread.nanoTime());
    }

    ResourceFreshness freshness() {
        long now = thread.nanoTime();
        return new ResourceFreshness(name, rules.state(),
                rules.sinceLastContact(now).map(Instant.now()::minus).orElse(null),
                rules.version(), part.size(), lists.get(), failures.get(), rules.problem(now));
    }

    /** Lists everything again, at once. */
    void refresh() {
        rules.relist();
        interrupt();
    }

    /** Ends {@link #run} soon. */
    void stop() {
        stopped = true;
        interrupt();
    }

    private void interrupt() {
        thread.wake();
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
                switch (rules.next()) {
                    case LIST -> list();
                    case WATCH -> watch();
                }
            } catch (InterruptedIOException e) {
                LOG.debug("{}: interrupted", name);
            } catch (IOException e) {
                failed(e);
            } catch (RuntimeException | Error e) {
                Faults.report("watching " + name, e);
                rules.relist();
                failed(new IOException("a fault in the program: " + e, e));
            } finally {
                open = null;
            }
        }
    }

    private void list() throws IOException {
        verb = "list";
        try {
            server = client.nextServer();
            Resource<T> wanted = resource == null ? resolver.resolve(server) : resource;
            resource = wanted;
            Listed<T> listed = pages(wanted);
            lists.incrementAndGet();
            pause(handling.answerOf(() -> take(listed, listed.version)));
        } catch (IOException e) {
            rules.listAbandoned();
            if (e instanceof ApiException refused && refused.code() == 404) {
                resource = null;
            }
            throw e;
        }
    }

    /** Lists in pages, or without pages if the server drops the version of the list before the last page. */
    private Listed<T> pages(Resource<T> wanted) throws IOException {
        Listed<T> listed = new Listed<>(wanted);
        String next = "";
        do {
            try {
                next = page(wanted.listPath(PAGE, next), listed);
            } catch (ApiException e) {
                if (e.code() != 410 || next.isEmpty()) {
                    throw e;
                }
                // As client-go's pager does (FullListIfExpired): pages would expire again and again.
                LOG.debug("{}: the continue token has expired; listing without pages", name);
                Listed<T> whole = new Listed<>(wanted);
                if (!page(wanted.listPath(), whole).isEmpty()) {
                    throw new SuspectAnswerException("has pages though none were asked for");
                }
                return whole;
            }
        } while (!next.isEmpty());
        return listed;
    }

    /** Reads a page. Returns the continue token; empty after the last page. */
    private String page(String path, Listed<T> listed) throws IOException {
        InputStream body = client.get(server, path, ListWatch.LIST_SILENCE, LONGEST_PAGE);
        try (ObjectStream page = open(body, listed.check.bytesLeft())) {
            ListHead head = page.readList(listed.check::head, item -> {
                ObjectKey key = listed.check.item(item);
                handling.during(() -> listed.add(key, item));
            });
            listed.check.page(head, page.bytes());
            listed.version = head.version();
            return head.next();
        }
    }

    /** The objects of the pages that were read so far. */
    private static final class Listed<T> {

        private final Resource<T> resource;
        private final ListCheck check;
        private final Map<ObjectKey, T> objects = new HashMap<>();
        private final Map<ObjectKey, List<String>> mistakes = new HashMap<>();
        private final Map<ObjectKey, TriggerTime> since = new HashMap<>();
        private String version = "";

        Listed(Resource<T> resource) {
            this.resource = resource;
            this.check = new ListCheck(resource.kind());
        }

        void add(ObjectKey key, JsonNode item) {
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

    /** Puts the accepted objects of a list into the view. Returns the pause after it, in nanoseconds. */
    private long take(Listed<T> listed, String listVersion) {
        int count = listed.objects.size();
        int known = rules.known(part.size());
        String knownVersion = rules.version();
        ListWatch.Judgement judgement = rules.listed(count, listVersion, part.size(), thread.nanoTime());
        switch (judgement.verdict()) {
            case ACCEPTED, STILL_SUSPECT -> {
            }
            case SUSPECT_LIST -> LOG.warn(
                    "{}: the API server lists {} objects, {} were known{}; missing objects are kept until it has"
                            + " listed the same for {} s",
                    name, count, known,
                    ListTrust.older(listVersion, knownVersion)
                            ? ", at version " + listVersion + " after " + knownVersion
                            : "",
                    ListTrust.SUSPECT_LIST_GRACE.toSeconds());
            case ACCEPTED_AFTER_GRACE ->
                    LOG.warn("{}: the API server still lists {} objects; the list is accepted now", name, count);
        }
        switch (judgement.taken()) {
            case REPLACE -> {
                part.replace(listed.objects, listed.since);
                listener.listed(name, listed.mistakes);
                listener.changed();
            }
            case ADD -> {
                part.put(listed.objects, listed.since);
                listener.changed();
            }
            case NOTHING -> {
            }
        }
        return judgement.pauseNanos();
    }

    private void watch() throws IOException {
        Resource<T> wanted = resource;
        if (wanted == null) {
            rules.relist();
            return;
        }
        verb = "watch";
        int seconds = WATCH_SECONDS + random.nextInt(WATCH_SECONDS);
        rules.watchBegins(thread.nanoTime());
        server = client.nextServer();
        try (ObjectStream events = open(client.watch(server, wanted.watchPath(rules.version(), seconds), idleTimeout,
                Duration.ofSeconds(seconds).plus(idleTimeout)), Long.MAX_VALUE)) {
            rules.watchOpened(thread.nanoTime()).ifPresent(this::recovered);
            for (JsonNode event = events.nextEvent(); event != null; event = events.nextEvent()) {
                WatchEvent read = WatchEvent.read(event, wanted.kind(), rules.version());
                handling.during(() -> take(read, wanted));
            }
        } catch (InterruptedIOException e) {
            rules.watchAbandoned();
            throw e;
        } catch (IOException e) {
            String version = rules.version();
            if (rules.watchFailed(failure(e), thread.nanoTime())) {
                throw e;
            }
            LOG.atLevel(client.shouldLogGone(thread.nanoTime()) ? Level.INFO : Level.DEBUG).log(
                    "{}: the API server cannot resume at version {} ({}); listing again, as all reflectors with this failure do",
                    name, version, e.getMessage());
            return;
        }
        if (rules.watchEnded(thread.nanoTime())) {
            throw new IOException("the API server ended the watch at once");
        }
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
        rules.eventReceived(event.version(), thread.nanoTime()).ifPresent(this::recovered);
    }

    private ObjectStream open(InputStream body, long mostBytes) throws IOException {
        open = body;
        if (stopped || rules.listWanted()) {
            body.close();
        }
        return new ObjectStream(body, mostBytes);
    }

    private void recovered(Duration after) {
        client.recovered();
        LOG.info("{}: watching again, after {} s", name, after.toSeconds());
    }

    private static Failure failure(IOException e) {
        return switch (e) {
            case ApiException refused -> new Failure(FailureKind.REFUSED, refused.code(), refused.retryAfter());
            case SilenceException _ -> new Failure(FailureKind.SILENT, 0);
            case SuspectAnswerException _ -> new Failure(FailureKind.SUSPECT, 0);
            case StoreWentBackException _ -> new Failure(FailureKind.WENT_BACK, 0);
            default -> new Failure(FailureKind.BROKEN, 0);
        };
    }

    private void failed(IOException e) {
        if (stopped) {
            return;
        }
        failures.incrementAndGet();
        Failure failure = failure(e);
        String problem = explain(e);
        int addresses = failure.aboutRequest() ? 1 : client.failed(server);
        if (!failure.aboutRequest() && failure.mayNeedCredentials()) {
            client.renew(failure.code() == 401);
        }
        long now = thread.nanoTime();
        ListWatch.Reaction reaction = rules.failed(failure, addresses, problem, now);
        if (reaction.settledNow()) {
            listener.changed();
        }
        if (reaction.pauseNanos() == 0) {
            LOG.debug("{}: {}; trying the next address", name, problem);
        } else if (reaction.mayLog()
                && shouldLog(failure, sameAs(failure, addresses, problem), now)) {
            LOG.warn("{}{}; retrying until it responds",
                    problem + (addresses > 1 ? ", as the last of " + addresses + " addresses" : ""),
                    rules.settled() && part.size() > 0 ? "; the last known state stays in force" : "");
        } else {
            LOG.debug("{}: {}; trying again in {} ms", name, problem,
                    TimeUnit.NANOSECONDS.toMillis(reaction.pauseNanos()));
        }
        pause(reaction.pauseNanos());
    }

    /** The text by which equal failures are recognized: the message of a 410 has another version each time. */
    private String sameAs(Failure failure, int addresses, String problem) {
        return failure.code() == 410 ? "410" : addresses > 1 ? problem.replace(server, "") : problem;
    }

    /** A failure that all reflectors have in common is logged once for all of them. */
    private boolean shouldLog(Failure failure, String sameAs, long now) {
        return rules.shouldLog(sameAs, now)
                && (!failure.aboutServer() || client.shouldLog(sameAs, now, Trouble.REMINDER));
    }

    /** One line for the user: what failed, and what to do. */
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

    private void pause(long nanos) {
        try {
            if (nanos > 0) {
                thread.pause(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
        }
    }
}
