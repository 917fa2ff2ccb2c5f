package io.sluice.it.bench;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Something that the load goes through: a proxy of its own process, or nothing at all. */
final class Peer {

    /** The first of the four ports of each backend, and of each proxy. */
    static final int PORT = 7000;
    static final List<String> BACKENDS = List.of("127.122.1.1", "127.122.1.2", "127.122.1.3");

    /** Where Sluice's Service is. */
    static final String SLUICE = "127.122.0.2";

    /** Where HAProxy's and nginx's programs and nginx's module are. */
    private static final Map<String, String> PROGRAMS = programs(System.getenv("BENCH_PEERS"));

    private final String name;
    private final String address;
    private final @Nullable List<String> command;
    private @Nullable Process process;

    private Peer(String name, String address, @Nullable List<String> command) {
        this.name = name;
        this.address = address;
        this.command = command;
    }

    /** Those of the system, or those that {@code bench-peers} has put into {@code folder}. */
    private static Map<String, String> programs(@Nullable String folder) {
        if (folder == null || folder.isEmpty()) {
            return Map.of("haproxy", "haproxy", "nginx", "nginx", "stream",
                    "/usr/lib/nginx/modules/ngx_stream_module.so");
        }
        Path home = Path.of(folder).toAbsolutePath();
        return Map.of("haproxy", home.resolve("haproxy").toString(), "nginx", home.resolve("nginx").toString(),
                "stream", home.resolve("ngx_stream_module.so").toString());
    }

    /** What to call for {@code haproxy} or {@code nginx}, and the file of nginx's module {@code stream}. */
    static String program(String name) {
        return Objects.requireNonNull(PROGRAMS.get(name), name);
    }

    /** All of them, Sluice second. They run on {@code cpus} with {@code workers} worker threads each. */
    static List<Peer> all(Path home, Path work, String cpus, int workers) throws IOException {
        return List.of(direct(), sluice(home, work, cpus, workers),
                haproxy(HaproxyKind.COPY, 9300, "", work, cpus, workers),
                haproxy(HaproxyKind.SPLICE, 9300, "", work, cpus, workers),
                haproxy(HaproxyKind.LARGE_PIPES, 9300, "", work, cpus, workers),
                nginx("", work, cpus, workers));
    }

    /** No proxy: the load goes to a backend. */
    static Peer direct() {
        return new Peer("direct", BACKENDS.getFirst(), null);
    }

    /** Sluice alone. */
    static Peer sluice(Path home, Path work, String cpus, int workers) throws IOException {
        return sluice(home, work, cpus, workers, List.of());
    }

    /** Sluice with {@code more} arguments that say where its Services are. */
    static Peer sluice(Path home, Path work, String cpus, int workers, List<String> more) throws IOException {
        Path manifest = work.resolve("sluice.yaml");
        Files.writeString(manifest, """
                apiVersion: v1
                kind: Service
                metadata: {name: bench}
                spec:
                  clusterIP: %s
                  ports: [%s]
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: bench-1, labels: {kubernetes.io/service-name: bench}}
                addressType: IPv4
                ports: [%s]
                endpoints: [%s]
                """.formatted(SLUICE, ports(port -> "{name: p" + port + ", port: " + port + "}"),
                ports(port -> "{name: p" + port + ", port: " + port + "}"),
                BACKENDS.stream().map(b -> "{addresses: [" + b + "]}").collect(Collectors.joining(", "))));
        return sluice(home, Stream.concat(Stream.of("-f", manifest.toString()), more.stream()).toList(), cpus,
                workers);
    }

    /** Sluice with a source of Services, which have to have one at {@link #SLUICE}. */
    static Peer sluice(Path home, List<String> source, String cpus, int workers) {
        List<String> arguments = new ArrayList<>(List.of(home.resolve("sluice").toString(), "run"));
        arguments.addAll(source);
        arguments.addAll(List.of("--worker-threads", Integer.toString(workers), "--metrics-bind-address",
                SLUICE + ":7010", "--healthz-bind-address", SLUICE + ":7010", "--log-level", "warn"));
        return new Peer("sluice", SLUICE, pinned(cpus, arguments.toArray(String[]::new)));
    }

    /** How HAProxy moves bytes. */
    enum HaproxyKind {
        COPY("haproxy", "127.122.0.3", ""),
        SPLICE("haproxy-splice", "127.122.0.4", ""),
        /** With pipes as large as Sluice's. */
        LARGE_PIPES("haproxy-pipes", "127.122.0.6", "tune.pipesize 524288");

        private final String title;
        private final String address;
        private final String tuning;

        HaproxyKind(String title, String address, String tuning) {
            this.title = title;
            this.address = address;
            this.tuning = tuning;
        }

        String title() {
            return title;
        }
    }

    /** HAProxy that copies, or splices with its own size of pipes. */
    static Peer haproxy(boolean splice, int connections, String sections, Path work, String cpus, int workers)
            throws IOException {
        return haproxy(splice ? HaproxyKind.SPLICE : HaproxyKind.COPY, connections, sections, work, cpus, workers);
    }

