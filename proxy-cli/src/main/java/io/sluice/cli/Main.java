package io.sluice.cli;

import io.sluice.cli.command.CheckCommand;
import io.sluice.cli.command.CleanupCommand;
import io.sluice.cli.command.CompletionCommand;
import io.sluice.cli.command.DaemonLoop;
import io.sluice.cli.command.EnvCommand;
import io.sluice.cli.command.DrainCommand;
import io.sluice.cli.command.TapCommand;
import io.sluice.cli.command.TopCommand;
import io.sluice.cli.command.UndrainCommand;
import io.sluice.cli.command.EjectCommand;
import io.sluice.cli.command.WeightCommand;
import io.sluice.cli.command.KillCommand;
import io.sluice.cli.command.LogLevelCommand;
import io.sluice.cli.command.NamesCommand;
import io.sluice.cli.command.AccessLogCommand;
import io.sluice.cli.command.EventsCommand;
import io.sluice.cli.command.ExplainCommand;
import io.sluice.cli.command.FailureException;
import io.sluice.cli.command.GetCommand;
import io.sluice.cli.command.HostsCommand;
import io.sluice.cli.command.ReferenceCommand;
import io.sluice.cli.command.RehearseCommand;
import io.sluice.cli.command.RunCommand;
import io.sluice.cli.command.VersionCommand;
import io.sluice.cli.config.CommonFlags;
import io.sluice.cli.config.ConfigFile.ConfigFileException;
import io.sluice.cli.config.ConfigFileFlag;
import io.sluice.cli.config.SectionedOptions;
import io.sluice.cli.config.Setting;
import io.sluice.cli.config.KubeProxyFlags;
import io.sluice.cli.config.SettingSources;
import io.sluice.cli.demo.DemoCommand;
import io.sluice.cli.exec.ExecCommand;
import io.sluice.cli.exec.ExecInsideCommand;
import io.sluice.cli.log.Logging;
import io.sluice.cli.log.ServingOutput;
import io.sluice.cli.log.StackTrace;
import io.sluice.cli.render.PrintableWriter;
import io.sluice.cli.render.Terminal;
import io.sluice.cli.up.UpCommand;
import io.sluice.daemon.StartException;
import io.sluice.source.Spelling;
import io.sluice.text.Printable;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Help;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;
import tools.jackson.core.JacksonException;

/**
 * The {@code sluice} command itself: knows its subcommands, and prints mistakes and failures. Exit codes are 0
 * for success, 1 for a failure and 2 for wrong usage; those of {@link io.sluice.liveness.FatalErrors} end a daemon.
 */
@Command(
        name = "sluice",
        header = "A userspace TCP proxy for Kubernetes Services.",
        description = {"", "Gives every Service in a set of manifests a ClusterIP that works on this machine, and "
                + "spreads connections to it over the Service's pods."},
        versionProvider = VersionCommand.Provider.class,
        synopsisSubcommandLabel = "COMMAND",
        footer = {"", "Examples:",
                "  sluice demo                  see it work, with pods made for the occasion",
                "  sluice check -f manifests/   what would be proxied, and what is wrong",
                "  sluice run -f manifests/     proxy it until Ctrl-C; edits take effect at once",
                "  sluice up -f manifests/      the same, with your programs as the pods",
                "  sluice get services -A       what a running sluice proxies",
                "  sluice explain kubia         why connections to it go where they go",
                "  sluice events --since 1h     what has changed, when and why",
                "  sluice exec -- curl -s kubia run a command that finds Services as a pod does", "",
                "Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 out of memory, 4 a fault in the",
                "proxy. NO_COLOR=1 switches colours off."})
public final class Main implements Runnable {

    /** The subcommands, in the order of the help text. */
    private static final List<Class<?>> COMMANDS = List.of(RunCommand.class, UpCommand.class, CheckCommand.class,
            GetCommand.class, ExplainCommand.class, EventsCommand.class, TapCommand.class, TopCommand.class,
            DrainCommand.class, UndrainCommand.class, EjectCommand.class, WeightCommand.class, KillCommand.class,
            LogLevelCommand.class, AccessLogCommand.class, NamesCommand.class, EnvCommand.class, HostsCommand.class,
            ExecCommand.class,
            ExecInsideCommand.class, DemoCommand.class, CleanupCommand.class, CompletionCommand.class,
            VersionCommand.class, ReferenceCommand.class, RehearseCommand.class);

    /** Commands that serve until a signal comes, and the one that makes the cache for their start, which does the same. */
    private static final Set<String> SERVING =
            Set.of(RunCommand.NAME, UpCommand.NAME, DemoCommand.NAME, RehearseCommand.NAME);

