package io.sluice.it.bench;

import io.sluice.it.bench.Results.Spread;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Work on the way that packets take on a node: a client, a node and endpoints in network namespaces of their own, with cables
 * between them; the CPU time of the whole machine beside the proxy's, as much of it is the kernel's on nobody's account. Each
 * way through the node has namespaces of its own, so that nobody's rules are in another's way.
 */
final class Veths implements Closeable {

    /** The works that are done if none is chosen, the most telling ones. */
    static final List<Work> WORKS = List.of(Work.BULK_DOWN, Work.BULK_BOTH, Work.BULK_8_DOWN, Work.REQUESTS_64,
            Work.QUARTER_LOAD, Work.HALF_LOAD, Work.HEAVY_LOAD, Work.CONNECTIONS, Work.QUESTIONS, Work.FLOWS);

    private static final String SERVICE = "10.96.0.50";
    /** The Services of datagrams: how long a flow lasts is said of a whole Service. */
    private static final Map<Work.Backend, String> DATAGRAM_SERVICES =
            Map.of(Work.Backend.ANSWER, "10.96.0.51", Work.Backend.FLOWS, "10.96.0.52");
    private static final String NODE = "10.60.1.1";
    private static final List<String> ENDPOINTS = List.of("10.60.2.2", "10.60.2.3", "10.60.2.4");
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** How packets pass the node. */
    enum Way {
        /** Routed to an endpoint: what client, cables and endpoint cost. */
        DIRECT("direct", ENDPOINTS.getFirst()),
        /** The kernel's NAT with the rules that kube-proxy makes. */
        DNAT("kube-proxy's nftables DNAT", SERVICE),
        HAPROXY("haproxy", NODE),
        HAPROXY_SPLICE("haproxy-splice", NODE),
        HAPROXY_PIPES("haproxy-splice, 512 KiB pipes", NODE),
        NGINX("nginx", NODE),
        LOCAL_ROUTE("sluice, local-route", SERVICE),
        NFTABLES("sluice, nftables", SERVICE),
        /** Each connection goes to the kernel as soon as it has an endpoint. */
        HANDED("sluice, nftables, handed over", SERVICE);

        private final String title;
        private final String target;

        Way(String title, String target) {
            this.title = title;
            this.target = target;
        }

        boolean does(Work work) {
            return !work.datagrams() || this != HAPROXY && this != HAPROXY_SPLICE && this != HAPROXY_PIPES;
        }

        /** Whether it is another proxy. */
        boolean peer() {
            return this == HAPROXY || this == HAPROXY_SPLICE || this == HAPROXY_PIPES || this == NGINX;
        }

        boolean sluice() {
            return this == LOCAL_ROUTE || this == NFTABLES || this == HANDED;
        }

        /** Where the load for {@code work} goes. */
        String target(Work work) {
            return (target.equals(SERVICE) ? DATAGRAM_SERVICES.getOrDefault(work.backend(), target) : target) + ":"
                    + work.backend().port();
        }
    }

    /** One turn, with the CPU time of the whole machine in it. */
    private record Turn(Sample sample, double machineNanos) {

        /** The proxy's, in ns for each unit. */
        double cpu(Work work) {
            return sample.cpuNanos() / units(work);
        }

        /** Of what {@code work} counts: GB, requests or connections. */
        double units(Work work) {
            return work.bulk() ? sample.bytes() / 1e9 : sample.done();
        }
    }

    /** A way with what it needs to be there. */
    private static final class Lane {
        final Way way;
        final String client;
        final String node;
        final String pod;
        @Nullable
        LoadTool load;
        @Nullable
        Process proxy;

        Lane(Way way) {
            this.way = way;
            String name = "b-" + way.name().toLowerCase(Locale.ROOT).replace('_', '-') + '-';
            this.client = name + "c";
            this.node = name + "n";
            this.pod = name + "p";
        }

