package io.sluice.service;

import java.time.Instant;

/**
 * The time of the event that made an EndpointSlice change, by the clock of the cluster's control plane (its annotation
 * {@code endpoints.kubernetes.io/last-change-trigger-time}). The time from then until the change is applied here is SIG
 * Scalability's network programming latency.
 *
 * @param family of the endpoints that have changed
 */
public record TriggerTime(IpFamily family, Instant at) {}
