package io.sluice.cli.config;

import io.sluice.proxy.FlowSettings;
import java.time.Duration;
import picocli.CommandLine.Option;

/** Flags of flows of datagrams: UDP Services. */
public final class FlowFlags {

    @Option(names = "--udp-timeout", paramLabel = "DURATION", defaultValue = "30s",
            converter = GoDuration.Positive.class,
            description = "A flow of datagrams ends if none has come for this long. Default: ${DEFAULT-VALUE}")
    private Duration timeout;

    @Option(names = "--udp-stream-timeout", paramLabel = "DURATION", defaultValue = "3m",
            converter = GoDuration.Positive.class,
            description = "The same once both sides have spoken and go on for more than two seconds. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration streamTimeout;

    @Option(names = "--max-flows", paramLabel = "N", defaultValue = "auto",
            converter = BoundedInt.Connections.class, completionCandidates = BoundedInt.AutoWord.class,
            description = "Flows of datagrams over all Services. For one more the oldest gives way that has not gone "
                    + "on for two seconds. auto is a quarter of what the limit of open files allows, less 512, and "
                    + "262144 at the most. Default: ${DEFAULT-VALUE}")
    private BoundedInt.Auto maxFlows;

    @Option(names = "--max-flows-per-service", paramLabel = "N", defaultValue = "0",
            converter = BoundedInt.Limit.class,
            description = "Flows of datagrams to any one Service. 0 for no limit of its own. "
                    + "Default: ${DEFAULT-VALUE}")
    private int maxFlowsPerService;

    @Option(names = "--max-flows-per-client", paramLabel = "N", defaultValue = "16384",
            converter = BoundedInt.Limit.class,
            description = "Flows of datagrams of any one client address to any one Service. 0 for no limit of its own. "
                    + "Default: ${DEFAULT-VALUE}")
    private int maxFlowsPerClient;

    /** What they say. */
    public FlowSettings settings() {
        return new FlowSettings(timeout, streamTimeout,
                maxFlows.count().orElseGet(ConnectionFlags::affordableFlows), maxFlowsPerService, maxFlowsPerClient);
    }
}
