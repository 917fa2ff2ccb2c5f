package io.sluice.source.kubernetes;

import io.sluice.liveness.FatalErrors;
import io.sluice.liveness.Faults;
import io.sluice.liveness.Watched;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.source.Activity;
import io.sluice.source.Freshness;
import io.sluice.source.InputFile;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ServiceSource;
import io.sluice.source.SnapshotConsumer;
import io.sluice.source.SourceException;
import io.sluice.source.SourceThread;
import io.sluice.source.kubernetes.StateFile.State;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Services from a Kubernetes API server: what kube-proxy watches, as snapshots.
 *
 * <p>Three watches put what they hear into one view; one thread, {@code sluice-kubernetes}, takes snapshots out of it and
 * hands them on, the first when all three have listed everything. While the API server is away the last state stays in
 * force, for ever; with a state file it is also what a new process begins with. Once the view shows that the server's
 * configured address is one of a Service, which this node itself may have to serve, the server is asked at the real
 * addresses behind it.
 */
public final class KubernetesSource implements ServiceSource {

    private static final Logger LOG = LoggerFactory.getLogger(KubernetesSource.class);

    private static final Duration SAVE_INTERVAL = Duration.ofSeconds(10);
    private static final int SHOWN_PROBLEMS = 100;
    /** Servers are upgraded while we watch them. */
    private static final Duration VERSION_INTERVAL = Duration.ofMinutes(10);
    private static final Duration VERSION_RETRY = Duration.ofSeconds(30);
    private static final int MOST_VERSION_FIELDS = 20;

    private final KubernetesOptions options;
    private final Path serviceAccount;
    private final boolean everyNode;
    private final ApiObserver observer;
    private final EndpointReader endpointReader;
    private final ClusterView view;
    private final Semaphore changes = new Semaphore(0);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Map<String, Map<ObjectKey, List<String>>> mistakes = new ConcurrentHashMap<>();
    private final Activity merging = new Activity("sluice-kubernetes");
    private volatile List<SourceThread> threads = List.of();

    private volatile @Nullable Watches watches;
    private volatile boolean handedOn;
    private volatile @Nullable String mergeFault;
    private volatile @Nullable State servedState;
    private volatile boolean closed;
    private @Nullable StateFile stateFile;
    private volatile boolean unsaved;
    private volatile boolean saving;
    private volatile long saveAgainNanos = System.nanoTime();
    private @Nullable String saveTrouble;
    private long version;
    private volatile long versionWantedNanos = System.nanoTime();

    /** What exists once the credentials are known. */
    private record Watches(ApiClient client, Reflector<Service> services, Reflector<EndpointGroups> endpoints,
            Reflector<NodeFacts> node) {
        List<Reflector<?>> all() {
            return List.of(services, endpoints, node);
        }
    }

    /**
     * Reads and connects to nothing yet; {@code observer} hears of each request.
     *
     * @param everyNode whether the addresses of all nodes matter: their Nodes are watched then, and not this node's alone
     */
    public KubernetesSource(KubernetesOptions options, boolean everyNode, ApiObserver observer) {
        this(options, Credentials.SERVICE_ACCOUNT, everyNode, observer);
    }

    KubernetesSource(KubernetesOptions options, Path serviceAccount, boolean everyNode, ApiObserver observer) {
        this.options = options;
        this.everyNode = everyNode;
        this.serviceAccount = serviceAccount;
        this.observer = observer;
        this.endpointReader = new EndpointReader(options.loopbackEndpoints(), Instant.now());
        this.view = new ClusterView(options.nodeName());
    }

    /**
     * {@inheritDoc}
     *
     * <p>Returns before the API server was asked; but what a state file holds is handed over before it returns. A server
     * that is out of reach or refuses us is no error: it is asked until it answers, as kube-proxy does.
     *
     * @throws SourceException if the kubeconfig cannot be used or there is none
     */
    @Override
    public void start(SnapshotConsumer consumer) throws SourceException {
        ApiClient client = new ApiClient(options, serviceAccount, observer);
        Watches started = new Watches(client,
                new Reflector<>("services", _ -> services(), client, view.services(), listener,
                        options.watchIdleTimeout(),
                        false),
                new Reflector<>("endpoints", server -> endpoints(client, server), client, view.endpoints(), listener,
                        options.watchIdleTimeout(), false),
                new Reflector<>("node", _ -> node(), client, view.node(), listener, options.watchIdleTimeout(), true));
        LOG.info("Services come from {} ({}); this is node {}", client.server(), client.origin(), options.nodeName());
        view.configuredServers(ServerAddresses.written(client.server()));
        Thread.ofVirtual().name("sluice-server-address").start(() -> lookUpServer(client));
        options.stateFile().ifPresent(file -> {
            stateFile = new StateFile(file, () -> closed);
            readState(file, stateFile, started, consumer);
        });
        watches = started;
        merging.livesOn(started("sluice-kubernetes", () -> handOn(consumer, started)));
        threads = List.of(new SourceThread(started("sluice-watch-services", started.services())),
                new SourceThread(started("sluice-watch-endpoints", started.endpoints())),
                new SourceThread(started("sluice-watch-node", started.node())));
    }

