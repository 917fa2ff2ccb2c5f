package io.sluice.service;

import java.time.Instant;

/**
 * Since when an EndpointSlice says what it says: what made it change, by the clock of the cluster's control plane (its
 * annotation {@code endpoints.kubernetes.io/last-change-trigger-time}). From then until it is applied here, the network is
 * not yet programmed (SIG Scalability's network programming latency).
 *
 * @param family of the endpoints that have changed
 */
public record EndpointChange(IpFamily family, Instant at) {}
