package io.sluice.cli.command;

import io.sluice.cli.config.GoDuration;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sluice drain}. */
@Command(
        name = "drain",
        header = "Give an endpoint no new connections; those it has go on.",
        description = {"",
                "Holds until 'sluice undrain', the end of --for, or until the endpoint is gone; it survives changes of the Service, "
                        + "SIGHUP, and the next daemon at the same --handover-socket. If no endpoint is left, new connections are refused, "
                        + "and the command says so."},
        footer = {"", "Examples:", "  sluice drain 10.1.0.3:8080         of every Service that has it",
                "  sluice drain shop/api-0 --for 10m  every port of a Pod, for a while",
                "  sluice drain api-0 --timeout 30s   what is left then is reset"})
public final class DrainCommand extends EndpointOrder {

    @Option(names = "--timeout", paramLabel = "DURATION", converter = GoDuration.class,
            description = "Reset the connections that are left then. Default: they go on as long as they like")
    private @Nullable Duration timeout;

    @Option(names = "--for", paramLabel = "DURATION", converter = GoDuration.class,
            description = "How long; then it ends by itself. Default: until undrain")
    private @Nullable Duration lasts;

    /** Made by the command line. */
    public DrainCommand() {
        super("drain", "");
    }

    @Override
    void complete(Map<String, Object> order) {
        putMillis(order, "timeoutMillis", timeout);
        putMillis(order, "forMillis", lasts);
    }
}
