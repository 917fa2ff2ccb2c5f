package io.sluice.service;

/** {@code internalTrafficPolicy} and {@code externalTrafficPolicy}: every endpoint, or only those on this node. */
public enum TrafficPolicy {
    CLUSTER, LOCAL
}
