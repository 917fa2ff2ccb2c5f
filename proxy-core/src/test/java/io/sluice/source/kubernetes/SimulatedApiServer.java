package io.sluice.source.kubernetes;

import io.sluice.simulation.Cluster.Item;
import io.sluice.simulation.Cluster.Node;
import io.sluice.simulation.Cluster.Slice;
import io.sluice.simulation.Cluster.Svc;
import io.sluice.simulation.Fiber;
import io.sluice.simulation.World;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An API server and its store. It writes the JSON that a real one writes, in pages and watches, and fails in the ways of its
 * {@link Condition}. Requests run on the fiber of who asks.
 */
public final class SimulatedApiServer {

    /** How it is. */
    public enum Condition {
        WELL,
        /** Nobody listens. */
        DOWN,
        /** 429 with {@code Retry-After}. */
        BUSY,
        /** 500. */
        BROKEN,
        /** 401. */
        UNAUTHORIZED,
        /** Requests are accepted, and no byte comes. */
        SILENT,
        /** Heads and pages come late. */
        SLOW,
        /** Responses break off in the middle. */
        BREAKS_OFF,
        /** Watches break soon. */
        WATCHES_BREAK,
        /** Watches end as soon as they are opened. */
        WATCHES_END,
        /** Watches stay open and bring nothing. */
        WATCHES_DUMB,
        /** No version from before now is known. */
        COMPACTED,
        /** Continue tokens expire before the second page. */
        TOKENS_EXPIRE,
        /** It was started anew and has not read its store. */
        EMPTY,
        /** A page of HTML. */
        HTML,
        /** An empty list of another kind. */
        OTHER_KIND_EMPTY,
        /** A list of another kind, whose items look like those that were asked for. */
        OTHER_KIND,
        /** Watches bring an event of another kind. */
        OTHER_EVENTS
    }

    private static final long SECOND = 1_000_000_000L;
    private static final Pattern FROM = Pattern.compile("[?&]resourceVersion=(\\d*)");
    private static final Pattern TOKEN = Pattern.compile("[?&]continue=(\\d+)");
    private static final Pattern TIMEOUT = Pattern.compile("timeoutSeconds=(\\d+)");
    /** Something of the form of a Service, an EndpointSlice and a Node, and none of them. */
    private static final String FOREIGN_ITEM = """
            {"metadata":{"name":"web","namespace":"green","resourceVersion":"7"},"addressType":"IPv4",\
            "spec":{"replicas":3,"clusterIP":"203.0.113.66","ports":[{"port":80}]},"endpoints":[]}""";

    private record Stored(Item item, long version) {}

    private record Event(long version, ObjectKind kind, String type, Item item) {}

    private record Pages(List<String> items, long version, int from) {}

    private final World world;
    private final RandomGenerator random;
    private final Map<ObjectKind, TreeMap<String, Stored>> store = new EnumMap<>(ObjectKind.class);
    private final List<Event> log = new ArrayList<>();
    private final Map<String, Pages> tokens = new HashMap<>();
    private final List<OpenWatch> watches = new ArrayList<>();
    private long version = 100;
    private long compacted = 100;
    /** How often the store was replaced, and the store that each kind was last told of. */
    private int stores;
    private final Map<ObjectKind, Integer> told = new EnumMap<>(ObjectKind.class);
    private Condition condition = Condition.WELL;
    private int nextToken;

    /** Has no object yet. */
    public SimulatedApiServer(World world) {
        this.world = world;
        this.random = world.random("server");
        for (ObjectKind kind : ObjectKind.values()) {
            store.put(kind, new TreeMap<>());
        }
    }

    private static ObjectKind kind(Item item) {
        return switch (item) {
            case Svc _ -> ObjectKind.SERVICE;
            case Slice _ -> ObjectKind.ENDPOINT_SLICE;
            case Node _ -> ObjectKind.NODE;
        };
    }

    /** Creates or replaces an object. */
    public void put(Item item) {
        version++;
        Stored before = objects(kind(item)).put(item.key(), new Stored(item, version));
        log.add(new Event(version, kind(item), before == null ? "ADDED" : "MODIFIED", item));
        changed();
    }

    /** Deletes an object. */
    public void delete(Item item) {
        if (objects(kind(item)).remove(item.key()) != null) {
            version++;
            log.add(new Event(version, kind(item), "DELETED", item));
            changed();
        }
    }

