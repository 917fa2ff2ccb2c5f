package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.EnumConverter;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice completion}: prints a script with which a shell completes sluice's commands, flags and values. */
@Command(
        name = "completion",
        header = "Print a completion script for a shell.",
        description = {"",
                "Commands, flags and their words; names of Services, namespaces, Pods and endpoints come from the "
                        + "running daemon."},
        footer = {"", "Examples:", "  source <(sluice completion bash)     this bash, now",
                "  source <(sluice completion zsh)      this zsh, after compinit",
                "  sluice completion fish > ~/.config/fish/completions/sluice.fish"})
public final class CompletionCommand implements Callable<Integer> {

    /** The supported shells. */
    enum Shell {
        BASH, ZSH, FISH
    }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "bash|zsh|fish", converter = ShellConverter.class,
            completionCandidates = ShellConverter.class, description = "Which shell.")
    private Shell shell;

    @Override
    public Integer call() {
        CompletionScript script = new CompletionScript(Main.commandLine(main.environment()).getCommandSpec());
        PrintWriter out = spec.commandLine().getOut();
        out.print(switch (shell) {
            case BASH -> script.bash();
            case ZSH -> "autoload -U +X bashcompinit && bashcompinit\n" + script.bash();
            case FISH -> script.fish();
        });
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    /** {@code bash}, {@code zsh} or {@code fish}. */
    static final class ShellConverter extends EnumConverter<Shell> {
        ShellConverter() {
            super(List.of(Shell.values()));
        }
    }
}
