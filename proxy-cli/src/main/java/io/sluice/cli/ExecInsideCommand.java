package io.sluice.cli;

import io.sluice.guest.GuestAgent;
import io.sluice.node.GuestNetwork;
import io.sluice.service.Cidr;
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
 * addresses local, listens for the daemon as Services come and go, and ends with the command.
 */
@Command(name = ExecInsideCommand.NAME, hidden = true, header = "The inner part of 'sluice exec'.")
final class ExecInsideCommand implements Callable<Integer> {

    static final String NAME = "exec-inside";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Spec
    private CommandSpec spec;

    @Option(names = "--socket", paramLabel = "PATH", required = true, description = "The daemon's door.")
    private Path socket;

    @Option(names = "--range", paramLabel = "CIDR", converter = ServiceSettings.CidrConverter.class,
            description = "What is local as a whole.")
    private List<Cidr> ranges = List.of();

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "What to run.")
    private List<String> command = List.of();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        Logging.set(LogFormat.TEXT, LogLevel.ERROR, false);
        try {
            GuestNetwork.up();
            List<Cidr> routed = ranges.stream().filter(range -> !range.network().isLoopbackAddress()).toList();
            GuestNetwork.local(routed);
            Set<InetAddress> single = new HashSet<>();
            try (GuestAgent agent = GuestAgent.connect(socket, address -> {
                if (!address.isLoopbackAddress() && routed.stream().noneMatch(range -> range.contains(address))
                        && single.add(address)) {
                    GuestNetwork.local(List.of(new Cidr(address, address.getAddress().length * 8)));
                }
            })) {
                agent.awaitReady(PATIENCE);
                agent.whenGone(() -> spec.commandLine().getErr()
                        .println("sluice: the daemon has gone: Services and names do not answer any more"));
                return run();
            }
        } catch (IOException e) {
            throw new FailureException(String.valueOf(e.getMessage()), e);
        }
    }

    /** The terminal's signals reach the command by themselves; others are passed on. */
    private int run() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        Signals.on(() -> {}, "INT");
        Signals.on(process::destroy, "TERM", "HUP");
        return process.waitFor();
    }
}