    private static Thread started(String name, Runnable life) {
        return Thread.ofPlatform().name(name).daemon().start(FatalErrors.vital(life));
    }

    @Override
    public List<? extends Watched> threads() {
        List<Watched> all = new ArrayList<>(threads);
        all.add(merging);
        return all;
    }

    @Override
    public void refresh() {
        Watches running = watches;
        if (running != null) {
            running.all().forEach(Reflector::refresh);
        }
    }

    @Override
    public boolean nodeEligible() {
        return !view.leaving();
    }

    @Override
    public ChangeCount waiting() {
        return view.waiting();
    }

    @Override
    public Freshness freshness() {
        Watches running = watches;
        List<ResourceFreshness> resources =
                running == null ? NOT_STARTED : running.all().stream().map(Reflector::freshness).toList();
        State served = servedState;
        String stalled = stalled();
        boolean current = running != null && handedOn && served == null && stalled == null
                && running.all().stream().allMatch(Reflector::current);
        Instant asOf = served != null
                ? served.savedAt()
                : handedOn
                        ? resources.stream().map(ResourceFreshness::lastHeard).filter(Objects::nonNull)
                                .min(Instant::compareTo).orElse(null)
                : null;
        return new Freshness(handedOn, current, asOf, detail(running, resources, served, current, stalled),
                problems(resources),
                resources);
    }

    private static final List<ResourceFreshness> NOT_STARTED = List.of("services", "endpoints", "node").stream()
            .map(name -> new ResourceFreshness(name, ResourceFreshness.WatchState.WAITING, null, "", 0, 0, 0, null))
            .toList();

    /** Why nothing that the server says would be handed on, or even heard; null if it is. */
    private @Nullable String stalled() {
        List<String> ended = threads.stream().filter(SourceThread::ended).map(SourceThread::name).toList();
        if (merging.ended() || !ended.isEmpty()) {
            return "the thread " + (ended.isEmpty() ? merging.name() : ended.getFirst()) + " has ended";
        }
        return merging.lateSince().map(since -> "merging changes since " + since.truncatedTo(ChronoUnit.SECONDS)
                + (handedOn ? ", the last known state is in force" : "")).orElse(mergeFault);
    }

    private String detail(@Nullable Watches running, List<ResourceFreshness> resources, @Nullable State served,
            boolean current, @Nullable String stalled) {
        if (running == null) {
            return "not started yet";
        }
        if (stalled != null) {
            return stalled;
        }
        String server = running.client().currentServer();
        if (served != null) {
            return "serving the state of " + served.savedAt() + " from " + options.stateFile().orElseThrow()
                    + " until " + server + " has listed everything";
        }
        if (!handedOn) {
            return "waiting until " + server + " has listed "
                    + String.join(", ", resources.stream().filter(r -> r.lists() == 0).map(ResourceFreshness::resource)
                            .toList());
        }
        return current ? "watching " + server
                : "serving the last known state; " + server + " is out of reach, silent or not believed";
    }

    private List<Problem> problems(List<ResourceFreshness> resources) {
        List<Problem> problems = new ArrayList<>();
        for (ResourceFreshness resource : resources) {
            String problem = resource.problem();
            if (problem != null) {
                problems.add(new Problem(Severity.WARNING, resource.resource(), "", problem));
            }
        }
        mistakes.forEach((resource, objects) -> new TreeMap<>(byName(objects)).forEach((key, found) -> {
            for (String mistake : found) {
                if (problems.size() < SHOWN_PROBLEMS) {
                    problems.add(new Problem(Severity.WARNING, resource, key, mistake));
                }
            }
        }));
        return problems;
    }

