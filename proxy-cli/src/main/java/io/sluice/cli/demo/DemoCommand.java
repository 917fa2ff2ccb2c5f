package io.sluice.cli.demo;

import io.sluice.cli.Main;
import io.sluice.cli.command.FailureException;
import io.sluice.cli.command.PrivilegedPorts;
import io.sluice.cli.command.Signals;
import io.sluice.cli.command.SnapshotView;
import io.sluice.cli.command.VersionCommand;
import io.sluice.cli.config.AdminFlags;
import io.sluice.cli.config.ConnectionFlags;
import io.sluice.cli.config.DnsFlags;
import io.sluice.cli.config.BoundedInt;
import io.sluice.cli.log.LogFormat;
import io.sluice.cli.log.LogLevel;
import io.sluice.cli.log.Logging;
import io.sluice.daemon.Sluice;
import io.sluice.daemon.SluiceConfig;
import io.sluice.daemon.StartException;
import io.sluice.dns.server.DnsLimits;
import io.sluice.dns.server.DnsSettings;
import io.sluice.dns.zone.PodRecords;
import io.sluice.http.AllowedHosts;
import io.sluice.linux.SocketFailures;
import io.sluice.metrics.AccessLog;
import io.sluice.proxy.ProxySettings;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.manifest.ManifestInputs;
import io.sluice.source.manifest.ManifestOptions;
import io.sluice.source.manifest.ManifestSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice demo}: everything at once on this machine, pods included, and nothing left behind. */
@Command(
        name = DemoCommand.NAME,
        header = "See it work: three pods, two Services and the proxy, on this machine's loopback addresses.",
        description = {"", "Starts small HTTP servers in place of pods, proxies the example manifests, and shows each "
                + "connection as it is balanced. Type the printed commands in another terminal. Ctrl-C leaves nothing "
                + "behind."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice demo",
                "  sluice demo --connections 6       make six connections, then end",
                "  sluice demo --port-offset 10000   serve port 80 at 10080: no privilege needed"})
public final class DemoCommand implements Callable<Integer> {