    private final Map<String, String> environment;
    private final DaemonLoop daemonLoop;
    private final @Nullable ServingOutput output;

    @Spec
    private CommandSpec spec;

    private Main(Map<String, String> environment, DaemonLoop daemonLoop, @Nullable ServingOutput output) {
        this.environment = environment;
        this.daemonLoop = daemonLoop;
        this.output = output;
    }

    /** Runs one command on the main thread and exits with its exit code. */
    public static void main(String[] args) {
        // Netty would look for a network card to tell machines apart, and warn of a container that has none.
        System.setProperty("io.netty.machineId", "%016x".formatted(ThreadLocalRandom.current().nextLong())
                .replaceAll("(..)(?=.)", "$1:"));
        Map<String, String> environment = System.getenv();
        String command = Arrays.stream(args).filter(word -> !word.startsWith("-")).findFirst().orElse("");
        ServingOutput output = SERVING.contains(command) ? ServingOutput.install() : null;
        DaemonLoop daemonLoop = new DaemonLoop(() -> exit(ExitCode.OK, output));
        if (output != null && !command.equals(DemoCommand.NAME) && !catchSignals(daemonLoop, output)) {
            exit(ExitCode.SOFTWARE, output);
        }
        boolean colours = Terminal.colours(Terminal.STDOUT, environment);
        CommandLine commandLine = commandLine(new Main(environment, daemonLoop, output), args);
        commandLine.setOut(writer(FileDescriptor.out, colours))
                .setErr(output == null ? writer(FileDescriptor.err, false) : output.err());
        commandLine.setColorScheme(Help.defaultColorScheme(colours ? Help.Ansi.ON : Help.Ansi.OFF));
        exit(commandLine.execute(args), output);
    }

    private static boolean catchSignals(DaemonLoop daemonLoop, ServingOutput output) {
        try {
            daemonLoop.handleSignals();
            return true;
        } catch (IllegalStateException e) {
            output.err().println("sluice: " + e.getMessage());
            return false;
        }
    }

    private static void exit(int code, @Nullable ServingOutput output) {
        Logging.close();
        if (output != null) {
            output.close();
        }
        System.exit(code);
    }

    /** The command line for {@code args}, run inside another program. */
    public static CommandLine commandLine(Map<String, String> environment, String... args) {
        return commandLine(new Main(environment, new DaemonLoop(() -> {}), null), args);
    }

    /**
     * The command line for {@code args}: with only the subcommand that the first of them names, as reading the options of all
     * subcommands takes time; with all of them if it names none, or there are no arguments.
     */
    private static CommandLine commandLine(Main main, String... args) {
        Map<String, String> environment = main.environment;
        CommandLine commandLine = new CommandLine(main);
        List<Class<?>> named = COMMANDS.stream()
                .filter(type -> args.length > 0 && type.getAnnotation(Command.class).name().equals(args[0])).toList();
        (named.isEmpty() ? COMMANDS : named).forEach(commandLine::addSubcommand);
        if (named.isEmpty()) {
            commandLine.addSubcommand(HelpCommand.class);
        }
        commandLine.setParameterExceptionHandler(Main::usageMistake);
        commandLine.setExecutionExceptionHandler(Main::failure);
        commandLine.setUsageHelpWidth(100);
        commandLine.setUsageHelpAutoWidth(true);
        commandLine.setAbbreviatedOptionsAllowed(false);
        commandLine.setOverwrittenOptionsAllowed(true);
        commandLine.getCommandSpec().addOption(OptionSpec.builder("-V", "--version").versionHelp(true)
                .description("Print the version.").build());
        CommandLine run = commandLine.getSubcommands().get(RunCommand.NAME);
        SettingSources sources = new SettingSources(environment, Setting
                .byKey(run == null ? CommandSpec.forAnnotatedObject(new RunCommand()) : run.getCommandSpec()));
        commandLine.getSubcommands().values().forEach(subcommand -> subcommand.setDefaultValueProvider(sources));
        complete(commandLine);
        // Arguments after the command's name belong to the command.
        commandLine.getSubcommands().forEach((name, subcommand) -> {
            if (name.startsWith("exec")) {
                subcommand.setStopAtPositional(true);
            }
        });
        return commandLine;
    }

