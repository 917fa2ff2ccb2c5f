package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.ServerFlag;
import io.sluice.text.Printable;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
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
                "What is written is a block of its own between two lines. It does not follow later changes: write again. "
                        + "--remove and 'sluice cleanup' take it out."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice hosts -n shop", "  sudo sluice hosts -n shop --write",
                "  sudo sluice hosts --remove"})
public final class HostsCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", defaultValue = "default",
            description = "The namespace whose Services have short names, too. Default: ${DEFAULT-VALUE}")
    private String namespace;

    @Option(names = "--write", description = "Write them to the file, in place of those that are there.")
    private boolean write;

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
        if (remove) {
            out.println(HostsFile.write(file, "")
                    ? "The names of Services are no longer in " + file + "."
                    : "No name of ours is in " + file + ".");
        } else {
            JsonNode known = AdminClient.of(spec, server.address(main.environment()))
                    .environment(namespace, null, Map.of("hosts", "1"));
            String lines = lines(known);
            if (write) {
                HostsFile.write(file, lines);
                out.println(lines.lines().count() + " lines with names of Services are in " + file
                        + "; 'sluice hosts --remove' takes them out.");
            } else {
                out.print(lines);
            }
        }
        out.flush();
        return ExitCode.OK;
    }

    /** The lines that the daemon gives, each ended; empty if it knows no names. */
    static String lines(JsonNode known) {
        return known.path("hosts").valueStream()
                .map(line -> Printable.of(line.path("address").asString("")) + "\t" + line.path("names").valueStream()
                        .map(name -> Printable.of(name.asString(""))).collect(Collectors.joining(" ")) + "\n")
                .collect(Collectors.joining());
    }
}
