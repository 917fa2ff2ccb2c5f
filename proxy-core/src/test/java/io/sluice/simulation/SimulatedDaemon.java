package io.sluice.simulation;

import io.sluice.node.ServiceAddresses;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.reconcile.SimulatedReconciler;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.kubernetes.SimulatedApiServer;
import io.sluice.source.kubernetes.SimulatedSource;
import java.util.List;
import java.util.function.Consumer;

/** One daemon: its source and its reconciler, over the machine and the cluster of a world. */
final class SimulatedDaemon {

    private final SimulatedKernel kernel;
    private final ServiceAddresses addresses;
    private final SimulatedReconciler reconciler;
    private final SimulatedSource source;

    /** Begins at once. */
    SimulatedDaemon(World world, SimulatedApiServer api, SimulatedKernel kernel, SimulatedRoutes routes,
            SimulatedDisk disk, List<String> ranges, Pods pods, Consumer<String> asked) {
        this.kernel = kernel;
        addresses = routes.open(world, ranges);
        reconciler = new SimulatedReconciler(world, kernel, routes, addresses, pods::alive);
        source = new SimulatedSource(world, api, disk, this::submit, asked);
        source.start();
    }

    private void submit(ClusterSnapshot snapshot) {
        reconciler.submit(snapshot);
    }

    SimulatedReconciler reconciler() {
        return reconciler;
    }

    SimulatedSource source() {
        return source;
    }

    /** {@code kill -9}: sockets are gone with the process, routes are not. */
    void kill() {
        source.kill();
        reconciler.kill();
        kernel.closeAll();
    }

    /** It is asked to end: listeners are closed, and then its routes removed. */
    void stop() {
        source.kill();
        reconciler.stop();
    }

    /** The last step of an orderly end. */
    void end() {
        addresses.close(false);
        reconciler.kill();
    }
}
