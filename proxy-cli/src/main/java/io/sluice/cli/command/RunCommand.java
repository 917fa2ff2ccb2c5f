package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.AdminFlags;
import io.sluice.cli.config.BalancingFlags;
import io.sluice.cli.config.CommonFlags;
import io.sluice.cli.config.ConnectionFlags;
import io.sluice.cli.config.DnsFlags;
import io.sluice.cli.config.FlowFlags;
import io.sluice.cli.config.KubernetesFlags;
import io.sluice.cli.config.ListenerFlags;
import io.sluice.cli.config.LogFlags;
import io.sluice.cli.config.NodeFlags;
import io.sluice.cli.config.ServiceFlags;
import io.sluice.cli.config.SettingSources;
import io.sluice.cli.log.LogFormat;
import io.sluice.cli.log.LogLevel;
import io.sluice.cli.log.Logging;
import io.sluice.cli.render.Terminal;
import io.sluice.daemon.Sluice;
import io.sluice.daemon.SluiceConfig;
import io.sluice.daemon.StartException;
import io.sluice.daemon.Supervision;
import io.sluice.liveness.FatalErrors;
import io.sluice.node.ServiceManager;
import io.sluice.proxy.ProxySettings;
import io.sluice.reconcile.AppliedState;
import io.sluice.source.kubernetes.KubernetesOptions;
import io.sluice.source.manifest.ManifestInputs;
import io.sluice.text.Printable;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice run}: the daemon, until a signal ends it. Its options are the one definition of all settings. */
@Command(
        name = RunCommand.NAME,
        header = "Proxy the Services of a cluster or of a set of manifests until Ctrl-C.",
        description = {"",
                "With -f: gives each Service a ClusterIP of this machine and spreads connections to it over its ready "
                        + "endpoints. Edits of the manifests take effect at once and never touch established connections.",
                "",
                "Without -f: does the same for the Services of a Kubernetes cluster, found as kubectl finds it, in place "
                        + "of kube-proxy. While its API server is away the last known state stays in force.",
                "", "SIGTERM or Ctrl-C: no new connections, established ones may go on for --drain-timeout, then exit "
                        + "code 0. A second one ends at once. SIGHUP reads the manifests, or lists all of the cluster, again."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice run -f manifests/", "",
                "  No privilege for ports below 1024: serve port 80 at 10080.",
                "  sluice run -f svc.yaml -f pods.yaml --port-offset 10000", "",
                "  The program of a Deployment runs here, at a port of its own.",
                "  sluice run -f manifests/ --endpoint shop/api=127.0.0.1:3000", "",
                "  What a cluster has, from here.",
                "  kubectl get svc,endpointslices -A -o yaml | sluice run -f -", "",
                "  The Services of a cluster; the state is kept for a restart in an outage.",
                "  sluice run --kubeconfig FILE --state-file /var/lib/sluice/state", "",
                "  What is set, and by what.", "  sluice run --config sluice.yaml --print-config"})
public final class RunCommand implements Callable<Integer> {

    public static final String NAME = "run";

    private static final Logger LOG = LoggerFactory.getLogger("sluice");

