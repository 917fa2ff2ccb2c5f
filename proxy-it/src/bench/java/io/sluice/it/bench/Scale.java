package io.sluice.it.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import io.sluice.it.bench.ManyServices.Place;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a cluster of 10,000 Services with two ports and 100,000 endpoints costs, and how soon a change in it has effect; or one
 * of 40,000 Services and 250,000 endpoints whose connections are intercepted.
 *
 * @param listeners   addresses that are listened at: less than all where the limit of open files forbids it. The endpoints
 *                    of the Services that are over it are told not to be ready; all else is as large.
 * @param descriptors the sockets, pipes and queues of events that the daemon has open then
 * @param syncSeconds from the start of the process until all are listened at
 * @param applySeconds from the end of the last list of the API server until then; the whole time without one
 * @param heapBytes   live heap of the daemon then, after two full collections
 * @param laterBytes  the same after the changes
 * @param resident    of the process after the changes, in bytes
 * @param changes     milliseconds from a change at the API server to the answer to the first connection placed by it, sorted
 */
record Scale(String source, int services, int endpoints, int listeners, int descriptors, double syncSeconds,
        double applySeconds, long heapBytes, long laterBytes, long resident, List<Double> changes) {

    static final int SERVICES = 10_000;
    private static final int INTERCEPTED = 40_000;

    private static final int CHANGES = 250;
    /** Code that is run is compiled as it runs. */
    private static final int WARM_UP = 100;
    private static final Pattern APPLIED = Pattern.compile("applied in .* listeners (\\d+) ");

    /** Measures Sluice in a cluster. */
    static Scale cluster(Path home, Path work) throws IOException, InterruptedException {
        int ready = readyServices();
        try (ManyServices services = new ManyServices(Place.LOOPBACK, SERVICES, ready)) {
            return measure(home, services, "cluster", "--kubeconfig",
                    services.kubeconfig(work.resolve("kubeconfig")).toString(), "--allow-loopback-endpoints",
                    "--state-file", newState(work));
        }
    }

    /** Measures Sluice with manifests, which are not changed. */
    static Scale manifests(Path home, Path work) throws IOException, InterruptedException {
        try (ManyServices services = new ManyServices(Place.LOOPBACK, SERVICES, readyServices())) {
            return measure(home, services, "manifests", "-f",
                    services.manifests(work.resolve("manifests")).toString());
        }
    }

    /** Measures Sluice in a larger cluster, in a network namespace that has nothing but lo. */
    static Scale intercepted(Path home, Path work) throws IOException, InterruptedException {
        if (Processes.run(List.of("ip", "-o", "link")).lines().count() != 1) {
            throw new IOException("--intercepted changes routes: run it as root by 'unshare -n ./bench --intercepted'");
        }
        for (String change : List.of("link set lo up", "addr add 10.0.0.1/32 dev lo",
                "route add local 10.128.0.0/9 dev lo",
                "route add default dev lo")) {
            List<String> command = new ArrayList<>(List.of("ip"));
            command.addAll(List.of(change.split(" ", -1)));
            Processes.run(command);
        }
        try (ManyServices services = new ManyServices(Place.NAMESPACE, INTERCEPTED, INTERCEPTED)) {
            return measure(home, services, "intercepted", "--kubeconfig",
                    services.kubeconfig(work.resolve("kubeconfig")).toString(), "--state-file",
                    newState(work));
        }
    }

    /** A file that no earlier run has left. */
    private static String newState(Path work) throws IOException {
        Path state = work.resolve("state");
        Files.deleteIfExists(state);
        return state.toString();
    }

    /** A listener is a descriptor; some are left for all else. */
    private static int readyServices() throws IOException, InterruptedException {
        String limit = Processes.run(List.of("sh", "-c", "ulimit -Hn")).strip();
        int most = limit.equals("unlimited") ? Integer.MAX_VALUE : Integer.parseInt(limit) - 200;
        return Math.min(SERVICES, most / ManyServices.PORTS);
    }

    private static Scale measure(Path home, ManyServices services, String source, String... from)
            throws IOException, InterruptedException {
        System.err.println(services.services() + " Services, " + source);
        List<String> command = new ArrayList<>(List.of(home.resolve("sluice").toString(), "run", "--address-mode",
                source.equals("intercepted") ? "nftables" : "none", "--hostname-override", "bench", "--dns-listen",
                "127.122.0.2:7053", "--metrics-bind-address",
                "127.122.0.2:7010", "--healthz-bind-address", "127.122.0.2:7010"));
        command.addAll(List.of(from));
        long begun = System.nanoTime();
        Process sluice = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            LastList list = new LastList(services, begun);
            awaitListeners(sluice, services.listeners());
            long applied = System.nanoTime();
            double syncSeconds = (applied - begun) / 1e9;
            double applySeconds = (applied - list.arrived()) / 1e9;
            long heap = heap(sluice.pid());
            List<Double> changes = new ArrayList<>();
            Random random = new Random(1);
            int descriptors = descriptors(sluice.pid());
            if (!source.equals("manifests")) {
                System.gc(); // so that collections of the API server's heap are not what is measured
                for (int i = -WARM_UP; i < CHANGES; i++) {
                    // Each is the first for a while: those that come in a burst are handed on together.
                    TimeUnit.MILLISECONDS.sleep(120 + random.nextInt(60));
                    double millis = services.changeAndConnect() / 1e6;
                    if (i >= 0) {
                        changes.add(millis);
                    }
                }
            }
            return new Scale(source, services.services(), services.endpoints(), services.listeners(), descriptors,
                    syncSeconds, applySeconds, heap, heap(sluice.pid()), Processes.resident(sluice.pid()),
                    changes.stream().sorted().toList());
        } finally {
            Processes.end(sluice);
        }
    }

    /** Watches when the daemon begins to watch: a list of that kind has arrived then. */
    private static final class LastList {

        private final Thread looker;
        private volatile long arrived;
        private volatile boolean over;

        LastList(ManyServices services, long begun) {
            arrived = begun;
            looker = Thread.ofPlatform().daemon().name("watches").start(() -> {
                int known = 0;
                while (!over) {
                    int now = services.watches();
                    if (now > known) {
                        known = now;
                        arrived = System.nanoTime();
                    }
                    LockSupport.parkNanos(5_000_000);
                }
            });
        }

        long arrived() throws InterruptedException {
            over = true;
            looker.join();
            return arrived;
        }
    }

    /** Reads its log until it says so, and after that so that it does not wait for us. */
    static void awaitListeners(Process sluice, int listeners) throws IOException {
        BufferedReader log = sluice.inputReader(StandardCharsets.UTF_8);
        StringBuilder said = new StringBuilder();
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            Matcher applied = APPLIED.matcher(line);
            if (applied.find() && Integer.parseInt(applied.group(1)) == listeners) {
                Thread.ofPlatform().daemon().name("log").start(() -> skip(log));
                return;
            }

            said.append(line).append('\n');
        }
        throw new IOException("sluice has ended: " + said);
    }

    private static void skip(BufferedReader log) {
        try {
            while (log.readLine() != null) {
                // Nobody reads it, but it must not fill the pipe.
            }
        } catch (IOException e) {
            // The process has ended.
        }
    }

    /** How long a change took to have effect, in milliseconds; 0 if none was made. */
    double change(double quantile) {
        return changes.isEmpty() ? 0 : Results.quantile(changes, quantile);
    }

    /** Those of sockets, pipes and the kernel's queues of events; not the JVM's own jars. */
    private static int descriptors(long pid) throws IOException {
        int count = 0;
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "fd"))) {
            for (Path each : open) {
                if (!Files.isRegularFile(each)) {
                    count++;
                }
            }
        }
        return count;
    }

    /** Live bytes, by jcmd(1) of the Java that runs this. */
    private static long heap(long pid) throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        Processes.run(List.of(jcmd, Long.toString(pid), "GC.run"));
        Processes.run(List.of(jcmd, Long.toString(pid), "GC.run"));
        String info = Processes.run(List.of(jcmd, Long.toString(pid), "GC.heap_info"));
        long kilobytes = 0;
        Matcher used = Pattern.compile("(?m)^(?!\\s*(Metaspace|class space)).*\\bused (\\d+)K").matcher(info);
        while (used.find()) {
            kilobytes += Long.parseLong(used.group(2));
        }
        return kilobytes * 1024;
    }
}
