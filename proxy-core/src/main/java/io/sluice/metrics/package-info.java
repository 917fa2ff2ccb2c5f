/**
 * What is counted and what is logged of each connection: meters by name, with a bound on how many series there are, and
 * the access log.
 *
 * <p>Event loops count through {@link io.sluice.metrics.PortMeters} and {@link io.sluice.metrics.EndpointMeters}, which
 * they hold by reference: no lookup, no lock, no allocation. Every metric is described in {@code docs/metrics.md}.
 *
 * <p>May import {@code service} only.
 */
@NullMarked
package io.sluice.metrics;

import org.jspecify.annotations.NullMarked;