    /** Goes back to an older store: objects that are younger are gone, at a lower version. Returns what it has now. */
    public List<Item> restoreOlder(int versions) {
        long copy = Math.max(1, version - versions);
        store.values().forEach(objects -> objects.values().removeIf(stored -> stored.version() > copy));
        version = copy;
        compacted = copy;
        stores++;
        log.clear();
        List.copyOf(watches).forEach(watch -> world.after(random.nextLong(SECOND), () -> watch.fail("reset by peer")));
        return items();
    }

    /** All objects. */
    public List<Item> items() {
        return store.values().stream().flatMap(objects -> objects.values().stream()).map(Stored::item).toList();
    }

    /** Changes how it is. */
    public void become(Condition next) {
        condition = next;
        world.note(() -> "API server " + next);
        switch (next) {
            case COMPACTED -> compacted = version;
            case DOWN, EMPTY, HTML, OTHER_KIND, OTHER_KIND_EMPTY ->
                    List.copyOf(watches).forEach(watch -> watch.fail("reset by peer"));
            case WATCHES_BREAK, WATCHES_END -> List.copyOf(watches).forEach(watch -> world
                    .after(random.nextLong(3 * SECOND), () -> watch.fail("broken pipe")));
            case OTHER_EVENTS -> List.copyOf(watches).forEach(watch -> watch.say("""
                    {"type":"ADDED","object":{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web",\
                    "namespace":"green","resourceVersion":"%d"},"spec":{},"addressType":"IPv4"}}"""
                    .formatted(version + 1)));
            default -> {
            }
        }
        if (next == Condition.WELL) {
            changed();
        }
    }

    /** How it is. */
    public Condition condition() {
        return condition;
    }

    private Map<String, Stored> objects(ObjectKind kind) {
        Map<String, Stored> objects = store.get(kind);
        if (objects == null) {
            throw new IllegalStateException("no such kind");
        }
        return objects;
    }

    private void changed() {
        List.copyOf(watches).forEach(watch -> world.after(random.nextLong(SECOND / 30), watch::pump));
    }

    private static ObjectKind kindOf(String path) {
        return path.startsWith("/api/v1/services")
                ? ObjectKind.SERVICE
                : path.startsWith("/api/v1/nodes") ? ObjectKind.NODE : ObjectKind.ENDPOINT_SLICE;
    }

    /** A request of a list, or of a watch, on {@code fiber}. */
    InputStream respond(Fiber fiber, String path, Duration longestSilence) throws IOException {
        fiber.sleep(SECOND / 1000 + random.nextLong(SECOND / 50));
        switch (condition) {
            case DOWN -> throw new IOException("Connection refused");
            case BUSY -> throw new ApiException(429, "too many requests", Duration.ofSeconds(random.nextInt(1, 20)));
            case BROKEN -> throw new ApiException(500, "etcdserver: request timed out");
            case UNAUTHORIZED -> throw new ApiException(401, "Unauthorized");
            case SILENT -> {
                fiber.sleep(longestSilence.toNanos());
                throw new SilenceException(longestSilence);
            }
            case SLOW -> fiber.sleep(random.nextLong(25 * SECOND));
            default -> {
            }
        }
        ObjectKind kind = kindOf(path);
        SimulatedBody body = new SimulatedBody(world, fiber, longestSilence);
        if (path.contains("watch=true")) {
            watch(path, kind, body);
        } else {
            body.add(list(path, kind));
            if (condition == Condition.BREAKS_OFF) {
                body.breakOff(random);
            } else {
                body.end();
            }
        }
        return body;
    }

    private static long number(Pattern pattern, String path, long otherwise) {
        Matcher matcher = pattern.matcher(path);
        return matcher.find() && !matcher.group(1).isEmpty() ? Long.parseLong(matcher.group(1)) : otherwise;
    }

    private String list(String path, ObjectKind kind) throws IOException {
        switch (condition) {
            case HTML -> {
                return "<html><body>Sign in to continue</body></html>";
            }
            case OTHER_KIND_EMPTY -> {
                return head("v1", "ConfigMapList", version + 50, "") + "]}";
            }
            case OTHER_KIND -> {
                return head("apps/v1", "DeploymentList", version + 50, "") + FOREIGN_ITEM + "]}";
            }
            case EMPTY -> {
                return head(kind.apiVersion(), kind.kind() + "List", 1, "") + "]}";
            }
            default -> {
            }
        }
        told.put(kind, stores);
        long token = number(TOKEN, path, -1);
        if (token >= 0 && condition == Condition.TOKENS_EXPIRE) {
            throw new ApiException(410, "The provided continue parameter is too old");
        }
        Pages pages = token >= 0
                ? tokens.remove(Long.toString(token))
                : new Pages(
                        objects(kind).values().stream().map(stored -> stored.item().json(stored.version())).toList(),
                        version, 0);
        if (pages == null) {
            throw new ApiException(410, "The provided continue parameter is not known");
        }
        int size = path.contains("limit=") ? 1 + random.nextInt(6) : pages.items().size();
        int to = Math.min(pages.items().size(), pages.from() + size);
        String next = "";
        if (to < pages.items().size()) {
            next = Integer.toString(nextToken++);
            tokens.put(next, new Pages(pages.items(), pages.version(), to));
        }
        return head(kind.apiVersion(), kind.kind() + "List", pages.version(), next)
                + String.join(",", pages.items().subList(pages.from(), to)) + "]}";
    }

