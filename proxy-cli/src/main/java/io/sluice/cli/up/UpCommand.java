package io.sluice.cli.up;

import io.sluice.cli.command.DaemonCommand;
import io.sluice.cli.command.PrivilegedPorts;
import io.sluice.cli.log.LogLevel;
import io.sluice.cli.render.Terminal;
import io.sluice.daemon.Sluice;
import io.sluice.daemon.SluiceConfig;
import io.sluice.daemon.StartException;
import io.sluice.dns.server.DnsSettings;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.manifest.GivenEndpoint;
import io.sluice.source.manifest.LoadedManifests;
import io.sluice.source.manifest.ManifestOptions.PodDetail;
import io.sluice.source.manifest.ManifestSource;
import io.sluice.source.probe.LocalReadiness;
import io.sluice.source.probe.LocalReadiness.WithoutProbe;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code sluice up}: serves the Services of manifests, and runs the programs that play their Pods. */
@Command(
        name = UpCommand.NAME,
        header = "Serve the Services of manifests and run your programs as their pods.",
        description = {"",
                "Reads which command plays the Pods of which workload, runs each as often as the workload has "
                        + "replicas, and serves the Services as run does. Each process gets an address of its own in HOST and "
                        + "PORT, the variables that kubelet would set, and the names of Services in /etc/hosts.",
                "", "A process takes connections while its readinessProbe succeeds, or, without one, while it accepts "
                        + "connections. It is started again when it ends. Ctrl-C ends everything."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice up -f k8s/                       with ./sluice-up.yaml or ./Procfile",
                "  sluice up -f k8s/ -c dev/sluice-up.yaml", "",
                "  A Procfile has a line for each workload, sluice-up.yaml may say more:",
                "  web: npm run dev -- --host $HOST --port $PORT", "",
                "  shop/api:",
                "    command: python3 server.py",
                "    replicas: 2",
                "    env: {LOG_LEVEL: debug}"})
public final class UpCommand extends DaemonCommand implements Callable<Integer> {

    public static final String NAME = "up";

    private static final List<String> DEFAULT_FILES = List.of("sluice-up.yaml", "Procfile");
    private static final Duration DRAIN = Duration.ofSeconds(1);
    private static final List<Integer> COLOURS = List.of(36, 33, 32, 35, 34, 96, 93, 92);

    @Option(names = {"-c", "--commands"}, paramLabel = "FILE",
            description = "Which commands play which Pods: a YAML map of workloads, or a Procfile. Default: "
                    + "sluice-up.yaml, else Procfile, in this directory.")
    private @Nullable Path commands;

    /** This machine, as far as a plan has to know it. */
    private static class Here implements ProgramPlan.Machine {

        @Override
        public boolean isFree(InetAddress ip, int port) {
            try (ServerSocket probe = new ServerSocket()) {
                probe.setReuseAddress(true);
                probe.bind(new InetSocketAddress(ip, port));
                return true;
            } catch (IOException e) {
                return false;
            }
        }

        @Override
        public int permitted(int port) {
            return PrivilegedPorts.lacksPrivilege(port) ? port + PrivilegedPorts.OFFSET : port;
        }
    }

    /** This machine, without the programs that run. */
    private static final class HereWithout extends Here {

        private final Set<EndpointAddress> own;

        HereWithout(Set<EndpointAddress> own) {
            this.own = own;
        }

        @Override
        public boolean isFree(InetAddress ip, int port) {
            return own.stream().anyMatch(address -> address.port() == port
                    && (ip.isAnyLocalAddress() || address.ip().equals(ip))) || super.isFree(ip, port);
        }
    }

    @Override
    public Integer call() throws StartException, InterruptedException, IOException {
        Map<String, String> environment = main().environment();
        if (services().inputs().paths().contains("-")) {
            throw new ParameterException(spec().commandLine(), "up reads manifests again and again: name files or"
                    + " directories with -f, not standard input");
        }
        Path file = file();
        List<Program> programs = ProgramFile.read(file);
        LoadedManifests loaded = ManifestSource.load(services().options(environment).withPrograms());
        if (loaded.hasErrors()) {
            throw new StartException(loaded.errors().stream().map(Object::toString).collect(Collectors.joining("\n")));
        }
        log(LogLevel.WARN); // the programs speak
        PrintWriter out = main().servingOut(spec());
        loaded.found().forEach(line -> out.println("found " + line));
        int offset = offset(loaded.snapshot(), out);
        ProgramPlan plan =
                ProgramPlan.of(programs, loaded.workloads(), servicePorts(loaded.snapshot(), offset), new Here());
        List<GivenEndpoint> endpoints = new ArrayList<>(plan.endpoints());
        endpoints.addAll(services().endpoints());
        LocalReadiness readiness = new LocalReadiness(WithoutProbe.PROBED_BY_CONNECTING);
        plan.replicas().forEach(replica -> readiness.stopped(replica.pod(), "its program has not started yet"));
        SluiceConfig.Builder config = config(environment).endpoints(endpoints).readiness(Optional.of(readiness))
                .podDetail(PodDetail.PROGRAMS)
                .portOffset(offset);
        if (!isSet("--drain-timeout")) {
            config.drainTimeout(DRAIN);
        }
        SluiceConfig built = config.build();
        String domain = built.dns().map(DnsSettings::clusterDomain).orElse("cluster.local");
        Set<EndpointAddress> own = plan.replicas().stream().map(Replica::address).collect(Collectors.toSet());
        Set<Integer> ports = servicePorts(loaded.snapshot(), offset);
        ProgramEdits edits = new ProgramEdits(file,
                edited -> ProgramPlan.of(edited, loaded.workloads(), ports, new HereWithout(own)));
        try (ProgramLauncher launcher = ProgramLauncher.open(environment)) {
            serve(built, new Programming(plan, launcher, readiness, domain, offset, out, environment, edits));
        }
        return ExitCode.OK;
    }

