package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.cli.config.EnumConverter;
import io.sluice.cli.config.Setting;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice completion}: prints a script with which a shell completes sluice's commands, flags and values. */
@Command(
        name = "completion",
        header = "Print a completion script for a shell.",
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
        CommandLine root = Main.commandLine(main.environment());
        PrintWriter out = spec.commandLine().getOut();
        out.print(switch (shell) {
            case BASH -> AutoComplete.bash("sluice", root);
            case ZSH -> "autoload -U +X bashcompinit && bashcompinit\n" + AutoComplete.bash("sluice", root);
            case FISH -> fish(root.getCommandSpec());
        });
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private static String fish(CommandSpec root) {
        StringBuilder script = new StringBuilder("# fish completion for sluice\ncomplete -c sluice -f\n");
        fish(script, root, List.of());
        return script.toString();
    }

    /** One line for each subcommand and each flag of {@code command}, valid after the words of {@code path}. */
    private static void fish(StringBuilder script, CommandSpec command, List<String> path) {
        Map<CommandLine, String> children = command.subcommands().values().stream().distinct()
                .filter(child -> !child.getCommandSpec().usageMessage().hidden())
                .collect(Collectors.toMap(child -> child, CommandLine::getCommandName, (a, b) -> a,
                        LinkedHashMap::new));
        List<String> conditions = new ArrayList<>();
        path.forEach(word -> conditions.add("__fish_seen_subcommand_from " + word));
        if (!children.isEmpty()) {
            List<String> here = new ArrayList<>(conditions);
            here.add("not __fish_seen_subcommand_from " + String.join(" ", command.subcommands().keySet()));
            children.forEach((child, name) -> line(script, here, "-a " + name,
                    String.join(" ", child.getCommandSpec().usageMessage().header())));
        }
        List<String> flags = path.isEmpty() ? List.of("__fish_use_subcommand") : conditions;
        for (OptionSpec option : command.options()) {
            StringBuilder words = new StringBuilder();
            for (String name : option.names()) {
                words.append(name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
            }
            if (option.arity().min() > 0) {
                boolean file = List.of("PATH", "FILE").contains(option.paramLabel());
                words.append(file ? " -r -F" : " -x");
                if (option.completionCandidates() != null) {
                    words.append(" -a '")
                            .append(StreamSupport.stream(option.completionCandidates().spliterator(), false)
                                    .collect(Collectors.joining(" ")))
                            .append('\'');
                }
            }
            line(script, flags, words.toString().strip(), new Setting(option).description());
        }
        if (command.userObject() instanceof CompletionCommand) {
            line(script, flags, "-a 'bash zsh fish'", "shell");
        }
        children.forEach((child, name) -> {
            List<String> deeper = new ArrayList<>(path);
            deeper.add(String.join(" ", child.getCommandSpec().names()));
            fish(script, child.getCommandSpec(), deeper);
        });
    }

    private static void line(StringBuilder script, List<String> conditions, String words, String description) {
        script.append("complete -c sluice -n '").append(String.join("; and ", conditions)).append("' ").append(words)
                .append(" -d '").append(description.replace("\\", "\\\\").replace("'", "\\'")).append("'\n");
    }

    /** {@code bash}, {@code zsh} or {@code fish}. */
    static final class ShellConverter extends EnumConverter<Shell> {
        ShellConverter() {
            super(List.of(Shell.values()));
        }
    }
}