    private static final int SHOWN_PORTS = 30;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = "--print-config", description = "Print the settings in effect as a configuration file, and end.")
    private boolean printConfig;

    @Mixin(name = "services")
    private ServiceFlags services = new ServiceFlags();

    @Mixin(name = "kubernetes")
    private KubernetesFlags kubernetes = new KubernetesFlags();

    @Mixin(name = "listeners")
    private ListenerFlags listeners = new ListenerFlags();

    @Mixin(name = "node")
    private NodeFlags node = new NodeFlags();

    @Mixin(name = "balancing")
    private BalancingFlags balancing = new BalancingFlags();

    @Mixin(name = "connections")
    private ConnectionFlags connections = new ConnectionFlags();

    @Mixin(name = "flows")
    private FlowFlags flows = new FlowFlags();

    @Mixin(name = "dns")
    private DnsFlags dns = new DnsFlags();

    @Mixin(name = "admin")
    private AdminFlags admin = new AdminFlags();

    @Mixin(name = "logs")
    private LogFlags logs = new LogFlags();

    @Override
    public Integer call() throws StartException, InterruptedException, IOException {
        PrintWriter out = spec.commandLine().getOut();
        SettingSources sources = (SettingSources) spec.commandLine().getDefaultValueProvider();
        if (printConfig) {
            sources.warnings()
                    .forEach(warning -> spec.commandLine().getErr().println("sluice: " + Printable.of(warning)));
            out.print(sources.effective(spec));
            out.flush();
            return ExitCode.OK;
        }
        Map<String, String> environment = main.environment();
        SluiceConfig config = config(environment);
        Logging.set(logs.logFormat(), CommonFlags.verbose(spec) ? LogLevel.DEBUG : logs.logLevel(),
                Terminal.colours(Terminal.STDERR, environment));
        sources.warnings().forEach(warning -> LOG.warn("{}", warning));
        if (LOG.isDebugEnabled()) {
            sources.effective(spec).lines().filter(line -> !line.isEmpty()).forEach(line -> LOG.debug("{}", line));
        }
        FatalErrors.install();
        Sluice sluice = Sluice.start(config, VersionCommand.version(), main::droppedLines);
        try {
            DaemonLoop loop = main.daemonLoop();
            sluice.applied().ifPresent(this::introduce);
            sluice.succeeded().thenRun(loop::succeeded);
            loop.run(new DaemonLoop.Daemon() {
                @Override
                public void reload() {
                    sluice.reload();
                }

                @Override
                public boolean drain() {
                    return sluice.drain();
                }

                @Override
                public void close() {
                    sluice.close();
                }
            }, node.stayAfterHandover());
        } finally {
            sluice.close();
        }
        return ExitCode.OK;
    }

    /** Logs what is served, with a table for people if it fits on a screen. */
    private void introduce(AppliedState state) {
        if (logs.logFormat() == LogFormat.TEXT && !state.ports().isEmpty() && state.ports().size() <= SHOWN_PORTS) {
            PrintWriter out = main.servingOut(spec);
            out.println(SnapshotView.table(state));
            out.flush();
        }
        LOG.info("serving {}", SnapshotView.summary(state.snapshot()));
    }

    /** The daemon's configuration; everything in it has been checked. */
    SluiceConfig config(Map<String, String> environment) {
        ManifestInputs manifests = services.inputs();
        String nodeName = services.nodeName(environment);
        if (!manifests.isEmpty()) {
            kubernetes.refuseBesideManifests();
        }
        Optional<KubernetesOptions> cluster =
                manifests.isEmpty() ? Optional.of(kubernetes.options(nodeName, dns.asked(), environment))
                        : Optional.empty();
        return SluiceConfig.builder(nodeName).manifests(manifests).endpoints(services.endpoints()).kubernetes(cluster)
                .serviceCidrs(services.serviceCidrs())
                .nodePorts(services.nodePortRange().first(), services.nodePortRange().last())
                .nodePortAddresses(listeners.nodePortAddresses(cluster.isPresent()))
                .portOffset(listeners.portOffset()).balancing(balancing.balancing())
                .node(node.settings(services.serviceCidrs(), cluster.isPresent())).proxy(proxy())
                .drainTimeout(connections.drainTimeout()).metricsBindAddress(admin.metricsBindAddress())
                .healthzBindAddress(admin.healthzBindAddress())
                .metricsAllowedHosts(admin.metricsAllowedHosts(nodeName))
                .bindAddressHardFail(admin.bindAddressHardFail())
                .maxEndpointHistograms(admin.maxEndpointHistograms()).accessLog(logs.accessLog())
                .dns(Optional.of(dns.settings(services.serviceCidrs(), balancing.balancing().clusterCidrs())))
                .namespaces(true).operators(Logging::level)
                .supervision(new Supervision(admin.stallTimeout(),
                        ServiceManager.of(environment, ProcessHandle.current().pid())))
                .build();
    }

    private ProxySettings proxy() {
        return ProxySettings.builder().peers(connections.peers()).flows(flows.settings())
                .transport(listeners.transport())
                .workerThreads(listeners.workerThreads())
                .connectTimeout(connections.connectTimeout()).connectRetries(connections.connectRetries())
                .idleTimeout(connections.idleTimeout()).halfCloseTimeout(connections.halfCloseTimeout())
                .maxConnections(connections.maxConnections())
                .maxConnectionsPerService(connections.maxConnectionsPerService()).backlog(listeners.backlog())
                .buffers(connections.buffers()).build();
    }
}
