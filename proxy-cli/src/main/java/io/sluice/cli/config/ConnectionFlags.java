package io.sluice.cli.config;

import com.sun.management.UnixOperatingSystemMXBean;
import io.sluice.proxy.BufferLimits;
import io.sluice.service.PeerTimeouts;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Flags of the proxied connections: timeouts and limits. */
public final class ConnectionFlags {

    /** File descriptors that are kept for listeners, files and the admin servers. */
    private static final long RESERVED_DESCRIPTORS = 512;
    private static final long MOST = 1_000_000;
    private static final int MOST_FLOWS = 262_144;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--connect-timeout", paramLabel = "DURATION", defaultValue = "2s",
            converter = GoDuration.Positive.class,
            description = "How long one attempt to connect to one endpoint may take. Default: ${DEFAULT-VALUE}")
    private Duration connectTimeout;

    @Option(names = "--connect-retries", paramLabel = "N", defaultValue = "3", converter = BoundedInt.Retries.class,
            description = "How many other endpoints are tried, while the client waits, when one cannot be connected "
                    + "to. Default: ${DEFAULT-VALUE}")
    private int connectRetries;

    @Option(names = "--idle-timeout", paramLabel = "DURATION", defaultValue = "0s", converter = GoDuration.class,
            description = "A connection without a byte either way for this long is ended; 0 for never. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration idleTimeout;

    @Option(names = "--half-close-timeout", paramLabel = "DURATION", defaultValue = "1h",
            converter = GoDuration.Positive.class,
            description = "The same for a connection of which one side has finished sending; always on. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration halfCloseTimeout;

    @Option(names = "--keepalive-idle", paramLabel = "DURATION", defaultValue = "1m",
            converter = GoDuration.KeepaliveOrZero.class,
            description = "When nothing has come from a client or an endpoint for this long, it is asked whether it is "
                    + "there (TCP_KEEPIDLE). 0 for what the kernel has (net.ipv4.tcp_keepalive_time and others). A "
                    + "Service's annotation sluice.io/keepalive-idle overrides it. Default: ${DEFAULT-VALUE}")
    private Duration keepaliveIdle;

    @Option(names = "--keepalive-interval", paramLabel = "DURATION", defaultValue = "15s",
            converter = GoDuration.Keepalive.class,
            description = "After this long it is asked again (TCP_KEEPINTVL). Annotation: sluice.io/keepalive-interval. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration keepaliveInterval;

    @Option(names = "--keepalive-count", paramLabel = "N", defaultValue = "4",
            converter = BoundedInt.KeepaliveCount.class,
            description = "When it has not answered so often, both sides are reset (TCP_KEEPCNT). Annotation: "
                    + "sluice.io/keepalive-count. Default: ${DEFAULT-VALUE}")
    private int keepaliveCount;

    @Option(names = "--dead-peer-timeout", paramLabel = "DURATION", defaultValue = "45s", converter = GoDuration.class,
            description = "When something is under way to a client or an endpoint, and nothing comes from it for this "
                    + "long, not even an acknowledgement, both sides are reset. A peer that answers may be slow for as long "
                    + "as it likes. 0 for what the kernel has (net.ipv4.tcp_retries2, a quarter of an hour), as always "
                    + "outside of Linux. Annotation: sluice.io/dead-peer-timeout. Default: ${DEFAULT-VALUE}")
    private Duration deadPeerTimeout;

    @Option(names = "--max-connections", paramLabel = "N", defaultValue = "auto",
            converter = BoundedInt.Connections.class, completionCandidates = BoundedInt.AutoWord.class,
            description = "Connections to all Services together; one more is reset. auto is what the limit of open files "
                    + "allows at two for each connection, less 512. Default: ${DEFAULT-VALUE}")
    private BoundedInt.Auto maxConnections;

    @Option(names = "--max-connections-per-service", paramLabel = "N", defaultValue = "0",
            converter = BoundedInt.Limit.class,
            description = "Connections to any one Service; one more is reset. 0 for no limit. "
                    + "Default: ${DEFAULT-VALUE}")
    private int maxConnectionsPerService;

    @Option(names = "--buffer-memory", paramLabel = "BYTES", defaultValue = "auto",
            converter = ByteQuantity.Memory.class, completionCandidates = BoundedInt.AutoWord.class,
            description = "The bytes that all connections together may hold, read from one side and not yet accepted by "
                    + "the other. When it is used up, a connection reads only what its other side accepts at "
                    + "once, and the rest waits in the kernel. auto is 128Mi, or half of -XX:MaxDirectMemorySize if "
                    + "that is less. Default: ${DEFAULT-VALUE}")
    private ByteQuantity bufferMemory;

    @Option(names = "--socket-receive-buffer", paramLabel = "BYTES", defaultValue = "auto",
            converter = ByteQuantity.SocketBuffer.class, completionCandidates = BoundedInt.AutoWord.class,
            description = "The bytes that the kernel may keep for each socket, received and not yet read (SO_RCVBUF, "
                    + "at most net.core.rmem_max); also the most in flight to it. With auto the kernel "
                    + "decides (net.ipv4.tcp_rmem). Default: ${DEFAULT-VALUE}")
    private ByteQuantity socketReceiveBuffer;

    @Option(names = "--socket-unsent", paramLabel = "BYTES", defaultValue = "256Ki",
            converter = ByteQuantity.Unsent.class,
            description = "The bytes that the kernel may keep for each socket, written and not yet sent "
                    + "(TCP_NOTSENT_LOWAT), while an event loop serves more than 64 connections: for fewer "
                    + "the kernel decides (net.ipv4.tcp_wmem), which costs less. Not with the transport nio. "
                    + "Default: ${DEFAULT-VALUE}")
    private ByteQuantity socketUnsent;

    @Option(names = "--drain-timeout", paramLabel = "DURATION", defaultValue = "30s", converter = GoDuration.class,
            description = "How long established connections may go on after SIGTERM or Ctrl-C. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration drainTimeout;

    public Duration connectTimeout() {
        return connectTimeout;
    }

    public int connectRetries() {
        return connectRetries;
    }

    public Duration idleTimeout() {
        return idleTimeout;
    }

    public Duration halfCloseTimeout() {
        return halfCloseTimeout;
    }

    /** When a client or an endpoint is taken for dead. */
    public PeerTimeouts peers() {
        return new PeerTimeouts(keepaliveIdle, keepaliveInterval, keepaliveCount, deadPeerTimeout);
    }

    public int maxConnections() {
        return maxConnections.count().orElseGet(ConnectionFlags::affordableConnections);
    }

    public int maxConnectionsPerService() {
        return maxConnectionsPerService;
    }

    /**
     * The limits of buffers.
     *
     * @throws ParameterException if it is more than the JVM has for it
     */
    public BufferLimits buffers() {
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

    public Duration drainTimeout() {
        return drainTimeout;
    }

    /** The number of connections for which this process has file descriptors, two for each. */
    public static int affordableConnections() {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            return affordableConnections(system.getMaxFileDescriptorCount());
        }
        return affordableConnections(65_536);
    }

    /** How many flows of datagrams the limit of open files allows, a descriptor each, beside connections. */
    public static int affordableFlows() {
        return Math.min(MOST_FLOWS, affordableConnections() / 2);
    }

    /** A small limit of open files still leaves room for a few connections. */
    public static int affordableConnections(long descriptors) {
        return Math.toIntExact(Math.clamp((descriptors - RESERVED_DESCRIPTORS) / 2, 16, MOST));
    }
}
