package io.sluice.cli.command;

import io.sluice.balance.Order;
import io.sluice.cli.config.GoDuration;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code sluice weight}. */
@Command(
        name = "weight",
        header = "Give an endpoint another weight.",
        description = {"",
                "Of Services that are balanced by round-robin or weighted-round-robin; an endpoint without a weight has 1. It takes the "
                        + "place of the annotation sluice.io/weights until 'default', the end of --for, or until the endpoint is gone."},
        footer = {"", "Examples:",
                "  sluice weight 10.1.0.3:8080 3      three times as many as one with 1",
                "  sluice weight 10.1.0.3:8080 default"})
public final class WeightCommand extends EndpointOrder {

    @Parameters(index = "1", paramLabel = "N|default", description = "1 to 100, or as the annotation says.")
    private String weight;

    @Option(names = "--for", paramLabel = "DURATION", converter = GoDuration.class,
            description = "How long; then it ends by itself. Default: until the next weight")
    private @Nullable Duration lasts;

    /** Made by the command line. */
    public WeightCommand() {
        super("weight", "it has no weight by hand");
    }

    @Override
    void complete(Map<String, Object> order) {
        if (!weight.equals("default") && !weight.matches("[1-9]\\d?|100")) {
            throw new ParameterException(spec.commandLine(), "'" + weight + "' is no weight from 1 to "
                    + Order.MOST_WEIGHT + ", and not the word default; to give an endpoint nothing: sluice drain");
        }
        order.put("weight", weight.equals("default") ? 0 : Integer.parseInt(weight));
        putMillis(order, "forMillis", lasts);
    }
}
