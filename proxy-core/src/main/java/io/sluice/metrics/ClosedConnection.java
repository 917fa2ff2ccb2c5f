package io.sluice.metrics;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * The fields of the access log for a connection that has ended.
 *
 * @param listener         the address that the client connected to
 * @param endpoint         the last one that was tried, null if none was
 * @param connectNanos     from accept until an endpoint took it; -1 if none did
 * @param totalNanos       from accept to close
 * @param bytesFromClient  written to the endpoint
 * @param bytesFromBackend written to the client
 * @param retries          how many endpoints failed before the last one
 * @param termination      the two-letter termination state: which side ended it, in which phase
 * @param masqueraded      whether the endpoint saw this node's address, while other traffic of the Service keeps its source
 */
public record ClosedConnection(InetSocketAddress client, ServicePortName servicePort, InetSocketAddress listener,
        @Nullable EndpointAddress endpoint, long connectNanos, long totalNanos, long bytesFromClient,
        long bytesFromBackend, int retries, String termination, boolean masqueraded) {}
