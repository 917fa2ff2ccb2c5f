package io.sluice.cli.exec;

import io.sluice.cli.command.FailureException;
import io.sluice.cli.command.Signals;
import io.sluice.cli.config.ServiceFlags;
import io.sluice.cli.log.LogFormat;
import io.sluice.cli.log.LogLevel;
import io.sluice.cli.log.Logging;
import io.sluice.netns.NamespaceAgent;
import io.sluice.netns.NamespaceNetwork;
import io.sluice.service.Cidr;
import io.sluice.text.Printable;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The part of {@code sluice exec} that runs inside a network namespace of its own, beside the command: it makes the
 * addresses local, opens listeners for the daemon as Services come and go, and ends with the command.
 */
@Command(name = ExecInsideCommand.NAME, hidden = true, header = "The inner part of 'sluice exec'.")
public final class ExecInsideCommand implements Callable<Integer> {

    static final String NAME = "exec-inside";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Spec
    private CommandSpec spec;

    @Option(names = "--socket", paramLabel = "PATH", required = true,
            description = "The daemon's socket for namespaces.")
    private Path socket;

    @Option(names = "--range", paramLabel = "CIDR", converter = ServiceFlags.CidrConverter.class,
            description = "A range that is made local as a whole.")
    private List<Cidr> ranges = List.of();

    @Option(names = "--published", paramLabel = "FD:PORT",
            description = "A socket of another network that listens, and the port to which its connections go here.")
    private List<String> published = List.of();

    @Option(names = "--outside", description = "Lead connections to the world outside to the daemon.")
    private boolean outside;

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "What to run.")
    private List<String> command = List.of();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        Logging.set(LogFormat.TEXT, LogLevel.ERROR, false);
        try {
            NamespaceNetwork.up();
            List<Cidr> routed = ranges.stream().filter(range -> !range.network().isLoopbackAddress()).toList();
            NamespaceNetwork.local(routed);
            Set<InetAddress> single = new HashSet<>();
            try (NamespaceAgent agent = NamespaceAgent.connect(socket, address -> {
                if (!address.isLoopbackAddress() && routed.stream().noneMatch(range -> range.contains(address))
                        && single.add(address)) {
                    NamespaceNetwork.local(List.of(new Cidr(address, address.getAddress().length * 8)));
                }
            })) {
                agent.awaitReady(PATIENCE);
                leadOut();
                for (String socket : published) {
                    int colon = socket.indexOf(':');
                    agent.publish(Integer.parseInt(socket.substring(0, colon)),
                            Integer.parseInt(socket.substring(colon + 1)));
                }
                agent.whenGone(() -> spec.commandLine().getErr()
                        .println("sluice: the daemon has gone: Services and names do not answer any more"));
                return run();
            }
        } catch (IOException e) {
            throw new FailureException(String.valueOf(e.getMessage()), e);
        }
    }

    /** A command can do without. */
    private void leadOut() {
        if (outside) {
            try {
                NamespaceNetwork.leadOut();
            } catch (IOException e) {
                spec.commandLine().getErr()
                        .println("sluice: there is no way to the world outside here: "
                                + Printable.of(String.valueOf(e.getMessage())));
            }
        }
    }

    /** Runs the command. The terminal's signals reach it by themselves; others are passed on. */
    private int run() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        Signals.on(() -> {}, "INT");
        Signals.on(process::destroy, "TERM", "HUP");
        return process.waitFor();
    }
}
