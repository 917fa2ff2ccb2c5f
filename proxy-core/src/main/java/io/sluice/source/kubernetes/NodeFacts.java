package io.sluice.source.kubernetes;

import org.jspecify.annotations.Nullable;

/**
 * What is kept of this node's Node object.
 *
 * @param zone   its label {@code topology.kubernetes.io/zone}, null if it has none
 * @param leaving whether it is being deleted, or the cluster autoscaler is about to take it away
 */
record NodeFacts(@Nullable String zone, boolean leaving) {}
