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
import io.sluice.linux.LocalListeners;
import io.sluice.liveness.FatalErrors;
import io.sluice.node.ServiceManager;
import io.sluice.proxy.ProxySettings;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.TakenPorts;
import io.sluice.source.kubernetes.KubernetesOptions;
import io.sluice.source.manifest.ManifestInputs;
import io.sluice.source.probe.LocalReadiness;
import io.sluice.source.probe.LocalReadiness.WithoutProbe;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** What commands have in common that are the daemon until a signal ends it. Their options are the settings. */
public abstract class DaemonCommand {

    /** What a command does beside the daemon; all methods are called on one thread, but for {@link #abandon}. */
    public interface Beside {

        /** Nothing. */
        Beside NOTHING = new Beside() {};

        /** The daemon has started. */
        default void started(Sluice sluice) throws StartException, InterruptedException {}

        /** A signal has come, and the daemon is about to drain. */
        default void stopping() {}

        /** The second signal has come, or the daemon has ended: whatever is left is ended at once. Any thread. */
        default void abandon() {}
    }

    private static final Logger LOG = LoggerFactory.getLogger("sluice");

    private static final int SHOWN_PORTS = 30;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

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

    protected final CommandSpec spec() {
        return spec;
    }

    protected final Main main() {
        return main;
    }

    protected final ServiceFlags services() {
        return services;
    }

    protected final ListenerFlags listeners() {
        return listeners;
    }

    /** The settings from variables and files, and where each comes from. */
    protected final SettingSources sources() {
        return (SettingSources) spec.commandLine().getDefaultValueProvider();
    }

    /** Whether a flag, a variable or a file sets {@code flag}. */
    protected final boolean isSet(String flag) {
        return spec.commandLine().getParseResult().hasMatchedOption(flag)
                || sources().origin(spec.findOption(flag)).isPresent();
    }

    /**
     * Logs as the flags say from now on.
     *
     * @param otherwise the level if they say none
     */
    protected final void log(LogLevel otherwise) {
        LogLevel level = isSet("--log-level") ? logs.logLevel() : otherwise;
        Logging.set(logs.logFormat(), CommonFlags.verbose(spec) ? LogLevel.DEBUG : level,
                Terminal.colours(Terminal.STDERR, main.environment()));
        sources().warnings().forEach(warning -> LOG.warn("{}", warning));
        if (LOG.isDebugEnabled()) {
            sources().effective(spec).lines().filter(line -> !line.isEmpty()).forEach(line -> LOG.debug("{}", line));
        }
    }

    /** Is the daemon until a signal ends it. */
    protected final void serve(SluiceConfig config, Beside beside)
            throws StartException, InterruptedException, IOException {
        FatalErrors.install();
        Sluice sluice = Sluice.start(config, VersionCommand.version(), main::droppedLines);
        try {
            DaemonLoop loop = main.daemonLoop();
            sluice.applied().ifPresent(this::introduce);
            beside.started(sluice);
            sluice.succeeded().thenRun(loop::succeeded);
            loop.run(new DaemonLoop.Daemon() {
                @Override
                public void reload() {
                    sluice.reload();
                }

                @Override
                public boolean drain() {
                    beside.stopping();
                    return sluice.drain();
                }

                @Override
                public void close() {
                    beside.abandon();
                    sluice.close();
                }
            }, node.stayAfterHandover());
        } finally {
            beside.abandon();
            sluice.close();
        }
    }

    /** Logs what is served, with a table for people if it fits on a screen. */
    private void introduce(AppliedState state) {
        if (logs.logFormat() == LogFormat.TEXT && !state.ports().isEmpty() && state.ports().size() <= SHOWN_PORTS) {
            PrintWriter out = main.servingOut(spec);
            out.println(SnapshotView.table(state));
            out.flush();
        }
        LOG.info("serving {}", SnapshotView.summary(state.snapshot()));
        if (!services.inputs().isEmpty()) {
            TakenPorts.byServices(state.snapshot(), listeners.portOffset(), new LocalListeners().sockets())
                    .forEach(taken -> LOG.warn("{}: {}", taken.port(), taken.message()));
        }
    }

    /** The daemon's configuration; everything in it has been checked. */
    protected final SluiceConfig.Builder config(Map<String, String> environment) {
        ManifestInputs manifests = services.inputs();
        String nodeName = services.nodeName(environment);
        if (!manifests.isEmpty()) {
            kubernetes.refuseBesideManifests();
        }
        Optional<KubernetesOptions> cluster =
                manifests.isEmpty() ? Optional.of(kubernetes.options(nodeName, dns.asked(), environment))
                        : Optional.empty();
        Optional<LocalReadiness> readiness =
                services.probe() ? Optional.of(new LocalReadiness(WithoutProbe.READY)) : Optional.empty();
        return SluiceConfig.builder(nodeName).manifests(manifests).endpoints(services.endpoints())
                .discover(services.discover())
                .readiness(readiness).kubernetes(cluster)
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
                .dns(Optional.of(dns.settings(services.serviceCidrs(), balancing.balancing().clusterCidrs(),
                        cluster.isEmpty())))
                .namespaces(true).operators(Logging::level)
                .supervision(new Supervision(admin.stallTimeout(),
                        ServiceManager.of(environment, ProcessHandle.current().pid())));
    }

    private ProxySettings proxy() {
        return ProxySettings.builder().peers(connections.peers()).flows(flows.settings())
                .transport(listeners.transport())
                .workerThreads(listeners.workerThreads())
                .connectTimeout(connections.connectTimeout()).connectRetries(connections.connectRetries())
                .idleTimeout(connections.idleTimeout()).halfCloseTimeout(connections.halfCloseTimeout())
                .maxConnections(connections.maxConnections())
                .maxConnectionsPerService(connections.maxConnectionsPerService()).backlog(listeners.backlog())
                .buffers(connections.buffers()).handoff(node.kernelHandoff()).build();
    }
}
