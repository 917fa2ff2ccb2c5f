package io.sluice.cli;

import io.sluice.node.LocalRoutes;
import io.sluice.node.SourceReplies;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice cleanup}: removes from the host what a daemon has left. */
@Command(
        name = "cleanup",
        header = "Remove the addresses that a daemon has left on this machine.",
        description = {"",
                "Removes every local route that sluice has added (origin 115 in 'ip route show table local') and the "
                        + "routing rules of sluice.io/preserve-source (table 1150), after a crash or after "
                        + "--keep-addresses. Nothing else is touched. A daemon that still runs adds its own routes again "
                        + "at once.",
                "", "Needs CAP_NET_ADMIN if there is anything to remove."},
        footer = {"", "Examples:", "  sudo sluice cleanup"})
final class CleanupCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws FailureException {
        PrintWriter out = spec.commandLine().getOut();
        try {
            int removed = LocalRoutes.cleanup();
            int rules = SourceReplies.cleanup();
            if (rules > 0) {
                out.println("Removed " + rules + (rules == 1 ? " routing rule." : " routing rules."));
            }
            out.println(removed == 0 && rules > 0 ? "No local route is left here." : removed == 0
                    ? "Nothing of sluice is left here."
                    : "Removed " + removed + (removed == 1 ? " local route." : " local routes."));
            out.flush();
            return ExitCode.OK;
        } catch (IOException e) {
            throw new FailureException(String.valueOf(e.getMessage()));
        }
    }
}
