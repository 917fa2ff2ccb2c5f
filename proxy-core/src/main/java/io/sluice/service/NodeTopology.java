package io.sluice.service;

import org.jspecify.annotations.Nullable;

/**
 * Where this proxy runs.
 *
 * @param node the node's name
 * @param zone the node's label {@code topology.kubernetes.io/zone}, null if it has none
 */
public record NodeTopology(String node, @Nullable String zone) {}
