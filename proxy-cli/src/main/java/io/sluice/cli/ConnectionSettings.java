package io.sluice.cli;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import picocli.CommandLine.Option;

/** Settings of the proxied connections: how long they may take and how many there may be. */
final class ConnectionSettings {

    /** File descriptors that are kept for listeners, files and the admin servers. */
    private static final long RESERVED_DESCRIPTORS = 512;
    private static final long MOST = 1_000_000;

    @Option(names = "--connect-timeout", paramLabel = "DURATION", defaultValue = "2s",
            converter = Numbers.PositiveDuration.class,
            description = "How long one attempt to connect to one endpoint may take. Default: ${DEFAULT-VALUE}")
    private Duration connectTimeout;

    @Option(names = "--connect-retries", paramLabel = "N", defaultValue = "3", converter = Numbers.Retries.class,
            description = "How many other endpoints are tried, while the client waits, when one cannot be connected "
                    + "to. Default: ${DEFAULT-VALUE}")
    private int connectRetries;

    @Option(names = "--idle-timeout", paramLabel = "DURATION", defaultValue = "0s", converter = GoDuration.class,
            description = "A connection without a byte either way for this long is ended; 0 for never. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration idleTimeout;

    @Option(names = "--half-close-timeout", paramLabel = "DURATION", defaultValue = "1h",
            converter = Numbers.PositiveDuration.class,
            description = "The same for a connection of which one side has finished sending; always on. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration halfCloseTimeout;

    @Option(names = "--max-connections", paramLabel = "N", defaultValue = "auto",
            converter = Numbers.Connections.class, completionCandidates = Numbers.AutoWord.class,
            description = "Connections over all Services; one more is reset. auto is what the limit of open files "
                    + "allows at two for each connection, less 512. Default: ${DEFAULT-VALUE}")
    private Numbers.Auto maxConnections;

    @Option(names = "--max-connections-per-service", paramLabel = "N", defaultValue = "0",
            converter = Numbers.Limit.class,
            description = "Connections to any one Service; one more is reset. 0 for no limit. "
                    + "Default: ${DEFAULT-VALUE}")
    private int maxConnectionsPerService;

    @Option(names = "--drain-timeout", paramLabel = "DURATION", defaultValue = "30s", converter = GoDuration.class,
            description = "How long established connections may go on after SIGTERM or Ctrl-C. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration drainTimeout;

    Duration connectTimeout() {
        return connectTimeout;
    }

    int connectRetries() {
        return connectRetries;
    }

    Duration idleTimeout() {
        return idleTimeout;
    }

    Duration halfCloseTimeout() {
        return halfCloseTimeout;
    }

    int maxConnections() {
        return maxConnections.count().orElseGet(ConnectionSettings::affordableConnections);
    }

    int maxConnectionsPerService() {
        return maxConnectionsPerService;
    }

    Duration drainTimeout() {
        return drainTimeout;
    }

    /** Two file descriptors for each connection out of this process's limit. */
    static int affordableConnections() {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            return affordableConnections(system.getMaxFileDescriptorCount());
        }
        return affordableConnections(65_536);
    }

    /** A small limit of open files still leaves room for a few connections. */
    static int affordableConnections(long descriptors) {
        return Math.toIntExact(Math.clamp((descriptors - RESERVED_DESCRIPTORS) / 2, 16, MOST));
    }
}
