package io.sluice.cli.command;

import io.sluice.cli.config.GoDuration;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sluice eject}. */
@Command(
        name = "eject",
        header = "Leave an endpoint out as if it did not answer.",
        description = {"",
                "As the daemon does with endpoints that do not answer, but without probes: never the last endpoint, and no more than "
                        + "--eject-max-share at once. 'sluice undrain' takes it back. 'sluice drain' leaves it out in any case."},
        footer = {"", "Examples:", "  sluice eject 10.1.0.3:8080 --for 5m"})
public final class EjectCommand extends EndpointOrder {

    @Option(names = "--for", paramLabel = "DURATION", converter = GoDuration.class,
            description = "How long; then it ends by itself. Default: until undrain")
    private @Nullable Duration lasts;

    /** Made by the command line. */
    public EjectCommand() {
        super("eject", "");
    }

    @Override
    void complete(Map<String, Object> order) {
        putMillis(order, "forMillis", lasts);
    }
}
