package io.sluice.proxy;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One connection as an operator sees it.
 *
 * @param id               unique in this process
 * @param listener         the address that the client connected to
 * @param endpoint         where it goes, null before one was chosen
 * @param state            {@code connecting}, {@code established}, {@code half-closed (client)}, {@code half-closed
 *                         (backend)}, {@code closing}, or {@code kernel} after it was handed over
 * @param acceptedAt       wall clock
 * @param bytesFromClient  written to the endpoint so far
 * @param bytesFromBackend written to the client so far
 * @param retries          how many endpoints failed before this one
 */
public record ConnectionView(long id, InetSocketAddress client, InetSocketAddress listener, ServicePortName servicePort,
        @Nullable EndpointAddress endpoint, String state, Instant acceptedAt, long bytesFromClient,
        long bytesFromBackend, int retries) {}
