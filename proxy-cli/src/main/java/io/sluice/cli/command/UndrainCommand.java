package io.sluice.cli.command;

import java.util.Map;
import picocli.CommandLine.Command;

/** {@code sluice undrain}. */
@Command(
        name = "undrain",
        header = "Take back what drain and eject have ordered.",
        description = {"", "The endpoint gets new connections again, as far as its Service and its readiness let it."},
        footer = {"", "Examples:", "  sluice undrain 10.1.0.3:8080", "  sluice undrain shop/api-0"})
public final class UndrainCommand extends EndpointOrder {

    /** Made by the command line. */
    public UndrainCommand() {
        super("undrain", "nothing is ordered for it");
    }

    @Override
    void complete(Map<String, Object> order) {
        // Nothing else.
    }
}
