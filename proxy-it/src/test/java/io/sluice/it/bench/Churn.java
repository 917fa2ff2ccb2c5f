package io.sluice.it.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** What requests over one Service cost while endpoints of a thousand others change, and while they do not. */
final class Churn {

    static final String QUIET = "no changes";
    static final String CHANGES = "100 changes/s";

    private static final int SERVICES = 1000;
    private static final long INTERVAL_MILLIS = 10;

    private Churn() {}

    /** Measures Sluice in a cluster of a thousand Services, in turn. */
    static Results measure(Path home, Path work, LoadTool load, String cpus, int workers, int rounds, double seconds)
            throws IOException, InterruptedException {
        Results results = new Results();
        try (ManyServices services = new ManyServices(SERVICES, SERVICES);
                ScheduledExecutorService changer = Executors.newSingleThreadScheduledExecutor()) {
            services.apply("""
                    {"kind": "Service", "metadata": {"name": "bench"}, "spec": {"type": "ClusterIP",
                     "clusterIP": "127.122.0.2", "clusterIPs": ["127.122.0.2"], "ports": [
                     {"port": %1$d, "protocol": "TCP", "targetPort": %1$d}]}}""".formatted(Peer.PORT));
            services.apply("""
                    {"kind": "EndpointSlice", "metadata": {"name": "bench-1", "labels":
                     {"kubernetes.io/service-name": "bench"}}, "addressType": "IPv4", "ports": [
                     {"name": "", "port": %d, "protocol": "TCP"}], "endpoints": [
                     {"addresses": ["%s"]}, {"addresses": ["%s"]}, {"addresses": ["%s"]}]}"""
                    .formatted(Peer.PORT, Peer.BACKENDS.get(0), Peer.BACKENDS.get(1), Peer.BACKENDS.get(2)));
            Process sluice = new ProcessBuilder("taskset", "-c", cpus, home.resolve("sluice").toString(), "run",
                    "--kubeconfig", services.kubeconfig(work.resolve("kubeconfig")).toString(),
                    "--allow-loopback-endpoints", "--address-mode", "none", "--worker-threads",
                    Integer.toString(workers), "--metrics-bind-address", "127.122.0.2:7010", "--healthz-bind-address",
                    "127.122.0.2:7010").redirectErrorStream(true).start();
            try {
                Scale.awaitListeners(sluice, services.listeners() + 1);
                List<Long> pids = List.of(sluice.pid());
                String target = "127.122.0.2:" + Peer.PORT;
                Sample flatOut = load.run(Work.REQUESTS_64.load(), target, pids, 4, 0);
                double half = Math.floor(Figure.REQUEST_RATE.of(flatOut) / 2);
                for (int round = 0; round < rounds; round++) {
                    System.err.printf("round %d: requests while Services change%n", round + 1);
                    for (Work kind : List.of(Work.REQUESTS_64, Work.HALF_LOAD)) {
                        double rate = kind == Work.HALF_LOAD ? half : 0;
                        results.add(kind, QUIET, load.run(kind.load(), target, pids, seconds, rate));
                        ScheduledFuture<?> changing = changer.scheduleAtFixedRate(services::change, 0, INTERVAL_MILLIS,
                                TimeUnit.MILLISECONDS);
                        results.add(kind, CHANGES, load.run(kind.load(), target, pids, seconds, rate));
                        changing.cancel(false);
                        // What was put off in the burst is not the next one's.
                        TimeUnit.MILLISECONDS.sleep(1500);
                    }
                }
            } finally {
                Processes.end(sluice);
            }
        }
        return results;
    }
}