        List<Long> pids() {
            Process running = proxy;
            return running == null ? List.of()
                    : Stream.concat(Stream.of(running.toHandle()), running.descendants()).map(ProcessHandle::pid)
                            .toList();
        }
    }

    private final List<Lane> lanes = Arrays.stream(Way.values()).map(Lane::new).toList();
    private final Map<Work, Map<Way, List<Turn>>> turns = new EnumMap<>(Work.class);

    /** Builds everything; {@code proxyCpus} and {@code loadCpus} as taskset(1) has them. */
    void build(Path home, Path work, String proxyCpus, String loadCpus) throws IOException, InterruptedException {
        for (Lane lane : lanes) {
            cable(lane);
            // One thread in two namespaces: a client that does not sleep would keep the endpoints from running.
            lane.load = LoadTool.start(home, work, loadCpus, inside(lane.pod), Peer.PORT,
                    Stream.concat(ENDPOINTS.stream(), Stream.of("/run/netns/" + lane.client)).toList());
            List<String> command = command(lane.way, home, work);
            if (!command.isEmpty()) {
                List<String> all = new ArrayList<>(inside(lane.node));
                all.addAll(lane.way == Way.DNAT ? List.of() : List.of("taskset", "-c", proxyCpus));
                all.addAll(command);
                Process started = new ProcessBuilder(all).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
                lane.proxy = lane.way == Way.DNAT ? null : started;
            }
            awaitService(lane);
        }
    }

    private static List<String> inside(String namespace) {
        return List.of("ip", "netns", "exec", namespace);
    }

    private static void ip(String... changes) throws IOException, InterruptedException {
        for (String change : changes) {
            Processes.run(Stream.concat(Stream.of("ip"), Stream.of(change.split(" ", -1))).toList());
        }
    }

    private static void cable(Lane lane) throws IOException, InterruptedException {
        ip("netns add " + lane.client, "netns add " + lane.node, "netns add " + lane.pod);
        String n = "-n " + lane.node + " ";
        ip("-n " + lane.client + " link set lo up", n + "link set lo up", "-n " + lane.pod + " link set lo up",
                n + "link add c0 type veth peer name eth0 netns " + lane.client,
                n + "link add p0 type veth peer name eth0 netns " + lane.pod,
                n + "addr add 10.60.1.1/24 dev c0", n + "addr add 10.60.2.1/24 dev p0", n + "link set c0 up",
                n + "link set p0 up", "-n " + lane.client + " addr add 10.60.1.2/24 dev eth0",
                "-n " + lane.client + " link set eth0 up", "-n " + lane.pod + " link set eth0 up");
        for (String endpoint : ENDPOINTS) {
            ip("-n " + lane.pod + " addr add " + endpoint + "/24 dev eth0");
        }
        ip("-n " + lane.client + " route add default via 10.60.1.1",
                "-n " + lane.pod + " route add default via 10.60.2.1",
                n + "route add default via 10.60.2.2");
        Processes.run(Stream.concat(inside(lane.node).stream(), Stream.of("sysctl", "-qw", "net.ipv4.ip_forward=1"))
                .toList());
        // The one client address would run out of ports, which are in TIME_WAIT for a minute, and search for one for long.
        Processes.run(Stream.concat(inside(lane.client).stream(), Stream.of("sysctl", "-qw",
                "net.ipv4.ip_local_port_range=1024 65000", "net.ipv4.tcp_tw_reuse=1")).toList());
    }

