package io.sluice.cli.command;

import io.sluice.nftables.InterceptionTable;
import io.sluice.node.LocalRoutes;
import io.sluice.node.ReturnRoutes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice cleanup}: removes what a daemon has left on the host. */
@Command(
        name = "cleanup",
        header = "Remove the addresses that a daemon has left on this machine.",
        description = {"",
                "Removes every local route that sluice has added (origin 115 in 'ip route show table local') and the "
                        + "routing rules of sluice.io/preserve-source (table 1150), and the nftables table 'inet sluice' with its "
                        + "routing rules (table 1151), after a crash or after "
                        + "--keep-addresses, and what 'sluice hosts --write' has put into /etc/hosts. Nothing else is touched. A daemon that still runs adds its own routes again "
                        + "at once.",
                "", "Needs CAP_NET_ADMIN if there is anything to remove."},
        footer = {"", "Examples:", "  sudo sluice cleanup"})
public final class CleanupCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws FailureException {
        PrintWriter out = spec.commandLine().getOut();
        try {
            int removed = LocalRoutes.cleanup();
            int rules = ReturnRoutes.cleanup();
            int tables = InterceptionTable.cleanup();
            if (tables > 0) {
                out.println("Removed the table of rules that intercept connections, and its routes.");
            }
            if (rules > 0) {
                out.println("Removed " + rules + (rules == 1 ? " routing rule." : " routing rules."));
            }
            boolean names = Files.isReadable(HostsFile.SYSTEM) && HostsFile.write(HostsFile.SYSTEM, "");
            if (names) {
                out.println("Removed the names of Services from /etc/hosts.");
            }
            out.println(removed == 0 && (names || rules + tables > 0) ? "No local route is left here." : removed == 0
                    ? "Nothing of sluice is left here."
                    : "Removed " + removed + (removed == 1 ? " local route." : " local routes."));
            out.flush();
            return ExitCode.OK;
        } catch (IOException e) {
            throw new FailureException(String.valueOf(e.getMessage()));
        }
    }
}