    private static String head(String apiVersion, String kind, long version, String next) {
        return """
                {"kind":"%s","apiVersion":"%s","metadata":{"resourceVersion":"%d","continue":"%s"},"items":["""
                .formatted(kind, apiVersion, version, next);
    }

    private void watch(String path, ObjectKind kind, SimulatedBody body) throws IOException {
        long from = number(FROM, path, 0);
        boolean otherStore = told.getOrDefault(kind, stores) != stores;
        boolean goesBack = from > version && random.nextBoolean();
        switch (condition) {
            case HTML, OTHER_KIND, OTHER_KIND_EMPTY -> {
                body.add("<html><body>Sign in to continue</body></html>");
                body.end();
                return;
            }
            case EMPTY -> throw new ApiException(410, "too old resource version");
            case WATCHES_END -> {
                body.end();
                return;
            }
            default -> {
                if (from < compacted || (from > version || otherStore) && !goesBack) {
                    throw new ApiException(410, "too old resource version: " + from + " (" + compacted + ")");
                }
            }
        }
        OpenWatch watch = new OpenWatch(kind, body, Math.min(from, version));
        watches.add(watch);
        world.after(number(TIMEOUT, path, 300) * SECOND, watch::end);
        world.after(SECOND / 10, goesBack ? () -> watch.goBack(from) : watch::pump);
        world.after(60 * SECOND, watch::bookmarks);
        if (condition == Condition.WATCHES_BREAK) {
            world.after(random.nextLong(3 * SECOND), () -> watch.fail("broken pipe"));
        }
    }

    /** Answers for a fiber, by way of its locator. */
    ApiRequests requests(Fiber fiber, ApiServerLocator locator, ServerCheck servers) {
        return new SimulatedRequests(this, world, fiber, locator, servers);
    }

    /** Looks at where a request goes. */
    @FunctionalInterface
    interface ServerCheck {
        void asks(String server);
    }

    /** A watch that is open. */
    private final class OpenWatch {

        private final ObjectKind kind;
        private final SimulatedBody body;
        private long seen;

        OpenWatch(ObjectKind kind, SimulatedBody body, long from) {
            this.kind = kind;
            this.body = body;
            this.seen = from;
        }

        private boolean open() {
            return watches.contains(this) && !body.closed();
        }

        private boolean speaks() {
            return switch (condition) {
                case SILENT, WATCHES_DUMB, DOWN, EMPTY, HTML, OTHER_KIND, OTHER_KIND_EMPTY -> false;
                default -> open();
            };
        }

        void pump() {
            if (speaks()) {
                for (Event event : List.copyOf(log)) {
                    if (event.version() > seen && event.kind() == kind) {
                        say("{\"type\":\"%s\",\"object\":%s}".formatted(event.type(),
                                event.item().json(event.version())));
                        seen = event.version();
                    }
                }
            }
        }

        /** Says that the store is at an older version, if it still is. */
        void goBack(long from) {
            if (version >= from) {
                fail("reset by peer");
            } else {
                told.put(kind, stores);
                bookmark();
            }
        }

        void bookmark() {
            if (speaks()) {
                pump();
                seen = version;
                say("""
                        {"type":"BOOKMARK","object":{"kind":"%s","apiVersion":"%s","metadata":{"resourceVersion":"%d"}}}"""
                        .formatted(kind.kind(), kind.apiVersion(), version));
            }
        }

        void bookmarks() {
            if (open()) {
                bookmark();
                world.after(60 * SECOND, this::bookmarks);
            }
        }

        void say(String event) {
            body.add(event + "\n");
        }

        void end() {
            if (watches.remove(this)) {
                body.end();
            }
        }

        void fail(@Nullable String why) {
            if (watches.remove(this)) {
                body.fail(new IOException(why));
            }
        }
    }
}