    /**
     * HAProxy.
     *
     * @param connections at most
     * @param sections    more of its configuration
     */
    static Peer haproxy(HaproxyKind kind, int connections, String sections, Path work, String cpus, int workers)
            throws IOException {
        String name = kind.title;
        String address = kind.address;
        Path file = work.resolve(name + ".cfg");
        StringBuilder text = new StringBuilder("""
                global
                  nbthread %d
                  maxconn %d
                  maxpipes 500
                  %s
                  stats socket %s level admin
                defaults
                  mode tcp
                  timeout connect 5s
                  timeout client 1h
                  timeout server 1h
                  balance roundrobin
                  %s
                """.formatted(workers, connections, kind.tuning, work.resolve(name + ".sock"),
                kind != HaproxyKind.COPY ? "option splice-request\n  option splice-response" : ""));
        for (int port = PORT; port < PORT + 4; port++) {
            text.append("listen l%d%n  bind %s:%d%n".formatted(port, address, port));
            for (int i = 0; i < BACKENDS.size(); i++) {
                text.append("  server s%d %s:%d%n".formatted(i, BACKENDS.get(i), port));
            }
        }
        Files.writeString(file, text.append(sections));
        return new Peer(name, address, pinned(cpus, program("haproxy"), "-db", "-q", "-f", file.toString()));
    }

    /** Where HAProxy is told of changes while it runs. */
    static Path control(Path work, boolean splice) {
        return work.resolve(splice ? "haproxy-splice.sock" : "haproxy.sock");
    }

    /** nginx; {@code more} goes into its configuration. */
    static Peer nginx(String more, Path work, String cpus, int workers) throws IOException {
        return new Peer("nginx", "127.122.0.5",
                pinned(cpus, program("nginx"), "-c", configureNginx(more, work, workers).toString()));
    }

    /** Writes the configuration, which it reads at its start and at SIGHUP. */
    static Path configureNginx(String more, Path work, int workers) throws IOException {
        Path file = work.resolve("nginx.conf");
        String servers = IntStream.range(PORT, PORT + 4).mapToObj(port -> """
                upstream u%1$d { %3$s }
                server { listen %2$s:%1$d backlog=4096; proxy_pass u%1$d; }
                """.formatted(port, "127.122.0.5",
                BACKENDS.stream().map(b -> "server " + b + ":" + port + ";").collect(Collectors.joining(" "))))
                .collect(Collectors.joining());
        return Files.writeString(file, """
                load_module %s;
                worker_processes %d; daemon off; pid %s; error_log %s crit;
                events { worker_connections 19000; }
                stream { proxy_timeout 1h; proxy_half_close on; tcp_nodelay on;
                %s}
                """.formatted(program("stream"), workers, work.resolve("nginx.pid"), work.resolve("nginx.log"),
                servers + more));
    }

    private static String ports(IntFunction<String> text) {
        return IntStream.range(PORT, PORT + 4).mapToObj(text).collect(Collectors.joining(", "));
    }

    private static List<String> pinned(String cpus, String... command) {
        return Stream.concat(Stream.of("taskset", "-c", cpus), Stream.of(command)).toList();
    }

    String name() {
        return name;
    }

    /** Whether there is a process to measure. */
    boolean isProxy() {
        return command != null;
    }

    /** Where the load for {@code backend} goes. */
    String target(Work.Backend backend) {
        return address + ":" + backend.port();
    }

    /** Starts it and waits until it accepts connections; how long that took from the start of its process. */
    Duration start() throws IOException, InterruptedException {
        if (command == null) {
            return Duration.ZERO;
        }
        InetSocketAddress target = new InetSocketAddress(address, PORT);
        try (Socket socket = new Socket()) {
            socket.connect(target);
            throw new IllegalStateException("something else listens at " + target + " and would be what is measured");
        } catch (ConnectException e) {
            // As it should be.
        }
        long began = System.nanoTime();
        Process started = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        process = started;
        while (true) {
            try (Socket socket = new Socket()) {
                socket.connect(target);
                return Duration.ofNanos(System.nanoTime() - began);
            } catch (IOException e) {
                if (!started.isAlive() || System.nanoTime() - began > 60_000_000_000L) {
                    throw new IOException(name + " does not start: " + e.getMessage(), e);
                }
                Thread.sleep(1);
            }
        }
    }

    /** Its processes. */
    List<Long> pids() {
        Process running = process;
        if (running == null) {
            return List.of();
        }
        List<Long> pids = new ArrayList<>(List.of(running.pid()));
        running.descendants().map(ProcessHandle::pid).forEach(pids::add);
        return pids;
    }

    /** Stops its processes until {@link #resume}: what does nothing is not to take the others' processor either. */
    void pause() throws IOException, InterruptedException {
        Processes.signal("STOP", pids());
    }

    /** Lets them run again. */
    void resume() throws IOException, InterruptedException {
        Processes.signal("CONT", pids());
    }

    /** Resident memory of all its processes, in bytes. */
    long resident() throws IOException {
        long sum = 0;
        for (long pid : pids()) {
            sum += Processes.resident(pid);
        }
        return sum;
    }

    void stop() throws InterruptedException {
        Process running = process;
        if (running != null) {
            Processes.end(running);
            process = null;
        }
    }
}
