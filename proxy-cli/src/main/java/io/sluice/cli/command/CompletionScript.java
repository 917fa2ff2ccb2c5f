package io.sluice.cli.command;

import io.sluice.cli.config.Setting;
import io.sluice.cli.command.NamesCommand.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Scripts with which shells complete: commands, flags and their words from the command line's model, and names of Services,
 * namespaces, Pods and endpoints by {@link NamesCommand}, which asks the running daemon.
 */
final class CompletionScript {

    private static final Map<String, Kind> KINDS = Map.of("NAMESPACE", Kind.NAMESPACES, "SERVICE", Kind.SERVICES,
            "SERVICE[:PORT]", Kind.SERVICES, "NAME", Kind.SERVICES, "POD", Kind.PODS, "ENDPOINT|POD", Kind.ENDPOINTS);

    private final CommandSpec root;

    CompletionScript(CommandSpec root) {
        this.root = root;
    }

    /** For bash, and for zsh after {@code bashcompinit}: picocli's script, and before it what asks for names. */
    String bash() {
        StringBuilder cases = new StringBuilder();
        Arrays.stream(Kind.values()).forEach(kind -> row(cases, options(option -> kindOf(option).filter(kind::equals)
                .isPresent()), "kind=" + word(kind)));
        row(cases, options(option -> option.arity().min() > 0 && kindOf(option).isEmpty()), "");
        row(cases, shown(root).filter(command -> !command.subcommands().isEmpty())
                .map(command -> "'" + command.name() + " " + command.name() + "'").toList(), "");
        for (Kind kind : Kind.values()) {
            row(cases, shown(root).filter(command -> positional(command).filter(kind::equals).isPresent())
                    .map(command -> "'" + command.name() + " '*").toList(), "kind=" + word(kind));
        }
        return AutoComplete.bash("sluice", root.commandLine()) + """

                # Names that only the running daemon knows; all else is completed as above.
                function _sluice_with_names() {
                  local cur="${COMP_WORDS[COMP_CWORD]}" kind="" i server
                  local more=()
                  case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]}" in
                %s  esac
                  if [[ -z "$kind" || "$cur" == -* ]]; then
                    _complete_sluice "$@"
                    return
                  fi
                  for ((i = 2; i < COMP_CWORD - 1; i++)); do
                    case "${COMP_WORDS[i]}" in
                      -n|--namespace) more+=(-n "${COMP_WORDS[i+1]}") ;;
                      -s|--server)
                        server="${COMP_WORDS[i+1]}"
                        if [[ "${COMP_WORDS[i+2]}" == ":" ]]; then server+=":${COMP_WORDS[i+3]}"; fi
                        more+=(-s "$server") ;;
                    esac
                  done
                  local IFS=$'\\n'
                  COMPREPLY=( $(compgen -W "$("${COMP_WORDS[0]}" %s "$kind" "${more[@]}" 2>/dev/null)" -- "$cur") )
                }
                complete -F _sluice_with_names -o default sluice
                """.formatted(cases, NamesCommand.NAME);
    }

    /** A line of a shell's case statement; none without patterns. */
    private static void row(StringBuilder cases, List<String> patterns, String action) {
        if (!patterns.isEmpty()) {
            cases.append("    ").append(String.join("|", patterns)).append(") ").append(action).append(" ;;\n");
        }
    }

    /** A pattern for each name of each option that {@code wanted} accepts, behind its command's name. */
    private List<String> options(Predicate<OptionSpec> wanted) {
        return shown(root).flatMap(command -> Stream.concat(Stream.of(command), shown(command))
                .flatMap(each -> each.options().stream()).filter(wanted)
                .flatMap(option -> Arrays.stream(option.names()))
                .map(name -> "'" + command.name() + " " + name + "'").distinct()).toList();
    }

    private static Stream<CommandSpec> shown(CommandSpec command) {
        return command.subcommands().values().stream().distinct().map(CommandLine::getCommandSpec)
                .filter(child -> !child.usageMessage().hidden());
    }