    /** Adds what all commands have in common to this command and its subcommands. */
    private static void complete(CommandLine commandLine) {
        CommandSpec command = commandLine.getCommandSpec();
        commandLine.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new SectionedOptions());
        command.usageMessage().sortOptions(false);
        if (!(command.userObject() instanceof HelpCommand)) {
            command.addMixin("common", CommonFlags.create());
        }
        if (!Setting.sectionsOf(command).isEmpty()) {
            command.addMixin("config", ConfigFileFlag.create());
        }
        new LinkedHashSet<>(commandLine.getSubcommands().values()).forEach(Main::complete);
    }

    public Map<String, String> environment() {
        return environment;
    }

    /** The handler of signals to the daemon that {@code run} starts. */
    public DaemonLoop daemonLoop() {
        return daemonLoop;
    }

    /** The output of a command that serves: no thread waits for its reader. */
    public PrintWriter servingOut(CommandSpec command) {
        return output == null ? command.commandLine().getOut() : output.out();
    }

    /** The number of lines that were dropped so far because they were not read. */
    public long droppedLines() {
        return output == null ? 0 : output.dropped();
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to do: a command is missing");
    }

    /** A writer of autoflushed UTF-8, in any locale. */
    private static PrintWriter writer(FileDescriptor descriptor, boolean colours) {
        return new PrintWriter(new PrintableWriter(
                new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8), colours), true);
    }

    /** Prints one line about the mistake, and one with the way to help. */
    private static int usageMistake(ParameterException mistake, String[] args) {
        CommandLine commandLine = mistake.getCommandLine();
        PrintWriter err = commandLine.getErr();
        String message = message(mistake, args);
        // A configuration file has a line for each mistake; in other messages a line break is part of a value.
        (mistake.getCause() instanceof ConfigFileException ? message.lines() : Stream.of(message))
                .forEach(line -> err.println("sluice: " + Printable.of(line)));
        err.println("See '" + commandLine.getCommandSpec().qualifiedName() + " --help'.");
        err.flush();
        return ExitCode.USAGE;
    }

    /** The mistake, preceded by its place: a flag, a variable, or a file and its line. */
    private static String message(ParameterException mistake, String[] args) {
        String text = String.valueOf(mistake.getMessage());
        if (mistake instanceof UnmatchedArgumentException unmatched) {
            return unexpected(unmatched.getUnmatched().getFirst(), mistake.getCommandLine().getCommandSpec());
        }
        ArgSpec argument = mistake.getArgSpec();
        if (!(argument instanceof OptionSpec option)) {
            return text;
        }
        String reason =
                text.replaceFirst("(?s)^Invalid value for option '[^']*'( at index \\d+)?( \\([^)]*\\))?: ", "");
        if (reason.startsWith("Missing required parameter") || reason.startsWith("Expected parameter")) {
            return reason;
        }
        CommandLine commandLine = mistake.getCommandLine();
        boolean flag = Arrays.stream(args).anyMatch(word -> Arrays.stream(option.names())
                .anyMatch(name -> word.equals(name) || word.startsWith(name + "=")));
        String origin = !flag && commandLine.getDefaultValueProvider() instanceof SettingSources sources
                ? sources.origin(option).orElse(option.longestName())
                : option.longestName();
        return origin + ": " + reason;
    }

    private static String unexpected(String word, CommandSpec command) {
        boolean option = word.startsWith("-") && word.length() > 1;
        Optional<String> advice = command.name().equals("run") ? KubeProxyFlags.advice(word) : Optional.empty();
        if (advice.isPresent()) {
            return advice.get();
        }
        List<String> known = new ArrayList<>();
        if (option) {
            command.options().forEach(candidate -> known.addAll(List.of(candidate.names())));
        } else {
            command.subcommands().forEach((name, subcommand) -> {
                if (!subcommand.getCommandSpec().usageMessage().hidden()) {
                    known.add(name);
                }
            });
        }
        boolean letter = option && word.length() == 2;
        return (option ? "there is no option '" : "unexpected argument '") + word + "'"
                + (letter ? "" : Spelling.didYouMean(word, known));
    }

    private static int failure(Exception failure, CommandLine commandLine, ParseResult result) {
        PrintWriter err = commandLine.getErr();
        boolean verbose = CommonFlags.verbose(commandLine.getCommandSpec());
        String message = String.valueOf(failure.getMessage());
        if (failure instanceof StartException) {
            message.lines().forEach(line -> err.println("sluice: " + Printable.of(line)));
        } else if (failure instanceof FailureException) {
            err.println("sluice: " + Printable.of(message));
        } else if (failure instanceof JacksonException) {
            err.println("sluice: what answers is not sluice, or another version of it: "
                    + Printable.of(message.lines().findFirst().orElse("")));
        } else {
            err.println("sluice: unexpected failure: " + Printable.of(failure.toString()));
            err.println("This is a bug in sluice. Please report it"
                    + (verbose ? " with the trace below." : " with what the same command prints with -v."));
        }
        if (verbose) {
            err.print(StackTrace.of(failure));
        }
        err.flush();
        return ExitCode.SOFTWARE;
    }
}
