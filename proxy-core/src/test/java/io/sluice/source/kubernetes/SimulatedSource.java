package io.sluice.source.kubernetes;

import io.sluice.service.Service;
import io.sluice.simulation.Cluster;
import io.sluice.simulation.FaultClass;
import io.sluice.simulation.Fiber;
import io.sluice.simulation.SimulatedDisk;
import io.sluice.simulation.World;
import io.sluice.source.SnapshotConsumer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The source of a simulated daemon: the real reflectors, view, publisher, locator and state, wired as {@link KubernetesSource}
 * wires them, on fibers in the place of its threads.
 */
public final class SimulatedSource {

    /** The configured server: the cluster address of the API server's own Service. */
    public static final String SERVER = "https://10.96.0.1:443";

    private static final Duration IDLE = Duration.ofMinutes(3);
    private static final long SECOND = 1_000_000_000L;

    private final World world;
    private final SimulatedDisk disk;
    private final SnapshotConsumer consumer;
    private final ApiServerLocator locator;
    private final ClusterView view = new ClusterView(Cluster.NODE);
    private final EndpointReader endpointReader;
    private final List<Fiber> fibers = new ArrayList<>();
    private final List<Reflector<?>> reflectors = new ArrayList<>();
    private final Reflector<Service> services;
    private final Reflector<EndpointSubsets> endpoints;
    private final SnapshotPublisher publisher;
    private final StateSaver saver;
    private boolean publishing;
    private boolean dead;

    /** @param asked takes the server of each request */
    public SimulatedSource(World world, SimulatedApiServer api, SimulatedDisk disk, SnapshotConsumer consumer,
            Consumer<String> asked) {
        this.world = world;
        this.disk = disk;
        this.consumer = consumer;
        locator = new ApiServerLocator(world.random("locator"));
        locator.configure(SERVER, ApiServerLocator.Protection.CERTIFICATE);
        endpointReader = new EndpointReader(false, Instant.EPOCH);
        WatchedResources resources = new WatchedResources(KubernetesOptions.builder(Cluster.NODE).build(), true,
                endpointReader);
        services = reflector("services", resources.services(), api, view.services(), asked, false);
        endpoints = reflector("endpoints", Resource.all(ObjectKind.ENDPOINT_SLICE,
                "/apis/discovery.k8s.io/v1/endpointslices", "endpointslices.discovery.k8s.io", endpointReader::slice),
                api, view.endpoints(), asked, false);
        reflector("node", resources.node(), api, view.node(), asked, true);
        publisher = new SnapshotPublisher(view, () -> !dead && reflectors.stream().allMatch(Reflector::settled),
                snapshot -> {
                    KubernetesSource.connectDirectly(locator, SERVER, reflectors, snapshot);
                    consumer.accept(snapshot);
                }, world::nanoTime);
        saver = new StateSaver(Path.of("state"), this::write, this::state,
                work -> world.after(SECOND / 10, () -> {
                    if (!dead) {
                        work.run();
                    }
                }), world::nanoTime);
        view.configuredServers(ServerAddresses.written(SERVER));
    }

    private <T> Reflector<T> reflector(String name, Resource<T> resource, SimulatedApiServer api,
            ClusterView.Part<T> part, Consumer<String> asked, boolean mayBeForbidden) {
        Runnable[] life = new Runnable[1];
        Fiber fiber = new Fiber(world, name, () -> life[0].run());
        Reflector<T> reflector = new Reflector<>(name, server -> resource, api.requests(fiber, locator, asked::accept),
                part, new Reflector.Listener() {
                    @Override
                    public void changed() {
                        publishSoon();
                    }

                    @Override
                    public void mistakes(String of, ObjectKey key, List<String> mistakes) {
                        // Nobody reads them here.
                    }

                    @Override
                    public void listed(String of, Map<ObjectKey, List<String>> mistakes) {
                        // Nobody reads them here.
                    }
                }, IDLE, mayBeForbidden, new FiberThread(world, fiber), world.random("reflector " + name));
        life[0] = reflector;
        fibers.add(fiber);
        reflectors.add(reflector);
        return reflector;
    }

    /**
     * Begins.
     *
     * @param reads the state of an earlier daemon is read first
     */
    public void start(boolean reads) {
        byte[] saved = reads ? disk.read() : new byte[0];
        if (saved.length > 0) {
            readState(saved);
        }
        fibers.forEach(Fiber::start);
        if (world.has(FaultClass.KILLED)) {
            everySecond();
        }
    }

    private void readState(byte[] bytes) {
        SavedState state;
        try {
            state = StateFormat.read(bytes, endpointReader::slice);
        } catch (IOException e) {
            world.note(() -> "the state " + e.getMessage());
            return;
        }
        ClusterView saved = ClusterView.of(Cluster.NODE, state.contents());
        saved.configuredServers(ServerAddresses.written(SERVER));
        publisher.publishSaved(saved, state.savedAt(), snapshot -> {
            world.note(() -> "serves the state of " + state.savedAt());
            services.expect(state.contents().services().size(), state.servicesVersion());
            endpoints.expect(state.contents().slices().size(), state.endpointsVersion());
            locator.remembered(snapshot.services().get(ApiServerLocator.SERVICE));
            consumer.accept(snapshot);
        });
    }

    private void everySecond() {
        world.after(SECOND, () -> {
            if (!dead) {
                saver.saveIfDue();
                everySecond();
            }
        });
    }

    private void publishSoon() {
        if (!publishing && !dead) {
            publishing = true;
            world.after(publisher.delayNanos(), this::publish);
        }
    }

    private void publish() {
        publishing = false;
        if (!dead) {
            switch (publisher.publish(world.now())) {
                case PUBLISHED -> saver.changed();
                case FAILED -> publishSoon();
                case NOTHING_NEW -> {
                }
            }
        }
    }

    private Optional<SavedState> state() {
        return reflectors.stream().anyMatch(Reflector::suspect)
                ? Optional.empty()
                : Optional.of(new SavedState(world.now(), SERVER, Cluster.NODE, services.freshness().version(),
                        endpoints.freshness().version(), view.contents()));
    }

    private void write(SavedState state) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        StateFormat.write(state, bytes);
        disk.write(bytes.toByteArray());
    }

    /** The process is killed: nothing happens any more, and its connections to the server end. */
    public void kill() {
        dead = true;
        reflectors.forEach(Reflector::stop);
    }

    /** Whether each of its fibers has ended. */
    public boolean ended() {
        return fibers.stream().allMatch(Fiber::ended);
    }

    /** Whether everything that it shows equals what the server has, as it says itself. */
    public boolean current() {
        return publisher.published() && publisher.savedAt() == null
                && reflectors.stream().allMatch(Reflector::current);
    }
}
