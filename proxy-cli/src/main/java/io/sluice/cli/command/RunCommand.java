package io.sluice.cli.command;

import io.sluice.cli.log.LogLevel;
import io.sluice.daemon.SluiceConfig;
import io.sluice.daemon.StartException;
import io.sluice.text.Printable;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

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
                "  The same, connected to only while its readinessProbe succeeds.",
                "  sluice run -f manifests/ --endpoint shop/api=127.0.0.1:3000 --probe", "",
                "  What a cluster has, from here.",
                "  kubectl get svc,endpointslices -A -o yaml | sluice run -f -", "",
                "  The Services of a cluster; the state is kept for a restart in an outage.",
                "  sluice run --kubeconfig FILE --state-file /var/lib/sluice/state", "",
                "  What is set, and by what.", "  sluice run --config sluice.yaml --print-config"})
public final class RunCommand extends DaemonCommand implements Callable<Integer> {

    public static final String NAME = "run";

    @Option(names = "--print-config", description = "Print the settings in effect as a configuration file, and end.")
    private boolean printConfig;

    @Override
    public Integer call() throws StartException, InterruptedException, IOException {
        if (printConfig) {
            PrintWriter out = spec().commandLine().getOut();
            sources().warnings()
                    .forEach(warning -> spec().commandLine().getErr().println("sluice: " + Printable.of(warning)));
            out.print(sources().effective(spec()));
            out.flush();
            return ExitCode.OK;
        }
        SluiceConfig config = config(main().environment()).build();
        log(LogLevel.INFO);
        serve(config, Beside.NOTHING);
        return ExitCode.OK;
    }
}
