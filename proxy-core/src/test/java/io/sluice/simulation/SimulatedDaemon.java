package io.sluice.simulation;

import io.sluice.connection.SimulatedConnections;
import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.node.ServiceAddresses;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.reconcile.SimulatedReconciler;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.kubernetes.SimulatedApiServer;
import io.sluice.source.kubernetes.SimulatedSource;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One daemon: its source and its reconciler, over the machine and the cluster of a world. */
final class SimulatedDaemon {

    private final SimulatedKernel.ProcessSockets process;
    private final ServiceAddresses addresses;
    private final SimulatedConnections connections;
    private final SimulatedReconciler reconciler;
    private final SimulatedSource source;

    /**
     * Begins at once.
     *
     * @param follows another daemon serves, and this one waits until that hands over
     */
    SimulatedDaemon(World world, SimulatedApiServer api, SimulatedKernel kernel,
            @Nullable SimulatedNetfilter netfilter, SimulatedRoutes routes, SimulatedDisk disk, List<String> ranges,
            Pods pods, Consumer<String> asked, boolean follows) {
        process = kernel.process();
        connections = new SimulatedConnections(world, world.random("connections " + world.nanoTime()).nextLong());
        addresses = routes.open(world, netfilter == null ? ranges : List.of(), netfilter == null);
        reconciler = new SimulatedReconciler(world, process, netfilter, routes, addresses, pods::alive);
        if (follows) {
            reconciler.sockets().standBy();
        }
        source = new SimulatedSource(world, api, disk, this::submit, asked);
        source.start(!follows);
    }

    private void submit(ClusterSnapshot snapshot) {
        reconciler.submit(snapshot);
    }

    SimulatedReconciler reconciler() {
        return reconciler;
    }

    SimulatedConnections connections() {
        return connections;
    }

    SimulatedSource source() {
        return source;
    }

    /** {@code kill -9}: sockets are gone with the process, routes are not. */
    void kill() {
        source.kill();
        reconciler.kill();
        process.closeAll();
        connections.kill();
    }

    /** It is asked to end: listeners are closed, and then its routes removed. */
    void stop() {
        source.kill();
        reconciler.stop();
    }

    SimulatedKernel.ProcessSockets process() {
        return process;
    }

    /**
     * The last step of an orderly end.
     *
     * @param othersServe its routes are another daemon's by now
     */
    void end(boolean othersServe) {
        reconciler.end(othersServe);
        addresses.close(othersServe);
        reconciler.kill();
        process.closeAll();
    }
}
