package io.sluice.proxy;

import io.sluice.connection.ConnectFailure;
import io.sluice.service.EndpointAddress;

/**
 * An endpoint that a connection has tried and that did not take it.
 *
 * @param nanos how long it took to fail
 */
public record Attempt(EndpointAddress endpoint, ConnectFailure failure, long nanos) {}
