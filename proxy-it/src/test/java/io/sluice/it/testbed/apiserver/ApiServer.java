package io.sluice.it.testbed.apiserver;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * As much of a Kubernetes API server as a proxy and {@code kubectl get}, {@code create}, {@code replace}, {@code patch}
 * and {@code delete} need: discovery, lists in pages, watches with bookmarks, selectors; and the faults that real ones
 * have. A bearer token is wanted only if it is told so.
 */
public final class ApiServer implements Closeable {

    public static final JsonMapper JSON = JsonMapper.builder().build();

    private static final String SLICES = "endpointslices";

    /** What can be listed: group and version by resource. */
    private static final Map<String,
            Kind> KINDS = new TreeMap<>(Map.of("services", new Kind("v1", "Service", "svc", true),
                    "endpoints", new Kind("v1", "Endpoints", "ep", true), "nodes", new Kind("v1", "Node", "no", false),
                    "namespaces", new Kind("v1", "Namespace", "ns", false), SLICES,
                    new Kind("discovery.k8s.io/v1", "EndpointSlice", "", true)));

    private record Kind(String version, String name, String shortName, boolean namespaced) {}

    /** What a watch or a list is to suffer. */
    public enum Fault {
        /** Lists and new watches are answered with 500. */
        ERROR_500,
        /** Events stop in the middle and the connection breaks. */
        HALF_SENT,
        /** Lists break off after half of what they have. */
        HALF_LISTED,
        /** Every byte takes a while. */
        DRIP,
        /** Connections stay open and nothing more comes, no event and no bookmark. */
        BLACK_HOLE,
        /** Every watch ends with 410 Gone at once. */
        GONE
    }

    private final Map<String, Integer> refused = new ConcurrentHashMap<>();
    private final Map<String, String> lies = new ConcurrentHashMap<>();
    private final Map<String, Duration> delays = new ConcurrentHashMap<>();
    private final Set<Fault> faults = ConcurrentHashMap.newKeySet();
    private final AtomicInteger lists = new AtomicInteger();
    private final AtomicInteger watches = new AtomicInteger();
    private final Optional<SSLContext> tls;
    /** For the first start. */
    private @Nullable HttpServer bound;
    private volatile ApiStore store = new ApiStore(1000);
    private volatile Duration bookmarkInterval = Duration.ofSeconds(1);
    private volatile int largestPage = 500;
    private volatile boolean hasSlices = true;
    private volatile String token = "";
    private final AtomicInteger watchGeneration = new AtomicInteger();
    private volatile int port;
    private volatile HttpServer http;
    private volatile ExecutorService threads;

    /** At loopback; port 0 for any. */
    public ApiServer(int port) throws IOException {
        this(port, Optional.empty());
    }

    /** The same over TLS, if it is given the means. */
    public ApiServer(int port, Optional<SSLContext> tls) throws IOException {
        this.port = port;
        this.tls = tls;
        start();
    }

    /** With a server that is bound and not started: its socket may be another network namespace's, its threads are not. */
    public ApiServer(HttpServer bound) throws IOException {
        this.port = bound.getAddress().getPort();
        this.tls = Optional.empty();
        this.bound = bound;
        start();
    }

    /** {@code http://127.0.0.1:port}, or https. */
    public String url() {
        return (tls.isPresent() ? "https" : "http") + "://127.0.0.1:" + port;
    }

    public ApiStore store() {
        return store;
    }

    /** Accepts connections; not while it does already. */
    public void start() throws IOException {
        ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
        HttpServer server;
        try {
            InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
            if (bound != null) {
                server = bound;
                bound = null;
            } else if (tls.isPresent()) {
                HttpsServer secure = HttpsServer.create(address, 0);
                secure.setHttpsConfigurator(new HttpsConfigurator(tls.get()));
                server = secure;
            } else {
                server = HttpServer.create(address, 0);
            }
        } catch (BindException e) {
            workers.close();
            throw e;
        }
        server.setExecutor(workers);
        server.createContext("/", this::handle);
        server.start();
        port = server.getAddress().getPort();
        http = server;
        threads = workers;
    }

