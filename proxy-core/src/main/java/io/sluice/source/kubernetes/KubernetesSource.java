package io.sluice.source.kubernetes;

import io.sluice.liveness.FatalErrors;
import io.sluice.liveness.Faults;
import io.sluice.liveness.Watched;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.source.Activity;
import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ServiceSource;
import io.sluice.source.SnapshotConsumer;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Services from a Kubernetes API server: what kube-proxy watches, as snapshots.
 *
 * <p>Three {@linkplain Reflector reflectors} put what they list and watch into one view; one thread,
 * {@code sluice-kubernetes}, publishes snapshots of it, the first when all three have listed everything. While the API server
 * is away the last state stays in force, for ever; with a state file it is also what a new process begins with. Once the view
 * shows that the server's configured address is one of a Service, which this node itself may have to serve, the server is
 * reached at the endpoints of that Service.
 */
public final class KubernetesSource implements ServiceSource {

    private static final Logger LOG = LoggerFactory.getLogger(KubernetesSource.class);

    private static final int SHOWN_PROBLEMS = 100;
    /** A start that takes longer logs what it waits for. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final List<ResourceFreshness> NOT_STARTED = List.of("services", "endpoints", "node").stream()
            .map(name -> new ResourceFreshness(name, ResourceFreshness.WatchState.WAITING, null, "", 0, 0, 0, null))
            .toList();

    private final KubernetesOptions options;
    private final Path serviceAccount;
    private final ApiObserver observer;
    private final EndpointReader endpointReader;
    private final WatchedResources resources;
    private final ClusterView view;
    private final Semaphore changes = new Semaphore(0);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final ObjectMistakes mistakes = new ObjectMistakes();
    private final Activity merging = new Activity("sluice-kubernetes");
    private final OwnNode ownNode;

    private volatile @Nullable Running running;
    private volatile boolean closed;

    /**
     * The parts that exist from {@link #start} on.
     *
     * @param saver null without a state file
     */
    private record Running(ApiClient client, ServerPoll serverPoll, Reflector<Service> services,
            Reflector<EndpointSubsets> endpoints, Reflector<NodeFacts> node, SnapshotPublisher publisher,
            @Nullable StateSaver saver) {
        List<Reflector<?>> reflectors() {
            return List.of(services, endpoints, node);
        }
    }

    /**
     * Reads and connects to nothing yet; {@code observer} is notified of each request.
     *
     * @param everyNode whether the addresses of all nodes matter: their Nodes are watched then, and not this node's alone
     */
    public KubernetesSource(KubernetesOptions options, boolean everyNode, ApiObserver observer) {
        this(options, Credentials.SERVICE_ACCOUNT, everyNode, observer);
    }

    /**
     * Looks whether there is an API server to ask, before anything that may need a privilege is begun: who starts a daemon
     * without a source learns that, and not that a privilege is missing.
     *
     * @param options empty if no API server is to be asked
     * @throws SourceException as {@link #start} would
     */
    public static void check(Optional<KubernetesOptions> options) throws SourceException {
        if (options.isPresent()) {
            Credentials.resolve(options.get(), Credentials.SERVICE_ACCOUNT);
        }
    }

    KubernetesSource(KubernetesOptions options, Path serviceAccount, boolean everyNode, ApiObserver observer) {
        this.options = options;
        this.serviceAccount = serviceAccount;
        this.observer = observer;
        this.endpointReader = new EndpointReader(options.loopbackEndpoints(), Instant.now());
        this.resources = new WatchedResources(options, everyNode, endpointReader);
        this.view = new ClusterView(options.nodeName());
        this.ownNode = new OwnNode(options.nodeName());
    }

