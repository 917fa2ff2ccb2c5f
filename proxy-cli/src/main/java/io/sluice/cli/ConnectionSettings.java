package io.sluice.cli;

import com.sun.management.UnixOperatingSystemMXBean;
import io.sluice.proxy.BufferLimits;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Settings of the proxied connections: how long they may take and how many there may be. */
final class ConnectionSettings {

    /** File descriptors that are kept for listeners, files and the admin servers. */
    private static final long RESERVED_DESCRIPTORS = 512;
    private static final long MOST = 1_000_000;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

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

    @Option(names = "--buffer-memory", paramLabel = "BYTES", defaultValue = "auto",
            converter = ByteQuantity.Memory.class, completionCandidates = Numbers.AutoWord.class,
            description = "What all connections together may hold of bytes that were read from one side and not yet "
                    + "taken by the other. When it is used up, a connection reads only what its other side takes at "
                    + "once, and the rest waits in the kernel. auto is 128Mi, or half of -XX:MaxDirectMemorySize if "
                    + "that is less. Default: ${DEFAULT-VALUE}")
    private ByteQuantity bufferMemory;

    @Option(names = "--socket-receive-buffer", paramLabel = "BYTES", defaultValue = "auto",
            converter = ByteQuantity.SocketBuffer.class, completionCandidates = Numbers.AutoWord.class,
            description = "What the kernel may keep for each socket of what was received and not yet read (SO_RCVBUF, "
                    + "at most net.core.rmem_max); also the most that is under way to it. auto is for the kernel to "
                    + "decide (net.ipv4.tcp_rmem). Default: ${DEFAULT-VALUE}")
    private ByteQuantity socketReceiveBuffer;

    @Option(names = "--socket-unsent", paramLabel = "BYTES", defaultValue = "256Ki",
            converter = ByteQuantity.Unsent.class,
            description = "What the kernel may keep for each socket of what was written and not yet sent "
                    + "(TCP_NOTSENT_LOWAT), while an event loop serves more than 64 connections: for fewer it is "
                    + "the kernel's to decide (net.ipv4.tcp_wmem), which costs less. Not with the transport nio. "
                    + "Default: ${DEFAULT-VALUE}")
    private ByteQuantity socketUnsent;

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

    /** @throws ParameterException if it is more than the JVM has for it */
    BufferLimits buffers() {
        long memory = bufferMemory.bytes().orElseGet(BufferLimits::affordableMemory);
        if (memory > BufferLimits.mostMemory()) {
            throw new ParameterException(spec.commandLine(), "--buffer-memory: " + ByteQuantity.format(memory)
                    + " is more than half of -XX:MaxDirectMemorySize, which is "
                    + ByteQuantity.format(2 * BufferLimits.mostMemory())
                    + ": lower it, or raise that in SLUICE_JAVA_OPTS");
        }
        return new BufferLimits(memory, Math.toIntExact(socketReceiveBuffer.bytes().orElse(0)),
                Math.toIntExact(socketUnsent.bytes().orElseThrow()));
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
