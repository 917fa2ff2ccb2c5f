package io.sluice.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The run as a whole. */
@Command(name = "bench", mixinStandardHelpOptions = true, sortOptions = false, usageHelpAutoWidth = true,
        description = {"Does the same work over no proxy, Sluice, HAProxy (copying and splicing) and nginx, in turn,"
                + " and tells what it cost.",
                "Needs Linux and the Debian packages gcc haproxy nginx libnginx-mod-stream.",
                "With BENCH_PEERS=DIR it measures HAProxy and nginx of that folder, into which ./bench-peers"
                        + " puts newer ones."})
public final class Bench implements Callable<Integer> {

    @Option(names = "--quick", description = "The most telling works, three rounds of half a second: about a minute.")
    private boolean quick;

    @Option(names = "--check", description = "Exit with 1 if a median misses its target.")
    private boolean check;

    @Option(names = "--rounds", description = "Rounds (default: 5, quick 3).")
    private int rounds;

    @Option(names = "--seconds", description = "How long each peer is measured in a round (default: 2, quick 0.5).")
    private double seconds;

    @Option(names = "--only", split = ",", description = "These works alone: ${COMPLETION-CANDIDATES}.")
    private List<Work> only = List.of();

    @Option(names = "--start", description = "The time from exec to the first connection alone. Half a minute.")
    private boolean start;

    @Option(names = "--first-seconds",
            description = "What requests and connections cost in the first seconds after a start alone, with 1 and with"
                    + " 10,000 Services. Three minutes for each round.")
    private boolean firstSeconds;

    @Option(names = "--veths",
            description = "The most telling works alone, over cables between network namespaces of a client, a node and"
                    + " endpoints, as root, and with the CPU time of the whole machine; QUESTIONS and FLOWS are among"
                    + " them alone. Eight minutes; with --only its works alone.")
    private boolean veths;

    @Option(names = "--intercepted",
            description = "A cluster of 40,000 Services whose connections are intercepted alone; as root, by"
                    + " 'unshare -n ./bench --intercepted'. Four minutes.")
    private boolean intercepted;

    @Option(names = "--scale",
            description = "Large clusters alone: memory and changes with 10,000 Services. Two minutes.")
    private boolean scale;

    @Option(names = "--churn",
            description = "Requests while a thousand Services change, alone or with --scale. Eight minutes.")
    private boolean churn;

    @Option(names = "--workers", defaultValue = "1", description = "Worker threads of each proxy (default: 1).")
    private int workers;

    @Option(names = "--proxy-cpus", defaultValue = "0", description = "Where the proxies run (default: CPU 0).")
    private String proxyCpus = "0";

    @Option(names = "--load-cpus", description = "Where load and backends run (default: all other CPUs).")
    private String loadCpus = "";

    @Option(names = "--out", defaultValue = "target/bench", description = "Where the results go (target/bench).")
    private Path out = Path.of("target/bench");

    private final Results results = new Results();

    private Bench() {}

    /** Starts it in the folder of the repository. */
    public static void main(String[] arguments) {
        CommandLine command = new CommandLine(new Bench());
        command.setExecutionExceptionHandler((e, line, parsed) -> {
            line.getErr().println("bench: " + e.getMessage());
            return 1;
        });
        System.exit(command.execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path home = Path.of("").toAbsolutePath();
        Path work = Files.createDirectories(home.resolve(out));
        List<Peer> peers = Peer.all(home, work, proxyCpus, workers);
        Runtime.getRuntime().addShutdownHook(new Thread(
                () -> ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly)));
        LoadTool load = LoadTool.start(home, work, loadCpus(), Peer.PORT, Peer.BACKENDS);
        Map<String, String> machine = machine();
        List<Holding> holdings = new ArrayList<>();
        Map<String, Results.Spread> starts = new LinkedHashMap<>();
        boolean all = !start && !firstSeconds && !scale && !veths && !intercepted && !churn && only.isEmpty();
        if (start || all) {
            starts(Peer.all(home, work, "0-" + (Runtime.getRuntime().availableProcessors() - 1), workers), starts);
        }
        if (all && !quick) {
            holdings(peers, load, holdings);
        }
        if (!only.isEmpty() && !veths || all) {
            for (Peer peer : peers) {
                peer.start();
            }
            measure(peers, load);
            for (Peer peer : peers) {
                peer.stop();
            }
        }
        List<Scale> scales = new ArrayList<>();
        FirstSeconds cold = new FirstSeconds();
        if (firstSeconds || all && !quick) {
            cold.measure(home, work, load, proxyCpus, rounds());
        }
        String overVeths = "";
        List<Targets.Verdict> verdicts = new ArrayList<>();
        if (veths) {
            try (Veths ways = new Veths()) {
                ways.build(home, work, proxyCpus, loadCpus());
                ways.measure(only, rounds(), seconds());
                overVeths = ways.table();
                verdicts.addAll(Targets.check(ways));
            }
        }
        if (intercepted) {
            scales.add(Scale.intercepted(home, work));
        }
        if (scale || all && !quick) {
            scales.add(Scale.cluster(home, work));
            scales.add(Scale.manifests(home, work));
        }
        Churn changes = Churn.none();
        if (churn || all && !quick) {
            // The API server is ours: it is not to be where the proxy is.
            Processes.run(List.of("taskset", "-apc", loadCpus(), Long.toString(ProcessHandle.current().pid())));
            changes = Churn.measure(home, work, load, proxyCpus, workers, rounds(), seconds());
        }
        Report report = new Report(results, machine, holdings, starts, scales, changes);
        report.writeJson(work.resolve("bench.json"));
        report.writeChart(work.resolve("bench.svg"));
        String table = report.table() + cold.table() + overVeths;
        Files.writeString(work.resolve("bench.md"), table);
        System.out.println(table);
        boolean fallsShort = false;
        verdicts.addAll(Targets.check(results, holdings, starts, scales));
        for (Targets.Verdict verdict : verdicts) {
            System.out.println(verdict.line());
            fallsShort |= verdict.fallsShort();
        }
        return check && fallsShort ? 1 : 0;
    }