    private static Map<String, List<String>> byName(Map<ObjectKey, List<String>> objects) {
        Map<String, List<String>> named = new HashMap<>();
        objects.forEach((key, found) -> named.put(key.toString(), found));
        return named;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Watches running = watches;
        if (running != null) {
            running.all().forEach(Reflector::stop);
            changes.release();
            try {
                if (!ended.await(10, TimeUnit.SECONDS)) {
                    LOG.warn("the state is still being written; not waiting for the end of it");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            running.client().close();
        }
    }

    private Resource<Service> services() {
        return Resource.labelled(ObjectKind.SERVICE, "/api/v1/services", "services", NOT_FOR_OTHERS,
                ServiceReader::read);
    }

    private Resource<NodeFacts> node() {
        return everyNode
                ? Resource.all(ObjectKind.NODE, "/api/v1/nodes", "nodes", NodeReader::read)
                : Resource.named(ObjectKind.NODE, "/api/v1/nodes", "nodes", options.nodeName(), NodeReader::read);
    }

    private static final String NOT_FOR_OTHERS = "!service.kubernetes.io/service-proxy-name";

    private Resource<EndpointGroups> endpoints(ApiClient client, String server) throws IOException {
        boolean slices = switch (options.endpointsFrom()) {
            case ENDPOINTSLICES -> true;
            case ENDPOINTS -> false;
            case AUTO -> hasSlices(client, server);
        };
        String wanted = options.headless() ? NOT_FOR_OTHERS : "!service.kubernetes.io/headless," + NOT_FOR_OTHERS;
        return slices
                ? Resource.labelled(ObjectKind.ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1/endpointslices",
                        "endpointslices.discovery.k8s.io", wanted, endpointReader::slice)
                : Resource.labelled(ObjectKind.ENDPOINTS, "/api/v1/endpoints", "endpoints", wanted,
                        endpointReader::endpoints);
    }

    private static boolean hasSlices(ApiClient client, String server) throws IOException {
        try {
            JsonNode group = client.object(server, "/apis/discovery.k8s.io/v1");
            if (!group.path("kind").asString("").equals("APIResourceList")) {
                throw new SuspectAnswerException("is " + ObjectKind.said(group.path("kind"))
                        + " where the APIResourceList of discovery.k8s.io/v1 was asked for");
            }
            for (JsonNode resource : group.path("resources").values()) {
                if (resource.path("name").asString("").equals("endpointslices")) {
                    return true;
                }
            }
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
        LOG.info("the API server has no EndpointSlices: endpoints come from Endpoints");
        return false;
    }

    private final Reflector.Listener listener = new Reflector.Listener() {
        @Override
        public void changed() {
            changes.release();
        }

        @Override
        public void mistakes(String resource, ObjectKey key, List<String> found) {
            Map<ObjectKey, List<String>> known = mistakes.computeIfAbsent(resource, r -> new ConcurrentHashMap<>());
            List<String> before = found.isEmpty() ? known.remove(key) : known.put(key, found);
            if (!found.isEmpty() && !found.equals(before)) {
                LOG.warn("{} {}: {}", resource, key, String.join("; ", found));
            }
        }

        @Override
        public void listed(String resource, Map<ObjectKey, List<String>> found) {
            Map<ObjectKey, List<String>> known = mistakes.computeIfAbsent(resource, r -> new ConcurrentHashMap<>());
            known.keySet().retainAll(found.keySet());
            found.forEach((key, list) -> mistakes(resource, key, list));
        }
    };

    private void readState(Path path, StateFile file, Watches started, SnapshotConsumer consumer) {
        Optional<State> read;
        try {
            read = file.read(endpointReader::slice);
        } catch (IOException e) {
            LOG.warn("the state file {} {}; starting without it", path, e.getMessage());
            return;
        }
        if (read.isEmpty()) {
            return;
        }
        State state = read.get();
        if (!state.server().equals(started.client().server())) {
            LOG.warn("the state file {} is of another API server, {}; starting without it", path, state.server());
            return;
        }
        ClusterView saved = new ClusterView(options.nodeName());
        Map<ObjectKey, Service> services = new HashMap<>();
        state.contents().services().forEach(
                service -> services.put(new ObjectKey(service.name().namespace(), service.name().name()), service));
        saved.services().put(services);
        saved.endpoints().put(state.contents().groups());
        Map<ObjectKey, NodeFacts> nodes = new HashMap<>();
        state.contents().nodes().forEach((name, node) -> nodes.put(new ObjectKey("", name), node));
        saved.node().put(nodes);
        saved.configuredServers(ServerAddresses.written(started.client().server()));
        ClusterSnapshot snapshot = saved.snapshotIfChanged(++version, state.savedAt());
        if (snapshot != null) {
            LOG.warn("serving the state of {} from {} until the API server has listed everything", state.savedAt(),
                    path);
            servedState = state;
            started.services().expect(services.size(), state.servicesVersion());
            started.endpoints().expect(state.contents().groups().size(), state.endpointsVersion());
            started.client().locator().remembered(snapshot.services().get(ApiServerLocator.SERVICE));
            handedOn = true;
            consumer.accept(snapshot);
        }
    }

    /** The thread that takes snapshots out of the view. */
    private void handOn(SnapshotConsumer consumer, Watches running) {
        Pace pace = new Pace();
        try {
            while (!closed) {
                boolean change = changes.tryAcquire(1, TimeUnit.SECONDS);
                if (change && !closed) {
                    TimeUnit.NANOSECONDS.sleep(pace.waitNanos(System.nanoTime()));
                    changes.drainPermits();
                    merging.during(() -> handOnIfSettled(consumer, running, pace));
                }
                if (handedOn && servedState == null && System.nanoTime() - versionWantedNanos >= 0) {
                    versionWantedNanos = System.nanoTime() + VERSION_INTERVAL.toNanos();
                    Thread.ofVirtual().name("sluice-version").start(() -> {
                        askVersion(running.client());
                        lookUpServer(running.client());
                    });
                }
                saveSoon(running);
            }
            awaitSaved();
            save(running);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    /** A fault of this program must not end the following unseen: it is reported, and tried again a second later. */
    private void handOnIfSettled(SnapshotConsumer consumer, Watches running, Pace pace) {
        try {
            if (running.all().stream().allMatch(Reflector::settled) && handOn(consumer, running, pace)) {
                unsaved = true;
            }
            mergeFault = null;
        } catch (RuntimeException | Error e) {
            Faults.report("merging what the API server says", e);
            mergeFault = "merging changes failed: " + e;
            pace.handedOn(System.nanoTime());
            changes.release();
        }
    }

    /** No Service may have the server's address as an external one; a name may come to others one day. */
    private void lookUpServer(ApiClient client) {
        try {
            view.configuredServers(ServerAddresses.lookUp(client.server()));
            changes.release();
        } catch (UnknownHostException e) {
            LOG.debug("the API server's name is not known at the moment: {}", e.getMessage());
        }
    }

    /** Nothing depends on the answer; it is only shown. */
    private void askVersion(ApiClient client) {
        try {
            Map<String, String> said = new HashMap<>();
            client.object(client.nextServer(), "/version").properties().stream().limit(MOST_VERSION_FIELDS)
                    .forEach(field -> said.put(ApiException.line(field.getKey()),
                            ApiException.line(field.getValue().asString(""))));
            observer.serverBuild(said);
        } catch (IOException e) {
            LOG.debug("the API server does not tell its version: {}", e.getMessage());
            versionWantedNanos = System.nanoTime() + VERSION_RETRY.toNanos();
        }
    }

    private boolean handOn(SnapshotConsumer consumer, Watches running, Pace pace) {
        ClusterSnapshot snapshot = view.snapshotIfChanged(version + 1, Instant.now());
        if (snapshot == null || closed) {
            return false;
        }
        version++;
        askTheServerItself(running, snapshot);
        if (servedState != null) {
            LOG.info("the API server has listed everything: the saved state is no longer used");
            servedState = null;
        }
        consumer.accept(snapshot);
        handedOn = true;
        pace.handedOn(System.nanoTime());
        return true;
    }

    /**
     * If the configured server is Service {@code default/kubernetes}, goes over to its endpoints: the way through an
     * address of our own would end when we do, or lead to a server that is long gone (kubernetes#67875).
     */
    private static void askTheServerItself(Watches running, ClusterSnapshot snapshot) {
        ApiClient client = running.client();
        if (client.locator().learned(snapshot.services().get(ApiServerLocator.SERVICE))) {
            String now = client.currentServer();
            LOG.info(now.equals(client.server())
                    ? "the API server is asked at {} again"
                    : client.server() + " is Service " + ApiServerLocator.SERVICE
                            + ": the API server is asked at {} instead",
                    now);
            running.all().forEach(Reflector::refresh);
        }
    }

    /** Writing takes seconds for a large cluster: no change waits for it, and it is done a tenth of the time at the most. */
    private void saveSoon(Watches running) {
        if (stateFile != null && unsaved && !saving && System.nanoTime() - saveAgainNanos >= 0) {
            saving = true;
            Thread.ofPlatform().name("sluice-state").daemon().start(Faults.contained("writing the state file", () -> {
                try {
                    save(running);
                } finally {
                    saving = false;
                }
            }));
        }
    }

    private void awaitSaved() throws InterruptedException {
        while (saving) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** Never what is not believed. */
    private synchronized void save(Watches running) {
        StateFile file = stateFile;
        if (file == null || !unsaved || running.all().stream().anyMatch(Reflector::doubtful)) {
            return;
        }
        unsaved = false;
        long start = System.nanoTime();
        try {
            file.write(new State(Instant.now(), running.client().server(), options.nodeName(),
                    running.services().freshness().version(), running.endpoints().freshness().version(),
                    view.contents()));
            saveTrouble = null;
        } catch (IOException e) {
            unsaved = true;
            String trouble = InputFile.reason(e);
            if (!trouble.equals(saveTrouble)) {
                saveTrouble = trouble;
                LOG.warn("the state file {} cannot be written: {}; a restart without an API server would find an older"
                        + " state or none", options.stateFile().orElse(null), trouble);
            }
        } finally {
            long now = System.nanoTime();
            saveAgainNanos = now + Math.max(SAVE_INTERVAL.toNanos(), 9 * (now - start));
        }
    }
}
