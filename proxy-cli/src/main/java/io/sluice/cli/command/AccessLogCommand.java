package io.sluice.cli.command;

import io.sluice.cli.Main;
import picocli.CommandLine.Option;
import org.jspecify.annotations.Nullable;
import java.time.Duration;
import io.sluice.cli.config.GoDuration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice access-log}. */
@Command(
        name = "access-log",
        header = "Switch the access log of a running sluice.",
        description = {"",
                "Until the next access-log, the end of --for or the end of the process. A process that takes over at the same "
                        + "--handover-socket goes on with it, any other begins with its --access-log."},
        footer = {"", "Examples:", "  sluice access-log on", "  sluice access-log on --for 10m"})
public final class AccessLogCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "on|off", description = "Whether a line is logged for each connection that has ended.")
    private String access;

    @Option(names = "--for", paramLabel = "DURATION", converter = GoDuration.class,
            description = "How long; then it is as at the start. Default: until the process ends")
    private @Nullable Duration lasts;

    @Mixin
    private OperatorFlags daemon = new OperatorFlags();

    @Override
    public Integer call() throws FailureException, InterruptedException {
        if (!access.equals("on") && !access.equals("off")) {
            throw new ParameterException(spec.commandLine(), "say on or off, and not '" + access + "'");
        }
        Map<String, Object> order = OperatorFlags.order("access-log");
        order.put("access", access);
        EndpointOrder.putMillis(order, "forMillis", lasts);
        daemon.print(spec, daemon.send(spec, main.environment(), order), "the access log is " + access);
        return ExitCode.OK;
    }
}