    private void measure(List<Peer> peers, LoadTool load) throws IOException, InterruptedException {
        List<Work> works = Arrays.stream(Work.values())
                .filter(w -> !w.datagrams() && (only.isEmpty() ? !quick || w.quick() : only.contains(w))).toList();
        // Code that is run is compiled as it runs: nobody's first seconds are measured. Every work opens connections.
        double warmUp = quick ? 0.6 : 1;
        for (Peer peer : peers) {
            boolean compiled = peer.name().equals("sluice");
            if (compiled) {
                load.run(Work.CONNECTIONS.load(), peer.target(Work.Backend.ECHO), peer.pids(), 10 * warmUp, 0);
            }
            for (Work work : works) {
                load.run(work.load(), peer.target(work.backend()), peer.pids(), compiled ? 3 * warmUp : 0.2, 0);
            }
        }
        double peak = works.stream().anyMatch(w -> w.share() > 0) ? peak(peers, load) : 0;
        for (Peer peer : peers) {
            peer.pause();
        }
        measure(works.stream().filter(w -> w.idle() == 0).toList(), peak, peers, load);
        for (Work work : works.stream().filter(w -> w.idle() > 0).toList()) {
            List<Process> held = new ArrayList<>();
            for (Peer peer : peers) {
                peer.resume();
                held.add(load.hold(peer.target(work.backend()), work.idle()));
                peer.pause();
            }
            measure(List.of(work), peak, peers, load);
            for (Process holding : held) {
                Processes.end(holding);
            }
        }
        for (Peer peer : peers) {
            peer.resume();
        }
    }

    /** All rounds; the peers are paused, before and after. */
    private void measure(List<Work> works, double peak, List<Peer> peers, LoadTool load)
            throws IOException, InterruptedException {
        double time = seconds();
        for (int round = 0; round < rounds(); round++) {
            for (Work work : works) {
                System.err.printf("round %d: %s%n", round + 1, work.title());
                // What delays one request in a hundred comes and goes with the machine's other work: that figure needs
                // more time, and turns short enough for each peer to have its share of it.
                int turns = work.share() > 0 ? 6 : 1;
                double turn = work.share() > 0 ? time / 2 : time;
                for (int i = 0; i < turns * peers.size(); i++) {
                    Peer peer = peers.get((i + i / peers.size() + round) % peers.size());
                    peer.resume();
                    results.add(work, peer, load.run(work.load(), peer.target(work.backend()), peer.pids(), turn,
                            Math.floor(peak * work.share())));
                    peer.pause();
                }
            }
        }
    }

    /** Requests a second that HAProxy does at most: shares of it are the load of all. */
    private static double peak(List<Peer> peers, LoadTool load) throws IOException, InterruptedException {
        Peer haproxy = peers.stream().filter(p -> p.name().equals("haproxy")).findFirst().orElseThrow();
        Sample flatOut = load.run(Work.REQUESTS_64.load(), haproxy.target(Work.Backend.ECHO), List.of(), 2, 0);
        return Figure.REQUEST_RATE.of(flatOut);
    }

    private void starts(List<Peer> peers, Map<String, Results.Spread> starts)
            throws IOException, InterruptedException {
        Map<String, List<Double>> millis = new LinkedHashMap<>();
        for (int round = 0; round <= (quick ? 3 : 7); round++) {
            for (Peer peer : peers) {
                if (peer.isProxy()) {
                    double took = peer.start().toNanos() / 1e6;
                    peer.stop();
                    if (round > 0) { // The first time files come from the disk, and this program is compiled.
                        millis.computeIfAbsent(peer.name(), p -> new ArrayList<>()).add(took);
                    }
                }
            }
        }
        millis.forEach((peer, values) -> starts.put(peer, Results.Spread.of(values)));
    }

    private static void holdings(List<Peer> peers, LoadTool load, List<Holding> holdings)
            throws IOException, InterruptedException {
        for (Peer peer : peers) {
            if (peer.isProxy()) {
                System.err.println("idle connections over " + peer.name());
                holdings.add(Holding.measure(peer, load, 9000));
            }
        }
    }

    private int rounds() {
        return rounds > 0 ? rounds : quick ? 3 : 5;
    }

    private double seconds() {
        return seconds > 0 ? seconds : quick ? 0.5 : 2;
    }

    private String loadCpus() {
        int last = Runtime.getRuntime().availableProcessors() - 1;
        return loadCpus.isEmpty() ? (last == 0 ? "0" : last == 1 ? "1" : "1-" + last) : loadCpus;
    }

    private Map<String, String> machine() throws IOException, InterruptedException {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("when", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        machine.put("machine", Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith("model name")).map(line -> line.substring(line.indexOf(':') + 2))
                .findFirst().orElse("unknown") + ", " + Runtime.getRuntime().availableProcessors() + " CPUs");
        machine.put("kernel", System.getProperty("os.version"));
        machine.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        machine.put("haproxy", firstLine(Peer.program("haproxy"), "-v"));
        machine.put("nginx", firstLine(Peer.program("nginx"), "-v"));
        machine.put("worker threads", workers + " each; proxies on CPU " + proxyCpus + ", load and backends on CPU "
                + loadCpus());
        return machine;
    }

    private static String firstLine(String... command) throws IOException, InterruptedException {
        return Processes.run(List.of(command)).lines().findFirst().orElse("");
    }
}