    /** Refuses connections and breaks those that are open. */
    public void stop() {
        watchGeneration.incrementAndGet();
        http.stop(0);
        threads.shutdownNow();
    }

    /** Comes back as another server with nothing in it, whose versions begin again. */
    public void forgetEverything() {
        store = new ApiStore(1);
    }

    /** Gives back everything that {@code earlier} had, at versions of this life. */
    public void restore(ApiStore earlier) {
        KINDS.keySet().forEach(resource -> earlier.list(resource, object -> true).objects()
                .forEach(object -> store.put(resource, object.deepCopy())));
    }

    public void fault(Fault fault, boolean on) {
        if (on) {
            faults.add(fault);
        } else {
            faults.remove(fault);
        }
    }

    /** Breaks every open watch. */
    public void dropWatches() {
        watchGeneration.incrementAndGet();
    }

    /** Answers requests for {@code resource} with {@code status} from now on; 0 for no more. */
    public void refuse(String resource, int status) {
        if (status == 0) {
            refused.remove(resource);
        } else {
            refused.put(resource, status);
        }
    }

    /** The same for watches alone. */
    public void refuseWatches(String resource, int status) {
        refuse("watch " + resource, status);
    }

    /** Answers lists of {@code resource} with {@code body}, whatever it is, from now on; empty for no more. */
    public void lie(String resource, String body) {
        lies.put(resource, body);
    }

    /** Says {@code line} in each watch of {@code resource}, over and over; empty for no more. */
    public void lieInWatches(String resource, String line) {
        lies.put("watch " + resource, line);
    }

    /** Takes so long to begin a list of {@code resource}. */
    public void delay(String resource, Duration time) {
        delays.put(resource, time);
    }

    /** Wants {@code Authorization: Bearer value}; empty for nothing. */
    public void wantToken(String value) {
        token = value;
    }

    public void bookmarkInterval(Duration interval) {
        bookmarkInterval = interval;
    }

    public void largestPage(int objects) {
        largestPage = objects;
    }

    /** Whether {@code discovery.k8s.io} is served. */
    public void hasSlices(boolean served) {
        hasSlices = served;
    }

    /** How many first pages of lists were answered. */
    public int lists() {
        return lists.get();
    }

    /** How many watches are open. */
    public int watches() {
        return watches.get();
    }

    /** Stores an object of any kind that is known here. */
    public void apply(String json) {
        apply((ObjectNode) JSON.readTree(json));
    }