    private Path file() {
        if (commands != null) {
            return commands;
        }
        return DEFAULT_FILES.stream().map(Path::of).filter(Files::exists).findFirst()
                .orElseThrow(() -> new ParameterException(spec().commandLine(), "no commands given: write "
                        + DEFAULT_FILES.getFirst() + " or a " + DEFAULT_FILES.getLast()
                        + " here, with a line 'NAMESPACE/NAME: COMMAND' for each workload, or say -c FILE"));
    }

    /** The offset that was given, else 0, or one with which no port needs a privilege, as in the demo. */
    private int offset(ClusterSnapshot snapshot, PrintWriter out) {
        if (isSet("--port-offset")) {
            return listeners().portOffset();
        }
        if (servicePorts(snapshot, 0).stream().anyMatch(PrivilegedPorts::lacksPrivilege)) {
            out.println(
                    PrivilegedPorts.notice() + "Programs find the ports in the variables, such as API_SERVICE_PORT.\n");
            return PrivilegedPorts.OFFSET;
        }
        return 0;
    }

    private static Set<Integer> servicePorts(ClusterSnapshot snapshot, int offset) {
        return snapshot.services().values().stream().filter(state -> state.service().proxied())
                .map(ServiceState::ports).flatMap(List::stream).map(PortState::port).map(port -> port.port() + offset)
                .collect(Collectors.toSet());
    }

    /** Runs the programs beside the daemon. */
    private static final class Programming implements Beside {

        private final ProgramPlan plan;
        private final ProgramLauncher launcher;
        private final LocalReadiness readiness;
        private final String domain;
        private final int offset;
        private final PrintWriter out;
        private final Map<String, String> environment;
        private final ProgramEdits edits;
        private volatile @Nullable ProgramSupervisor supervisor;

        Programming(ProgramPlan plan, ProgramLauncher launcher, LocalReadiness readiness, String domain, int offset,
                PrintWriter out, Map<String, String> environment, ProgramEdits edits) {
            this.plan = plan;
            this.launcher = launcher;
            this.readiness = readiness;
            this.domain = domain;
            this.offset = offset;
            this.out = out;
            this.environment = environment;
            this.edits = edits;
        }

        @Override
        public void started(Sluice sluice) {
            if (!launcher.givesNames()) {
                out.println(
                        "This machine permits no mount namespaces: programs find Services by variables, not by name.");
            }
            for (Replica replica : plan.replicas()) {
                out.println(replica.pod() + (replica.listens() ? " is to listen at " + replica.address() : " runs")
                        + (replica.once() ? ", once" : ""));
            }
            out.println();
            ProgramSupervisor made = new ProgramSupervisor(plan.replicas(), launcher, readiness, environment,
                    () -> new ProgramSupervisor.Surroundings(sluice.applied().orElseThrow().snapshot(), offset, domain),
                    prefixed(), edits, out::println);
            supervisor = made;
            made.start();
        }

        private BiConsumer<Replica, String> prefixed() {
            boolean colours = Terminal.colours(Terminal.STDOUT, environment);
            boolean namespaces = plan.replicas().stream().map(r -> r.pod().namespace()).distinct().count() > 1;
            int width = plan.replicas().stream().mapToInt(r -> label(r, namespaces).length()).max().orElse(0);
            Map<Program, Integer> colour = new LinkedHashMap<>();
            plan.replicas().forEach(replica -> colour.computeIfAbsent(replica.program(),
                    p -> COLOURS.get(colour.size() % COLOURS.size())));
            return (replica, line) -> {
                String label = label(replica, namespaces);
                String prefix = label + " ".repeat(width - label.length()) + " | ";
                out.println((colours ? "\u001b[" + colour.get(replica.program()) + "m" + prefix + "\u001b[0m" : prefix)
                        + line);
            };
        }

        private static String label(Replica replica, boolean namespaces) {
            return namespaces ? replica.pod().toString() : replica.pod().name();
        }

        @Override
        public void stopping() {
            ProgramSupervisor made = supervisor;
            if (made != null) {
                made.stop();
            }
        }

        @Override
        public void abandon() {
            ProgramSupervisor made = supervisor;
            if (made != null) {
                made.kill();
            }
        }
    }
}