    /**
     * {@inheritDoc}
     *
     * <p>Returns before the first request to the API server; a saved state is handed over before it returns. A server that is
     * unreachable or refuses the credentials is no error: requests are repeated until it responds, as kube-proxy does.
     *
     * @throws SourceException if the kubeconfig cannot be used or there is none
     */
    @Override
    public void start(SnapshotConsumer consumer) throws SourceException {
        ApiClient client = new ApiClient(options, serviceAccount, observer);
        Reflector<Service> services = new Reflector<>("services", _ -> resources.services(), client, view.services(),
                listener, options.watchIdleTimeout(), false);
        Reflector<EndpointSubsets> endpoints = new Reflector<>("endpoints",
                server -> resources.endpoints(client, server), client, view.endpoints(), listener,
                options.watchIdleTimeout(), false);
        Reflector<NodeFacts> node = new Reflector<>("node", _ -> resources.node(), client, view.node(), listener,
                options.watchIdleTimeout(), true);
        List<Reflector<?>> reflectors = List.of(services, endpoints, node);
        SnapshotPublisher publisher = new SnapshotPublisher(view,
                () -> !closed && reflectors.stream().allMatch(Reflector::settled), snapshot -> {
                    connectDirectly(client.locator(), client.server(), reflectors, snapshot);
                    consumer.accept(snapshot);
                }, System::nanoTime);
        LOG.info("Services come from {} ({}); this is node {}", client.server(), client.origin(), options.nodeName());
        view.configuredServers(ServerAddresses.written(client.server()));
        ServerPoll serverPoll = new ServerPoll(client, view, changes::release, observer);
        serverPoll.lookUp();
        StateFile stateFile = options.stateFile().map(path -> new StateFile(path, () -> closed)).orElse(null);
        StateSaver saver = stateFile == null
                ? null
                : new StateSaver(options.stateFile().orElseThrow(), stateFile::write,
                        () -> state(client, services, endpoints, node), KubernetesSource::runAsWriter,
                        System::nanoTime);
        Running started = new Running(client, serverPoll, services, endpoints, node, publisher, saver);
        if (stateFile != null) {
            readState(options.stateFile().orElseThrow(), stateFile, started, consumer);
        }
        running = started;
        merging.livesOn(thread("sluice-kubernetes", () -> publish(started)));
        started.reflectors()
                .forEach(each -> each.activity().livesOn(thread("sluice-watch-" + each.name(), each)));
    }

    private static Thread thread(String name, Runnable life) {
        return Thread.ofPlatform().name(name).daemon().start(FatalErrors.vital(life));
    }

    private static void runAsWriter(Runnable write) {
        Thread.ofPlatform().name("sluice-state").daemon().start(Faults.contained("writing the state file", write));
    }

    @Override
    public List<? extends Watched> threads() {
        List<Watched> all = new ArrayList<>();
        Running now = running;
        if (now != null) {
            now.reflectors().forEach(each -> all.add(each.activity()));
        }
        all.add(merging);
        return all;
    }