    public static final String NAME = "demo";

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = "--port-offset", paramLabel = "N", converter = BoundedInt.PortOffset.class,
            description = "Added to the port of every cluster IP. Default: 0, or " + PrivilegedPorts.OFFSET
                    + " where ports below 1024 need a privilege that is missing")
    private @Nullable Integer portOffset;

    @Option(names = "--connections", paramLabel = "N", converter = BoundedInt.Requests.class,
            description = "Make N connections to the first Service, show where each went, and end.")
    private @Nullable Integer connections;

    /** A port of a cluster IP that answers, with the port number that clients use. */
    private record Target(String service, String portName, InetAddress ip, int port) {

        String url() {
            String host = IpAddresses.format(ip);
            return "http://" + (host.contains(":") ? "[" + host + "]" : host) + (port == 80 ? "" : ":" + port) + "/";
        }
    }

    @Override
    public Integer call() throws FailureException, StartException, InterruptedException, IOException {
        PrintWriter out = main.servingOut(spec);
        // From here on a signal ends the demo in order, so that its files are deleted.
        CountDownLatch stopped = new CountDownLatch(1);
        Signals.on(stopped::countDown, "TERM", "INT", "HUP");
        try (DemoFiles files = DemoFiles.unpack()) {
            ClusterSnapshot snapshot = ManifestSource.load(options(files)).snapshot();
            try (DemoPods pods = DemoPods.start(snapshot)) {
                int offset = offset(snapshot, out);
                List<Target> targets = targets(snapshot, offset);
                InetSocketAddress metrics = freeAddress("metrics", 10249, out);
                InetSocketAddress healthz = freeAddress("health", 10256, out);
                InetSocketAddress names = new InetSocketAddress(IpAddresses.parse("127.121.0.53"),
                        DnsFlags.DNS_PORT
                                + (PrivilegedPorts.lacksPrivilege(DnsFlags.DNS_PORT) ? PrivilegedPorts.OFFSET : 0));
                DemoConnections lines = DemoConnections.install(pods, out);
                Sluice sluice = Sluice.start(config(files, offset, metrics, healthz, names), VersionCommand.version(),
                        main::droppedLines);
                try {
                    introduce(sluice, pods, targets, files, metrics, names, out);
                    if (connections != null) {
                        makeConnections(targets.getFirst(), connections, stopped, lines, out);
                    } else {
                        stopped.await();
                    }
                } finally {
                    sluice.close();
                    Logging.set(LogFormat.TEXT, LogLevel.WARN, false);
                }
            }
        }
        if (connections == null) {
            out.println("\nStopped; nothing is left behind.");
        }
        return ExitCode.OK;
    }

    private static ManifestOptions options(DemoFiles files) {
        return new ManifestOptions(List.of(files.directory().toString()), List.of(Cidr.parse("127.120.0.0/16")), 30_000,
                32_767, "demo");
    }

    private static SluiceConfig config(DemoFiles files, int offset, InetSocketAddress metrics,
            InetSocketAddress healthz, InetSocketAddress names) {
        ProxySettings proxy = ProxySettings.builder()
                .workerThreads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .maxConnections(ConnectionFlags.affordableConnections()).backlog(1_024).build();
        return SluiceConfig.builder("demo").manifests(ManifestInputs.of(List.of(files.directory().toString())))
                .serviceCidrs(List.of(Cidr.parse("127.120.0.0/16"))).nodePortAddresses(List.of("127.0.0.0/8"))
                .portOffset(offset).proxy(proxy).drainTimeout(Duration.ofSeconds(1))
                .metricsBindAddress(Optional.of(metrics)).healthzBindAddress(Optional.of(healthz))
                .metricsAllowedHosts(new AllowedHosts(List.of(), AdminFlags.METRICS_ALLOWED_HOSTS))
                .accessLog(AccessLog.fields()).dns(Optional.of(dns(names))).namespaces(true).operators(Logging::level)
                .build();
    }

    /** Settings of DNS: other names are resolved by this machine's own DNS servers. */
    private static DnsSettings dns(InetSocketAddress listen) {
        List<InetSocketAddress> upstreams = new ArrayList<>();
        try {
            upstreams.addAll(DnsFlags.nameservers(Path.of("/etc/resolv.conf")));
        } catch (IOException e) {
            upstreams.clear(); // this machine has no DNS servers
        }
        upstreams.remove(listen);
        List<Cidr> local = List.of(Cidr.parse("127.0.0.0/8"), Cidr.parse("::1/128"));
        return new DnsSettings("cluster.local", 5, PodRecords.VERIFIED, List.of(listen), upstreams, local,
                List.of(Cidr.parse("127.120.0.0/15")), DnsLimits.DEFAULT);
    }

    /** The offset that was given, else 0, or an offset with which no port needs a privilege. */
    private int offset(ClusterSnapshot snapshot, PrintWriter out) {
        if (portOffset != null) {
            return portOffset;
        }
        for (Target target : targets(snapshot, 0)) {
            if (PrivilegedPorts.lacksPrivilege(target.port())) {
                out.println(PrivilegedPorts.notice());
                return PrivilegedPorts.OFFSET;
            }
        }
        return 0;
    }

    private static InetSocketAddress freeAddress(String what, int port, PrintWriter out) throws FailureException {
        InetAddress loopback = IpAddresses.parse("127.0.0.1");
        for (int candidate : new int[] {port, 0}) {
            InetSocketAddress address = new InetSocketAddress(loopback, candidate);
            try (ServerSocket probe = new ServerSocket()) {
                probe.bind(address);
                if (candidate == 0) {
                    out.println("Port " + port + " for " + what + " is in use; the demo uses " + probe.getLocalPort()
                            + " instead.");
                }
                return new InetSocketAddress(loopback, probe.getLocalPort());
            } catch (IOException e) {
                if (candidate == 0) {
                    throw new FailureException("no free port at 127.0.0.1: " + SocketFailures.bindReason(e, address),
                            e);
                }
            }
        }
        throw new IllegalStateException("unreachable");
    }

    private static List<Target> targets(ClusterSnapshot snapshot, int offset) {
        List<Target> targets = new ArrayList<>();
        for (ServiceState state : snapshot.services().values()) {
            for (PortState port : state.ports()) {
                boolean local = port.endpoints().endpoints().stream()
                        .anyMatch(endpoint -> endpoint.ready() && endpoint.address().ip().isLoopbackAddress());
                if (local && state.service().proxied() && port.port().protocol() == Protocol.TCP) {
                    targets.add(new Target(state.service().name().name(), port.port().name(),
                            state.service().clusterIps().getFirst(), port.port().port() + offset));
                }
            }
        }
        // The Service of the examples comes first.
        targets.sort((a, b) -> Boolean.compare(b.service().equals("kubia"), a.service().equals("kubia")));
        return targets;
    }

    private void introduce(Sluice sluice, DemoPods pods, List<Target> targets, DemoFiles files,
            InetSocketAddress metrics, InetSocketAddress names, PrintWriter out) {
        sluice.applied().ifPresent(state -> out.println(SnapshotView.table(state)));
        String server = metrics.getPort() == 10249 ? "" : " --server 127.0.0.1:" + metrics.getPort();
        out.println(pods.size() + " small HTTP servers play the pods. In another terminal, by address:");
        out.println();
        for (Target target : targets) {
            out.println(
                    "    curl " + target.url() + (target.portName().contains("https") ? "    # plain HTTP, too" : ""));
        }
        out.println();
        out.println("by the variables that a pod gets:");
        out.println();
        out.println("    ./sluice env" + server);
        out.println("    ./sluice exec" + server + " -- sh -c 'curl -s $KUBIA_SERVICE_HOST:$KUBIA_SERVICE_PORT'");
        out.println();
        out.println("by name:");
        out.println();
        out.println("    ./sluice exec" + server + " -- curl -s kubia");
        out.println("    dig @" + IpAddresses.format(names.getAddress())
                + (names.getPort() == DnsFlags.DNS_PORT ? "" : " -p " + names.getPort())
                + " +short kubia.default.svc.cluster.local");
        out.println();
        out.println("and what the proxy knows:");
        out.println();
        out.println("    ./sluice get services" + server);
        out.println("    ./sluice get endpoints" + server);
        out.println();
        out.println("The manifests are in " + files.directory() + "; edit them, and the proxy follows.");
        out.println();
        out.println("Connections, client → Service → pod" + (connections == null ? " (Ctrl-C to stop):" : ":"));
        out.flush();
    }

    private static void makeConnections(Target target, int count, CountDownLatch stopped, DemoConnections lines,
            PrintWriter out)
            throws FailureException, InterruptedException {
        Map<String, Integer> hits = new TreeMap<>();
        int made = 0;
        while (made < count && stopped.getCount() > 0) {
            hits.merge(get(target), 1, Integer::sum);
            made++;
        }
        lines.await(made, PATIENCE);
        out.println();
        out.println(made + (made == 1 ? " connection" : " connections") + " to " + target.url() + ":");
        hits.forEach((answer, times) -> out.println("    " + times + " × " + answer));
        out.flush();
    }

    /** One connection, one request, the answer's last line. */
    private static String get(Target target) throws FailureException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(target.ip(), target.port()), (int) PATIENCE.toMillis());
            socket.setSoTimeout((int) PATIENCE.toMillis());
            String request = "GET / HTTP/1.1\r\nHost: " + target.service() + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            String answer = new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
            return answer.substring(answer.lastIndexOf('\n') + 1);
        } catch (IOException e) {
            throw new FailureException("the demo's own connection to " + target.url() + " failed: "
                    + SocketFailures.connectReason(e), e);
        }
    }
}
