package io.sluice.cli.command;

import io.sluice.cli.Main;
import java.util.Map;
import java.util.Stack;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice get}: shows the state of a running daemon, in the form of {@code kubectl get}. */
@Command(
        name = "get",
        header = "Show Services, endpoints, connections or orders of a running sluice.",
        synopsisSubcommandLabel = "services|endpoints|connections|orders",
        preprocessor = GetCommand.KindAndName.class,
        subcommands = {GetServicesCommand.class, GetEndpointsCommand.class, GetConnectionsCommand.class,
                GetOrdersCommand.class},
        footer = {"", "Examples:", "  sluice get services            those of namespace default",
                "  sluice get ep -A -o wide       of every namespace, and why some are empty",
                "  sluice get conn -n shop        open connections to Services of namespace shop",
                "  sluice get svc kubia -o json    or svc/kubia"})
public final class GetCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    Map<String, String> environment() {
        return main.environment();
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to get: services, endpoints, connections or orders");
    }

    /** Reads {@code svc/api} as {@code svc api}, as kubectl does. */
    static final class KindAndName implements IParameterPreprocessor {
        @Override
        public boolean preprocess(Stack<String> arguments, CommandSpec command, @Nullable ArgSpec argument,
                Map<String, Object> info) {
            String first = arguments.isEmpty() ? "" : arguments.peek();
            int slash = first.indexOf('/');
            if (slash > 0 && command.subcommands().containsKey(first.substring(0, slash))) {
                arguments.pop();
                arguments.push(first.substring(slash + 1));
                arguments.push(first.substring(0, slash));
            }
            return false;
        }
    }
}