    @Override
    public void refresh() {
        Running now = running;
        if (now != null) {
            now.reflectors().forEach(Reflector::refresh);
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
        Running now = running;
        if (now == null) {
            return new Freshness(false, false, null, "not started yet", problems(NOT_STARTED), NOT_STARTED);
        }
        List<ResourceFreshness> kinds = now.reflectors().stream().map(Reflector::freshness).toList();
        boolean published = now.publisher().published();
        Instant savedAt = now.publisher().savedAt();
        String stalled = stalled(now);
        boolean current = published && savedAt == null && stalled == null
                && now.reflectors().stream().allMatch(Reflector::current);
        Instant asOf = savedAt;
        if (asOf == null && published) {
            asOf = kinds.stream().map(ResourceFreshness::lastHeard).filter(Objects::nonNull).min(Instant::compareTo)
                    .orElse(null);
        }
        return new Freshness(published, current, asOf, stalled == null ? detail(now, kinds, current) : stalled,
                problems(kinds), kinds);
    }

    /** Why changes of the server would not be published; null if they would. */
    private @Nullable String stalled(Running now) {
        SnapshotPublisher publisher = now.publisher();
        List<Activity> all = Stream.concat(now.reflectors().stream().map(Reflector::activity), Stream.of(merging))
                .toList();
        Optional<Activity> gone = all.stream().filter(Activity::ended).findFirst();
        if (gone.isPresent()) {
            return "the thread " + gone.get().name() + " has ended";
        }
        return all.stream().flatMap(each -> each.lateSince().stream()).min(Instant::compareTo)
                .map(since -> "merging changes since " + since.truncatedTo(ChronoUnit.SECONDS)
                        + (publisher.published() ? ", the last known state is in force" : ""))
                .orElse(publisher.fault());
    }

    private String detail(Running now, List<ResourceFreshness> kinds, boolean current) {
        String server = now.client().currentServer();
        Instant savedAt = now.publisher().savedAt();
        if (savedAt != null) {
            return "serving the state of " + savedAt + " from " + options.stateFile().orElseThrow() + " until "
                    + server + " has listed everything";
        }
        if (!now.publisher().published()) {
            return "waiting until " + server + " has listed " + String.join(", ",
                    kinds.stream().filter(r -> r.lists() == 0).map(ResourceFreshness::resource).toList())
                    + (now.serverPoll().lookingUp() ? "; the addresses of its name are being looked up" : "");
        }
        return current
                ? "watching " + server
                : "serving the last known state; " + server + " is unreachable, silent or suspect";
    }

    private List<Problem> problems(List<ResourceFreshness> kinds) {
        List<Problem> problems = new ArrayList<>();
        for (ResourceFreshness kind : kinds) {
            String problem = kind.problem();
            if (problem != null) {
                problems.add(new Problem(Severity.WARNING, kind.resource(), "", problem));
            }
        }
        ownNode.problem().ifPresent(problems::add);
        problems.addAll(mistakes.problems(SHOWN_PROBLEMS - problems.size()));
        return problems;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Running now = running;
        if (now != null) {
            now.reflectors().forEach(Reflector::stop);
            changes.release();
            try {
                if (!ended.await(10, TimeUnit.SECONDS)) {
                    LOG.warn("the state is still being written; not waiting for the end");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            now.client().close();
        }
    }

    private final Reflector.Listener listener = new Reflector.Listener() {
        @Override
        public void changed() {
            changes.release();
        }

        @Override
        public void mistakes(String resource, ObjectKey key, List<String> found) {
            mistakes.set(resource, key, found);
        }

        @Override
        public void listed(String resource, Map<ObjectKey, List<String>> found) {
            mistakes.replace(resource, found);
        }
    };

    private void readState(Path path, StateFile file, Running started, SnapshotConsumer consumer) {
        Optional<SavedState> read;
        try {
            read = file.read(endpointReader::slice);
        } catch (IOException e) {
            LOG.warn("the state file {} {}; starting without it", path, e.getMessage());
            return;
        }
        if (read.isEmpty()) {
            return;
        }
        SavedState state = read.get();
        String server = started.client().server();
        if (!state.server().equals(server)) {
            LOG.warn("the state file {} is of another API server, {}; starting without it", path, state.server());
            return;
        }
        ClusterView saved = ClusterView.of(options.nodeName(), state.contents());
        saved.configuredServers(ServerAddresses.written(server));
        started.publisher().publishSaved(saved, state.savedAt(), snapshot -> {
            LOG.warn("serving the state of {} from {} until the API server has listed everything", state.savedAt(),
                    path);
            started.services().expect(state.contents().services().size(), state.servicesVersion());
            started.endpoints().expect(state.contents().slices().size(), state.endpointsVersion());
            started.client().locator().remembered(snapshot.services().get(ApiServerLocator.SERVICE));
            consumer.accept(snapshot);
        });
    }

    /** The state to save; empty while a list is suspect. */
    private Optional<SavedState> state(ApiClient client, Reflector<Service> services,
            Reflector<EndpointSubsets> endpoints,
            Reflector<NodeFacts> node) {
        return services.suspect() || endpoints.suspect() || node.suspect()
                ? Optional.empty()
                : Optional.of(new SavedState(Instant.now(), client.server(), options.nodeName(),
                        services.freshness().version(), endpoints.freshness().version(), view.contents()));
    }

    /** Runs on the thread that publishes snapshots of the view. */
    private void publish(Running now) {
        SnapshotPublisher publisher = now.publisher();
        StateSaver saver = now.saver();
        long begun = System.nanoTime();
        boolean said = false;
        try {
            while (!closed) {
                if (!said && System.nanoTime() - begun > PATIENCE.toNanos()) {
                    said = true;
                    sayWhatIsWaitedFor(now);
                }
                if (changes.tryAcquire(1, TimeUnit.SECONDS) && !closed) {
                    TimeUnit.NANOSECONDS.sleep(publisher.delayNanos());
                    changes.drainPermits();
                    merging.during(() -> {
                        switch (publisher.publish(Instant.now())) {
                            case PUBLISHED -> {
                                if (saver != null) {
                                    saver.changed();
                                }
                            }
                            case FAILED -> changes.release();
                            case NOTHING_NEW -> {
                            }
                        }
                        if (publisher.published() && now.node().listed()) {
                            ownNode.look(view.own(), view.endpointsOfNodes(), System.nanoTime());
                        }
                    });
                }
                if (publisher.published() && publisher.savedAt() == null) {
                    now.serverPoll().pollIfDue(System.nanoTime());
                }
                if (saver != null) {
                    saver.saveIfDue();
                }
            }
            if (saver != null) {
                saver.finish();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    /** Reflectors log failures; a server, plugin or resolver that does not answer has to be named here. */
    private void sayWhatIsWaitedFor(Running now) {
        List<ResourceFreshness> kinds = now.reflectors().stream().map(Reflector::freshness).toList();
        if ((!now.publisher().published() || now.publisher().savedAt() != null)
                && kinds.stream().allMatch(kind -> kind.problem() == null)) {
            LOG.info("{}", detail(now, kinds, false));
        }
    }

    /**
     * If the configured server is Service {@code default/kubernetes}, changes to its endpoints: a connection through an
     * address that this process serves would end with this process, or lead to a server that is long gone
     * (kubernetes#67875).
     */
    static void connectDirectly(ApiServerLocator locator, String configured, List<Reflector<?>> reflectors,
            ClusterSnapshot snapshot) {
        if (locator.learned(snapshot.services().get(ApiServerLocator.SERVICE))) {
            String now = locator.current();
            LOG.info(now.equals(configured)
                    ? "requests to the API server go to {} again"
                    : configured + " is Service " + ApiServerLocator.SERVICE
                            + ": requests to the API server go to {} instead",
                    now);
            reflectors.forEach(Reflector::refresh);
        }
    }
}