    /** What makes the way; the files are those of the loopback's peers, with other addresses. */
    private static List<String> command(Way way, Path home, Path work) throws IOException {
        return switch (way) {
            case DIRECT -> List.of();
            case DNAT -> List.of("nft", "-f", Files.writeString(work.resolve("dnat.nft"), dnat()).toString());
            case HAPROXY -> haproxy(Peer.HaproxyKind.COPY, work);
            case HAPROXY_SPLICE -> haproxy(Peer.HaproxyKind.SPLICE, work);
            case HAPROXY_PIPES -> haproxy(Peer.HaproxyKind.LARGE_PIPES, work);
            case NGINX -> {
                Peer.configureNginx(datagramServers(), work, 1);
                yield List.of(Peer.program("nginx"), "-c", moved(work, "nginx.conf").toString());
            }
            case LOCAL_ROUTE, NFTABLES, HANDED -> {
                Peer.sluice(home, work, "0", 1);
                Files.writeString(work.resolve("sluice.yaml"), datagramServices(), StandardOpenOption.APPEND);
                yield List.of(home.resolve("sluice").toString(), "run", "-f", moved(work, "sluice.yaml").toString(),
                        "--address-mode", way == Way.LOCAL_ROUTE ? "local-route" : "nftables", "--kernel-handoff",
                        way == Way.HANDED ? "eager" : "never", "--worker-threads", "1", "--log-level", "warn");
            }
        };
    }

    private static List<String> haproxy(Peer.HaproxyKind kind, Path work) throws IOException {
        Peer.haproxy(kind, 9300, "", work, "0", 1);
        return List.of(Peer.program("haproxy"), "-db", "-q", "-f", moved(work, kind.title() + ".cfg").toString());
    }

    /** As a kube-dns is, whose flows end with their answer, and as any other Service. */
    private static String datagramServices() {
        StringBuilder out = new StringBuilder();
        DATAGRAM_SERVICES.forEach((backend, address) -> out.append("""
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: bench-%1$d, annotations: {%4$s}}
                spec: {clusterIP: %2$s, ports: [{name: u, protocol: UDP, port: %1$d}]}
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: bench-%1$d, labels: {kubernetes.io/service-name: bench-%1$d}}
                addressType: IPv4
                ports: [{name: u, protocol: UDP, port: %1$d}]
                endpoints: [%3$s]
                """.formatted(backend.port(), address,
                ENDPOINTS.stream().map(each -> "{addresses: [" + each + "]}").collect(Collectors.joining(", ")),
                backend == Work.Backend.ANSWER ? "sluice.io/udp-replies: \"1\"" : "")));
        return out.toString();
    }

    private static String datagramServers() {
        StringBuilder out = new StringBuilder();
        DATAGRAM_SERVICES.keySet().forEach(backend -> out.append("""
                upstream u%1$d { %3$s }
                server { listen %2$s:%1$d udp; proxy_pass u%1$d; %4$s }
                """.formatted(backend.port(), NODE,
                ENDPOINTS.stream().map(each -> "server " + each + ":" + backend.port() + ";")
                        .collect(Collectors.joining(" ")),
                backend == Work.Backend.ANSWER ? "proxy_responses 1;" : "proxy_timeout 3m;")));
        return out.toString();
    }

    private static Path moved(Path work, String file) throws IOException {
        String text = Files.readString(work.resolve(file)).replace(Peer.SLUICE, SERVICE)
                .replace("127.122.0.3", NODE).replace("127.122.0.4", NODE).replace("127.122.0.5", NODE)
                .replace("127.122.0.6", NODE);
        for (int i = 0; i < ENDPOINTS.size(); i++) {
            text = text.replace(Peer.BACKENDS.get(i), ENDPOINTS.get(i));
        }
        return Files.writeString(work.resolve("veths-" + file), text);
    }

    /** A map of verdicts from address and port to a chain that picks an endpoint's chain at random. */
    private static String dnat() {
        StringBuilder out = new StringBuilder("table ip bench {\n");
        StringBuilder picks = new StringBuilder();
        for (int i = 0; i < ENDPOINTS.size(); i++) {
            out.append("chain endpoint-%d { meta l4proto { tcp, udp } dnat to %s; }%n".formatted(i, ENDPOINTS.get(i)));
            picks.append(i == 0 ? "" : ", ").append(i).append(" : goto endpoint-").append(i);
        }
        out.append("chain service { numgen random mod %d vmap { %s }; }%n".formatted(ENDPOINTS.size(), picks));
        out.append("map services { type ipv4_addr . inet_proto . inet_service : verdict; elements = { ");
        for (int port = Peer.PORT; port < Peer.PORT + 4; port++) {
            out.append("%s%s . tcp . %d : goto service".formatted(port == Peer.PORT ? "" : ", ", SERVICE, port));
        }
        DATAGRAM_SERVICES.forEach((backend, address) -> out
                .append(", %s . udp . %d : goto service".formatted(address, backend.port())));
        return out.append(" }; }\nchain services { ip daddr . meta l4proto . th dport vmap @services; }\n")
                .append("chain prerouting { type nat hook prerouting priority -100; jump services; }\n}\n").toString();
    }

