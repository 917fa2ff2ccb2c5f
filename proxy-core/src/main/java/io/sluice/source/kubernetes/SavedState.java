package io.sluice.source.kubernetes;

import io.sluice.source.kubernetes.ClusterView.Contents;
import java.time.Instant;

/**
 * All that a state file holds.
 *
 * @param server           the configured URL of the API server that it is from
 * @param servicesVersion  the resourceVersion of the Services
 * @param endpointsVersion the same of their endpoints
 */
record SavedState(Instant savedAt, String server, String nodeName, String servicesVersion, String endpointsVersion,
        Contents contents) {}
