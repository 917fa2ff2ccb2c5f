package io.sluice.proxy;

import java.time.Duration;

/**
 * What the data path is configured with.
 *
 * @param workerThreads            event loops, at least 1
 * @param connectTimeout           for one attempt at one endpoint
 * @param connectRetries           how many further endpoints are tried while the client waits, 0 for none
 * @param idleTimeout              a connection without a byte for this long is ended; zero for never
 * @param halfCloseTimeout         the same once one side has finished sending; always positive
 * @param maxConnections           over all Services; one more is reset
 * @param maxConnectionsPerService over one Service; one more is reset; 0 for no limit of its own
 * @param backlog                  the kernel's accept queue of each listener
 * @param buffers                  what may be kept of bytes that are not delivered yet
 */
public record ProxySettings(Transport transport, int workerThreads, Duration connectTimeout, int connectRetries,
        Duration idleTimeout, Duration halfCloseTimeout, int maxConnections, int maxConnectionsPerService,
        int backlog, BufferLimits buffers) {

    /** With {@link BufferLimits#DEFAULT}. */
    public ProxySettings(Transport transport, int workerThreads, Duration connectTimeout, int connectRetries,
            Duration idleTimeout, Duration halfCloseTimeout, int maxConnections, int maxConnectionsPerService,
            int backlog) {
        this(transport, workerThreads, connectTimeout, connectRetries, idleTimeout, halfCloseTimeout, maxConnections,
                maxConnectionsPerService, backlog, BufferLimits.DEFAULT);
    }
}