    /** What its value names; {@code NAME} is a Service as an argument, and as an option a name of many other things. */
    private static Optional<Kind> kindOf(ArgSpec argument) {
        return argument.paramLabel().equals("NAME") && argument.isOption()
                ? Optional.empty()
                : Optional.ofNullable(KINDS.get(argument.paramLabel()));
    }

    /** The names of a command's first argument, or of that of its subcommands. */
    private static Optional<Kind> positional(CommandSpec command) {
        return Stream.concat(Stream.of(command), shown(command)).flatMap(each -> each.positionalParameters().stream())
                .filter(argument -> argument.index().contains(0)).flatMap(argument -> kindOf(argument).stream())
                .findFirst();
    }

    private static String word(Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    String fish() {
        StringBuilder script = new StringBuilder("""
                # fish completion for sluice
                function __sluice_names
                    set -l words (commandline -opc)
                    set -l more
                    for i in (seq 2 (math (count $words) - 1))
                        switch $words[$i]
                            case -n --namespace -s --server
                                set more $more $words[$i] $words[(math $i + 1)]
                        end
                    end
                    $words[1] %s $argv[1] $more 2>/dev/null
                end
                complete -c sluice -f
                """.formatted(NamesCommand.NAME));
        fish(script, root, List.of());
        return script.toString();
    }

    /** One line for each subcommand and each flag of {@code command}, valid after the words of {@code path}. */
    private static void fish(StringBuilder script, CommandSpec command, List<String> path) {
        Map<CommandSpec, String> children = shown(command)
                .collect(Collectors.toMap(child -> child, CommandSpec::name, (a, b) -> a, LinkedHashMap::new));
        List<String> conditions = new ArrayList<>();
        path.forEach(word -> conditions.add("__fish_seen_subcommand_from " + word));
        if (!children.isEmpty()) {
            List<String> here = new ArrayList<>(conditions);
            here.add("not __fish_seen_subcommand_from " + children.keySet().stream()
                    .flatMap(child -> child.names().stream()).collect(Collectors.joining(" ")));
            children.forEach((child, name) -> line(script, here, "-a " + name,
                    String.join(" ", child.usageMessage().header())));
        }
        List<String> flags = path.isEmpty() ? List.of("__fish_use_subcommand") : conditions;
        for (OptionSpec option : command.options()) {
            line(script, flags, words(option), new Setting(option).description());
        }
        command.positionalParameters().stream().filter(argument -> argument.index().contains(0)).forEach(argument -> {
            Optional<Kind> kind = kindOf(argument);
            if (kind.isPresent()) {
                line(script, flags, "-a '(__sluice_names " + word(kind.get()) + ")'", word(kind.get()));
            } else if (argument.completionCandidates() != null) {
                line(script, flags, "-a '" + candidates(argument) + "'", argument.paramLabel());
            }
        });
        children.forEach((child, name) -> {
            List<String> deeper = new ArrayList<>(path);
            deeper.add(String.join(" ", child.names()));
            fish(script, child, deeper);
        });
    }

    private static String words(OptionSpec option) {
        StringBuilder words = new StringBuilder();
        for (String name : option.names()) {
            words.append(name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
        }
        if (option.arity().min() > 0) {
            boolean file = List.of("PATH", "FILE").contains(option.paramLabel());
            words.append(file ? " -r -F" : " -x");
            Optional<Kind> kind = kindOf(option);
            if (kind.isPresent()) {
                words.append(" -a '(__sluice_names ").append(word(kind.get())).append(")'");
            } else if (option.completionCandidates() != null) {
                words.append(" -a '").append(candidates(option)).append('\'');
            }
        }
        return words.toString().strip();
    }

    private static String candidates(ArgSpec argument) {
        return StreamSupport.stream(argument.completionCandidates().spliterator(), false)
                .collect(Collectors.joining(" "));
    }

    private static void line(StringBuilder script, List<String> conditions, String words, String description) {
        script.append("complete -c sluice -n '").append(String.join("; and ", conditions)).append("' ").append(words)
                .append(" -d '").append(description.replace("\\", "\\\\").replace("'", "\\'")).append("'\n");
    }
}