    void apply(ObjectNode object) {
        String kind = object.path("kind").asString("");
        String resource = KINDS.entrySet().stream().filter(entry -> entry.getValue().name().equals(kind)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such kind: " + kind)).getKey();
        complete(object, resource, "default");
        store.put(resource, object);
    }

    public void delete(String resource, String namespace, String name) {
        store.delete(resource, namespace, name);
    }

    @Override
    public void close() {
        stop();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try {
            answer(exchange);
        } catch (RuntimeException e) {
            status(exchange, 400, "BadRequest", String.valueOf(e.getMessage()));
        } finally {
            exchange.close();
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (faults.contains(Fault.BLACK_HOLE)) {
            sleepWhile(Fault.BLACK_HOLE);
            return;
        }
        if (!token.isEmpty()
                && !("Bearer " + token).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            status(exchange, 401, "Unauthorized", "Unauthorized");
            return;
        }
        JsonNode discovery = discovery(path);
        if (discovery != null) {
            send(exchange, 200, discovery);
            return;
        }
        String rest = path.startsWith("/api/v1/")
                ? path.substring("/api/v1/".length())
                : hasSlices && path.startsWith("/apis/discovery.k8s.io/v1/")
                        ? path.substring("/apis/discovery.k8s.io/v1/".length())
                : "";
        List<String> parts = List.of(rest.split("/", -1));
        String namespace = "";
        if (parts.size() >= 3 && parts.getFirst().equals("namespaces")) {
            namespace = parts.get(1);
            parts = parts.subList(2, parts.size());
        }
        Kind kind = KINDS.get(parts.getFirst());
        boolean ofGroup = kind != null && kind.version().equals("v1") == path.startsWith("/api/v1/");
        if (!ofGroup || parts.size() > 2) {
            status(exchange, 404, "NotFound", "the server could not find the requested resource");
            return;
        }
        String resource = parts.getFirst();
        Map<String, String> query = Selection.of(exchange);
        boolean watched = query.getOrDefault("watch", "").matches("true|1");
        Integer refusal = refused.getOrDefault(resource, watched ? refused.get("watch " + resource) : null);
        if (refusal != null) {
            status(exchange, refusal, "Forbidden", resource + " is forbidden: User \"sluice\" cannot "
                    + (watched ? "watch" : "list") + " resource \"" + resource
                    + "\" in API group \"\" at the cluster scope");
            return;
        }
        if (parts.size() == 2) {
            one(exchange, resource, namespace, parts.get(1));
        } else if (exchange.getRequestMethod().equals("POST")) {
            ObjectNode object = (ObjectNode) JSON.readTree(exchange.getRequestBody());
            complete(object, resource, namespace);
            send(exchange, 201, store.put(resource, object));
        } else if (watched) {
            watch(exchange, resource, namespace, query);
        } else {
            list(exchange, resource, namespace, query);
        }
    }

    private JsonNode discovery(String path) {
        return switch (path) {
            case "/version" -> JSON.readTree(
                    "{\"major\":\"1\",\"minor\":\"34\",\"gitVersion\":\"v1.34.0\",\"platform\":\"linux/amd64\"}");
            case "/api" -> JSON.readTree("{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}");
            case "/apis" -> JSON.readTree("{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":["
                    + (hasSlices
                            ? "{\"name\":\"discovery.k8s.io\",\"versions\":[{\"groupVersion\":\"discovery.k8s.io/v1\","
                                    + "\"version\":\"v1\"}],\"preferredVersion\":{\"groupVersion\":"
                                    + "\"discovery.k8s.io/v1\",\"version\":\"v1\"}}"
                            : "")
                    + "]}");
            case "/api/v1" -> resources("v1");
            case "/apis/discovery.k8s.io/v1" -> hasSlices ? resources("discovery.k8s.io/v1") : null;
            default -> null;
        };
    }

    private static JsonNode resources(String version) {
        ObjectNode list = JSON.createObjectNode().put("kind", "APIResourceList").put("groupVersion", version);
        ArrayNode resources = list.putArray("resources");
        KINDS.forEach((resource, kind) -> {
            if (kind.version().equals(version)) {
                ObjectNode entry = resources.addObject().put("name", resource)
                        .put("singularName", kind.name().toLowerCase(Locale.ROOT))
                        .put("namespaced", kind.namespaced()).put("kind", kind.name());
                ArrayNode verbs = entry.putArray("verbs");
                List.of("create", "delete", "get", "list", "patch", "update", "watch").forEach(verbs::add);
                if (!kind.shortName().isEmpty()) {
                    entry.putArray("shortNames").add(kind.shortName());
                }
            }
        });
        return list;
    }

    private void one(HttpExchange exchange, String resource, String namespace, String name) throws IOException {
        ObjectNode known = store.get(resource, namespace, name).orElse(null);
        if (known == null) {
            status(exchange, 404, "NotFound", resource + " \"" + name + "\" not found");
            return;
        }
        switch (exchange.getRequestMethod()) {
            case "PUT" -> {
                ObjectNode object = (ObjectNode) JSON.readTree(exchange.getRequestBody());
                complete(object, resource, namespace);
                send(exchange, 200, store.put(resource, object));
            }
            case "PATCH" -> {
                ObjectNode object = known.deepCopy();
                merge(object, (ObjectNode) JSON.readTree(exchange.getRequestBody()));
                send(exchange, 200, store.put(resource, object));
            }
            case "DELETE" -> {
                store.delete(resource, namespace, name);
                send(exchange, 200,
                        JSON.readTree("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Success\"}"));
            }
            default -> send(exchange, 200,
                    Tables.wanted(exchange) ? Tables.of(resource, known.path("metadata"), List.of(known)) : known);
        }
    }

    /** RFC 7396. */
    private static void merge(ObjectNode into, ObjectNode patch) {
        patch.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            if (value.isNull()) {
                into.remove(entry.getKey());
            } else if (value instanceof ObjectNode object && into.get(entry.getKey()) instanceof ObjectNode known) {
                merge(known, object);
            } else {
                into.set(entry.getKey(), value);
            }
        });
    }

    private static void complete(ObjectNode object, String resource, String namespace) {
        Kind kind = KINDS.get(resource);
        object.put("apiVersion", kind.version()).put("kind", kind.name());
        ObjectNode metadata = object.withObject("metadata");
        if (kind.namespaced() && !metadata.has("namespace")) {
            metadata.put("namespace", namespace);
        }
        if (!metadata.has("creationTimestamp")) {
            metadata.put("creationTimestamp", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        }
        if (!metadata.has("uid")) {
            metadata.put("uid", UUID.randomUUID().toString());
        }
        metadata.putArray("managedFields").addObject().put("manager", "the-tests").put("operation", "Update");
    }

    private void list(HttpExchange exchange, String resource, String namespace, Map<String, String> query)
            throws IOException {
        if (faults.contains(Fault.ERROR_500)) {
            status(exchange, 500, "InternalError", "etcdserver: request timed out");
            return;
        }
        if (delays.containsKey(resource)) {
            pause(delays.get(resource));
        }
        String lie = lies.getOrDefault(resource, "");
        if (!lie.isEmpty()) {
            lists.incrementAndGet();
            exchange.sendResponseHeaders(200, 0);
            print(exchange.getResponseBody(), lie);
            return;
        }
        ApiStore.Listing listing = store.list(resource, Selection.wanted(namespace, query));
        String from = query.getOrDefault("continue", "");
        int limit = Math.min(largestPage, Integer.parseInt(query.getOrDefault("limit", "1000000")));
        int first = from.isEmpty() ? 0 : Integer.parseInt(from.split(":", -1)[1]);
        long version = from.isEmpty() ? listing.version() : Long.parseLong(from.split(":", -1)[0]);
        if (from.isEmpty()) {
            lists.incrementAndGet();
        }
        List<ObjectNode> page =
                listing.objects().subList(Math.min(first, listing.objects().size()),
                        Math.min(first + limit, listing.objects().size()));
        ObjectNode metadata = JSON.createObjectNode().put("resourceVersion", Long.toString(version));
        if (first + limit < listing.objects().size()) {
            metadata.put("continue", version + ":" + (first + limit));
        }
        if (Tables.wanted(exchange)) {
            send(exchange, 200, Tables.of(resource, metadata, page));
            return;
        }
        Kind kind = KINDS.get(resource);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, 0);
        OutputStream out = new BufferedOutputStream(exchange.getResponseBody(), 64 * 1024);
        print(out, "{\"kind\":\"" + kind.name() + "List\",\"apiVersion\":\"" + kind.version() + "\",\"metadata\":"
                + metadata + ",\"items\":[");
        String separator = "";
        int half = page.size() / 2;
        for (ObjectNode object : page) {
            if (faults.contains(Fault.HALF_LISTED) && half-- == 0) {
                out.flush();
                throw new IOException("cut off, as told");
            }
            print(out, separator + object);
            separator = ",";
        }
        print(out, "]}\n");
        out.close();
    }

    private void watch(HttpExchange exchange, String resource, String namespace, Map<String, String> query)
            throws IOException {
        if (faults.contains(Fault.ERROR_500)) {
            status(exchange, 500, "InternalError", "etcdserver: no leader");
            return;
        }
        ApiStore watched = store;
        int generation = watchGeneration.get();
        String given = query.getOrDefault("resourceVersion", "");
        long from = given.isEmpty() || given.equals("0") ? watched.version() : Long.parseLong(given);
        if (!watched.knows(from)) {
            status(exchange, 410, "Expired", "too old resource version: " + from);
            return;
        }
        Predicate<ObjectNode> wanted = Selection.wanted(namespace, query);
        boolean table = Tables.wanted(exchange);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, 0);
        OutputStream out = exchange.getResponseBody();
        out.flush();
        watches.incrementAndGet();
        try {
            Instant end = Instant.now().plusSeconds(Long.parseLong(query.getOrDefault("timeoutSeconds", "600")));
            Instant bookmark = Instant.now().plus(bookmarkInterval);
            while (generation == watchGeneration.get() && watched == store && Instant.now().isBefore(end)) {
                if (faults.contains(Fault.BLACK_HOLE)) {
                    sleepWhile(Fault.BLACK_HOLE);
                    return;
                }
                if (faults.contains(Fault.GONE)) {
                    write(out, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":"
                            + "\"Failure\",\"reason\":\"Expired\",\"code\":410,\"message\":\"too old resource version\"}}\n");
                    out.close();
                    return;
                }
                String lie = lies.getOrDefault("watch " + resource, "");
                if (!lie.isEmpty()) {
                    write(out, lie + "\n");
                }
                for (ApiStore.Event event : watched.after(from, Duration.ofMillis(50))) {
                    from = event.version();
                    if (event.resource().equals(resource) && wanted.test(event.object())) {
                        JsonNode object = table
                                ? Tables.of(resource, event.object().path("metadata"), List.of(event.object()))
                                : event.object();
                        event(out, "{\"type\":\"" + event.type() + "\",\"object\":" + object + "}\n");
                    }
                }
                if (bookmark.isBefore(Instant.now()) && "true".equals(query.get("allowWatchBookmarks"))) {
                    bookmark = Instant.now().plus(bookmarkInterval);
                    Kind kind = KINDS.get(resource);
                    event(out, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"" + kind.name() + "\",\"apiVersion\":\""
                            + kind.version() + "\",\"metadata\":{\"resourceVersion\":\"" + from + "\"}}}\n");
                }
            }
            if (generation == watchGeneration.get() && watched == store) {
                out.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            watches.decrementAndGet();
        }
    }

    private void event(OutputStream out, String line) throws IOException, InterruptedException {
        if (faults.contains(Fault.HALF_SENT)) {
            write(out, line.substring(0, line.length() / 2));
            throw new IOException("cut off, as told");
        }
        if (faults.contains(Fault.DRIP)) {
            for (byte one : line.getBytes(StandardCharsets.UTF_8)) {
                out.write(one);
                out.flush();
                Thread.sleep(1);
            }
            return;
        }
        write(out, line);
    }

    private void sleepWhile(Fault fault) {
        while (faults.contains(fault) && !Thread.currentThread().isInterrupted()) {
            pause(Duration.ofMillis(50));
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void status(HttpExchange exchange, int code, String reason, String message) throws IOException {
        send(exchange, code, JSON.createObjectNode().put("kind", "Status").put("apiVersion", "v1")
                .put("status", "Failure").put("message", message).put("reason", reason).put("code", code));
    }

    private static void send(HttpExchange exchange, int code, JsonNode body) throws IOException {
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(code, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private static void print(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void write(OutputStream out, String text) throws IOException {
        print(out, text);
        out.flush();
    }
}
