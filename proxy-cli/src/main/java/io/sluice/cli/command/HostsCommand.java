package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.ServerFlag;
import io.sluice.text.Printable;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code sluice hosts}: the names of Services for {@code /etc/hosts}, so that browsers and debuggers find them. */
@Command(
        name = "hosts",
        header = "Print the names of Services as lines of /etc/hosts, or write them there.",
        description = {"", "Every program of this machine then finds a Service by name: api.shop, "
                + "api.shop.svc.cluster.local, and api for those of the namespace -n. Ports stay what they are: with "
                + "--port-offset a name leads to an address whose ports are shifted.", "",
                "What is written is a block of its own between two lines. With -w it follows the Services until Ctrl-C, or "
                        + "the end of the daemon, and is then taken out; without it stays as it is. --remove and "
                        + "'sluice cleanup' take it out."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice hosts -n shop", "  sudo sluice hosts -n shop --write -w",
                "  sudo sluice hosts --remove"})
public final class HostsCommand implements Callable<Integer> {

    /** The time between two looks of {@code -w}. */
    private static final Duration POLL = Duration.ofSeconds(2);

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", defaultValue = "default",
            description = "The namespace whose Services have short names, too. Default: ${DEFAULT-VALUE}")
    private String namespace;

    @Option(names = "--write", description = "Write them to the file, in place of those that are there.")
    private boolean write;

    @Option(names = {"-w", "--watch"},
            description = "With --write: follow the Services until Ctrl-C, and take the names out then.")
    private boolean watch;

    @Option(names = "--remove", description = "Take them out of the file; no daemon is asked.")
    private boolean remove;

    @Option(names = "--file", paramLabel = "FILE", defaultValue = "/etc/hosts",
            description = "The file. Default: ${DEFAULT-VALUE}")
    private Path file;

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        if (write && remove) {
            throw new ParameterException(spec.commandLine(), "--write and --remove exclude each other");
        }
        if (watch && !write) {
            throw new ParameterException(spec.commandLine(), "-w is for --write alone");
        }
        if (remove) {
            out.println(HostsFile.write(file, "")
                    ? "The names of Services are no longer in " + file + "."
                    : "No name of ours is in " + file + ".");
        } else {
            AdminClient client = AdminClient.of(spec, server.address(main.environment()));
            if (watch) {
                follow(client, out);
            } else if (write) {
                String lines = names(client);
                HostsFile.write(file, lines);
                out.println(written(lines) + "; 'sluice hosts --remove' takes what is ours out.");
            } else {
                out.print(names(client));
            }
        }
        out.flush();
        return ExitCode.OK;
    }

    /** Until a signal comes, or the daemon does not answer any more, which is a failure. */
    private void follow(AdminClient client, PrintWriter out) throws FailureException, InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        Signals.on(stopped::countDown, "INT", "TERM", "HUP");
        String lines = names(client);
        try {
            HostsFile.write(file, lines);
            out.println(written(lines) + " until Ctrl-C.");
            out.flush();
            while (!stopped.await(POLL.toMillis(), TimeUnit.MILLISECONDS)) {
                String now = names(client);
                if (!now.equals(lines)) {
                    lines = now;
                    HostsFile.write(file, lines);
                    out.println(written(lines) + " now.");
                    out.flush();
                }
            }
        } finally {
            HostsFile.write(file, "");
            out.println("The names of Services are no longer in " + file + ".");
        }
    }

    private String written(String lines) {
        long count = lines.lines().count();
        return count + (count == 1 ? " line" : " lines") + " with names of Services " + (count == 1 ? "is" : "are")
                + " in "
                + file;
    }

    private String names(AdminClient client) throws FailureException, InterruptedException {
        return lines(client.environment(namespace, null, Map.of("hosts", "1")));
    }

    /** The lines that the daemon gives, each ended; empty if it knows no names. */
    static String lines(JsonNode known) {
        return known.path("hosts").valueStream()
                .map(line -> Printable.of(line.path("address").asString("")) + "\t" + line.path("names").valueStream()
                        .map(name -> Printable.of(name.asString(""))).collect(Collectors.joining(" ")) + "\n")
                .collect(Collectors.joining());
    }
}