    private static void awaitService(Lane lane) throws IOException, InterruptedException {
        List<String> look = new ArrayList<>(inside(lane.client));
        look.addAll(List.of("timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/" + lane.way.target + "/" + Peer.PORT));
        long begun = System.nanoTime();
        while (new ProcessBuilder(look).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor() != 0) {
            if (System.nanoTime() - begun > PATIENCE_NANOS) {
                throw new IOException(lane.way.title + " does not start");
            }
            Thread.sleep(100);
        }
    }

    /** Does every work over every way in turn. */
    void measure(List<Work> only, int rounds, double seconds) throws IOException, InterruptedException {
        List<Work> works = only.isEmpty() ? WORKS : only;
        double peak = 0;
        for (Lane lane : lanes) {
            if (lane.way.sluice()) { // what it runs is compiled as it runs
                run(lane, Work.CONNECTIONS, 8, 0);
            }
            for (Work work : works) {
                if (lane.way.does(work)) {
                    run(lane, work, lane.way.sluice() ? 4 : 0.2, 0);
                }
            }
            if (lane.way == Way.HAPROXY) {
                Turn turn = run(lane, Work.REQUESTS_64, 2, 0);
                peak = turn.sample.done() / turn.sample.seconds();
            }
            Processes.signal("STOP", lane.pids());
        }
        for (int round = 0; round < rounds; round++) {
            for (Work work : works) {
                System.err.printf("round %d over veths: %s%n", round + 1, work.title());
                // As in Bench: what delays one request in a hundred needs more and shorter turns.
                int turns = work.share() > 0 ? 3 : 1;
                for (int i = 0; i < turns * lanes.size(); i++) {
                    Lane lane = lanes.get((i + round) % lanes.size());
                    if (!lane.way.does(work)) {
                        continue;
                    }
                    Processes.signal("CONT", lane.pids());
                    turns(work, lane.way).add(run(lane, work, seconds, Math.floor(peak * work.share())));
                    Processes.signal("STOP", lane.pids());
                }
            }
        }
    }

    private List<Turn> turns(Work work, Way way) {
        return turns.computeIfAbsent(work, w -> new EnumMap<>(Way.class)).computeIfAbsent(way, w -> new ArrayList<>());
    }

    private static Turn run(Lane lane, Work work, double seconds, double rate) throws IOException {
        LoadTool load = lane.load;
        if (load == null) {
            throw new IllegalStateException("there is no load tool for " + lane.way);
        }
        long begun = System.nanoTime();
        double before = Processes.machineNanos();
        Sample sample = load.run(work.load(), lane.way.target(work), lane.pids(), seconds, rate);
        double machine = Processes.machineNanos() - before;
        // The warm-up is not among what was counted.
        return new Turn(sample, machine * sample.seconds() * 1e9 / (System.nanoTime() - begun));
    }

