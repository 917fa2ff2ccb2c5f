package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.BoundedInt;
import io.sluice.cli.config.KubeProxyConfig;
import io.sluice.cli.config.ServiceFlags;
import io.sluice.cli.config.SettingSources;
import io.sluice.linux.ListeningSockets;
import io.sluice.linux.LocalListeners;
import io.sluice.reconcile.TakenPorts;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.manifest.LoadedManifests;
import io.sluice.source.manifest.ManifestSource;
import io.sluice.text.Printable;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice check}: shows what {@code run} would proxy, and the problems of the manifests. */
@Command(
        name = "check",
        header = "Show what would be proxied, and what is wrong with the manifests.",
        description = {"", "Reads the manifests as run does and prints each Service's port with its cluster IP and its "
                + "endpoints, or why it has none. Warnings and errors come with file and line.", "",
                "With --kube-proxy-config: shows for each field of kube-proxy's configuration whether Sluice has it, and "
                        + "prints the settings that do the same.",
                "", "Exit code 1 if anything is an error; warnings alone are fine."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice check -f manifests/",
                "  sluice check -f manifests/ --endpoint shop/api=127.0.0.1:3000",
                "  sluice check -k overlays/dev", "  helm template CHART | sluice check -f -",
                "  kubectl get svc,endpointslices,pods -A -o yaml | sluice check -f -",
                "  sluice check -f manifests/ -o json | jq '.problems[]'",
                "  sluice check --kube-proxy-config /var/lib/kube-proxy/config.conf"})
public final class CheckCommand implements Callable<Integer> {

    /** The most files that are named in a line. */
    private static final int SHOWN_FILES = 3;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "table",
            converter = OutputFormat.PlainConverter.class, completionCandidates = OutputFormat.PlainConverter.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private OutputFormat output;

    @Option(names = "--kube-proxy-config", paramLabel = "FILE", defaultValue = "",
            description = "A KubeProxyConfiguration, or a ConfigMap with one, to be moved over from; - for standard "
                    + "input.")
    private String kubeProxyConfig;

    @Option(names = "--port-offset", paramLabel = "N", defaultValue = "0", converter = BoundedInt.PortOffset.class,
            description = "What run adds to the port of every cluster IP: a warning names ports that another program of "
                    + "this machine has. Default: ${DEFAULT-VALUE}")
    private int portOffset;

    @Mixin(name = "services")
    private ServiceFlags services = new ServiceFlags();

    @Override
    public Integer call() throws FailureException {
        PrintWriter out = spec.commandLine().getOut();
        if (!kubeProxyConfig.isEmpty()) {
            return checkKubeProxy(out);
        }
        PrintWriter err = spec.commandLine().getErr();
        ((SettingSources) spec.commandLine().getDefaultValueProvider()).warnings()
                .forEach(warning -> err.println("sluice: " + Printable.of(warning)));
        LoadedManifests loaded = withTakenPorts(ManifestSource.load(services.options(main.environment())));
        List<Problem> problems = loaded.problems();
        if (output == OutputFormat.JSON) {
            out.println(SnapshotView.json(loaded));
        } else {
            print(loaded, out);
        }
        out.flush();
        return count(problems, Severity.ERROR) == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    /** Ports that a program has taken are told among the problems: the manifests are fine, but not with this program. */
    private LoadedManifests withTakenPorts(LoadedManifests loaded) {
        List<Problem> problems = new ArrayList<>(loaded.problems());
        Stream.concat(
                TakenPorts.of(loaded.snapshot(), portOffset, ListeningSockets.ofTcp(), ListeningSockets.ofUdp())
                        .stream(),
                TakenPorts.byServices(loaded.snapshot(), portOffset, new LocalListeners().sockets()).stream())
                .forEach(taken -> problems.add(
                        new Problem(Severity.WARNING, "this machine", taken.port(), taken.message())));
        return loaded.with(problems);
    }

    private int checkKubeProxy(PrintWriter out) throws FailureException {
        try {
            KubeProxyConfig config = KubeProxyConfig.read(kubeProxyConfig, System.in);
            out.println(config.describe());
            out.flush();
            return config.hasUnknown() ? ExitCode.SOFTWARE : ExitCode.OK;
        } catch (IOException e) {
            throw new FailureException(String.valueOf(e.getMessage()));
        }
    }

    private void print(LoadedManifests loaded, PrintWriter out) {
        List<Problem> problems = loaded.problems();
        if (!loaded.snapshot().services().isEmpty()) {
            out.print(SnapshotView.table(loaded.snapshot()));
            out.println();
        }
        loaded.found().forEach(line -> out.println("found: " + line));
        if (!loaded.found().isEmpty()) {
            out.println();
        }
        Ansi ansi = spec.commandLine().getColorScheme().ansi();
        for (Problem problem : problems) {
            boolean error = problem.severity() == Severity.ERROR;
            out.println(ansi.string(error ? "@|bold,red error|@" : "@|bold,yellow warning|@") + ": "
                    + Printable.of(problem.toString()));
        }
        if (!problems.isEmpty()) {
            out.println();
        }
        out.println(SnapshotView.summary(loaded.snapshot()) + "; " + plural(problems, Severity.ERROR) + ", "
                + plural(problems, Severity.WARNING) + skipped(loaded.skipped())
                + passedOver(loaded.passedOver()));
    }

    /** The kinds that were skipped, so that users know that they were not read. */
    private static String skipped(Map<String, Integer> kinds) {
        return kinds.isEmpty()
                ? ""
                : "; skipped: " + new TreeMap<>(kinds).entrySet().stream()
                        .map(kind -> kind.getValue() + " " + Printable.of(kind.getKey()))
                        .collect(Collectors.joining(", "));
    }

    /** The files that were passed over, the first ones by name. */
    private static String passedOver(List<String> files) {
        return files.isEmpty()
                ? ""
                : "; passed over as no manifest" + (files.size() == 1 ? ": " : "s: ")
                        + Printable.first(files.stream().map(Printable::of).toList(), SHOWN_FILES);
    }

    private static String plural(List<Problem> problems, Severity severity) {
        long count = count(problems, severity);
        return count + " " + severity.name().toLowerCase(Locale.ROOT) + (count == 1 ? "" : "s");
    }

    private static long count(List<Problem> problems, Severity severity) {
        return problems.stream().filter(problem -> problem.severity() == severity).count();
    }
}
