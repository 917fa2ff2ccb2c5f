package io.sluice.cli.command;

import io.sluice.cli.Main;
import java.time.Duration;
import io.sluice.cli.config.GoDuration;
import io.sluice.cli.config.EnumConverter;
import io.sluice.cli.log.LogLevel;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice log-level}. */
@Command(
        name = "log-level",
        header = "Change what a running sluice logs.",
        description = {"",
                "Until the next log-level, the end of --for or the end of the process. A process that takes over at the same "
                        + "--handover-socket goes on with it, any other begins with its --log-level."},
        footer = {"", "Examples:", "  sluice log-level debug",
                "  sluice log-level trace --logger io.sluice.source.kubernetes", "  sluice log-level debug --for 10m"})
public final class LogLevelCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "LEVEL", converter = EnumConverter.OfLogLevel.class,
            completionCandidates = EnumConverter.OfLogLevel.class,
            description = "The least important messages that are logged: ${COMPLETION-CANDIDATES}.")
    private LogLevel level;

    @Option(names = "--logger", paramLabel = "NAME",
            description = "Only messages of this logger and those below it, as --log-format json names them.")
    private @Nullable String logger;

    @Option(names = "--for", paramLabel = "DURATION", converter = GoDuration.class,
            description = "How long; then it is as at the start. Default: until the process ends")
    private @Nullable Duration lasts;

    @Mixin
    private OperatorFlags daemon = new OperatorFlags();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        Map<String, Object> order = OperatorFlags.order("log-level");
        String word = level.name().toLowerCase(Locale.ROOT);
        order.put("level", word);
        if (logger != null) {
            order.put("logger", logger);
        }
        EndpointOrder.putMillis(order, "forMillis", lasts);
        daemon.print(spec, daemon.send(spec, main.environment(), order),
                "logged from now on" + (logger == null ? "" : " of " + logger) + ": " + word);
        return ExitCode.OK;
    }
}