    /**
     * Medians: the proxy's CPU time for each GB, request or connection, and its ratio to the best other proxy's of the same turn;
     * the machine's, and what that is over direct; how many a second; latencies and their ratios likewise; for how much of the
     * time the load did not get to run.
     */
    String table() {
        StringBuilder out = new StringBuilder();
        turns.forEach((work, of) -> {
            String unit = work.bulk() ? "GB" : work == Work.CONNECTIONS ? "connection" : "request";
            double scale = work.bulk() ? 1e6 : 1e3;
            double direct = machine(of, Way.DIRECT, work);
            double dnat = machine(of, Way.DNAT, work) - direct;
            out.append(String.format(Locale.ROOT,
                    "%n| %s over veths | proxy's CPU, %s/%s | × best | %ss/s | whole machine"
                            + " | over direct | × DNAT |%s%n| --- | --- | --- | --- | --- | --- | --- |%s%n",
                    work.title(),
                    work.bulk() ? "ms" : "µs", unit, unit,
                    work.bulk() ? "" : " p50 µs | p99 µs | × best | stalled |",
                    work.bulk() ? "" : " --- | --- | --- | --- |"));
            of.forEach((way, all) -> {
                double machine = machine(of, way, work);
                out.append(String.format(Locale.ROOT, "| %s | %.1f | %.2f | %.2f | %.1f | %.1f | %.1f |", way.title,
                        median(all.stream().map(turn -> turn.cpu(work)).toList()) / scale,
                        ratio(of, way, turn -> turn.cpu(work)),
                        median(all.stream().map(turn -> turn.units(work) / turn.sample.seconds()).toList()),
                        machine / scale, (machine - direct) / scale, (machine - direct) / dnat));
                if (!work.bulk()) {
                    out.append(String.format(Locale.ROOT, " %.0f | %.0f | %.2f | %.1f %% |",
                            median(all.stream().map(turn -> turn.sample.p50Micros()).toList()),
                            median(all.stream().map(turn -> turn.sample.p99Micros()).toList()),
                            ratio(of, way, turn -> turn.sample.p99Micros()),
                            median(all.stream()
                                    .map(turn -> turn.sample.stalledNanos() / turn.sample.seconds() / 1e7).toList())));
                }
                out.append('\n');
            });
        });
        return out.toString();
    }

    boolean did(Work work) {
        return turns.containsKey(work);
    }

    /** Of Sluice with interception to the best other proxy. */
    double ratio(Work work, Figure figure) {
        return ratio(turns.getOrDefault(work, Map.of()), Way.NFTABLES, turn -> figure.of(turn.sample),
                figure.moreIsBetter());
    }

    private static double ratio(Map<Way, List<Turn>> of, Way way, ToDoubleFunction<Turn> figure) {
        return ratio(of, way, figure, false);
    }

    /** The median of the ratios to the other proxy that is best in the median, turn by turn. */
    private static double ratio(Map<Way, List<Turn>> of, Way way, ToDoubleFunction<Turn> figure, boolean more) {
        Comparator<List<Turn>> byMedian =
                Comparator.comparingDouble(all -> median(all.stream().map(figure::applyAsDouble).toList()));
        List<Turn> best = of.entrySet().stream().filter(each -> each.getKey().peer()).map(Map.Entry::getValue)
                .min(more ? byMedian.reversed() : byMedian).orElse(List.of());
        List<Turn> own = of.getOrDefault(way, List.of());
        return median(IntStream.range(0, Math.min(own.size(), best.size()))
                .mapToObj(i -> figure.applyAsDouble(own.get(i)) / figure.applyAsDouble(best.get(i))).toList());
    }

    private static double machine(Map<Way, List<Turn>> of, Way way, Work work) {
        return median(
                of.getOrDefault(way, List.of()).stream().map(turn -> turn.machineNanos / turn.units(work)).toList());
    }

    private static double median(List<Double> values) {
        return Spread.of(values).median();
    }

    /** Ends the proxies and takes the namespaces away; the load tools end with this process. */
    @Override
    public void close() throws IOException {
        try {
            for (Lane lane : lanes) {
                Processes.signal("CONT", lane.pids());
                if (lane.proxy != null) {
                    Processes.end(lane.proxy);
                }
                for (String namespace : List.of(lane.client, lane.node, lane.pod)) {
                    if (Files.exists(Path.of("/run/netns", namespace))) {
                        ip("netns del " + namespace);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
