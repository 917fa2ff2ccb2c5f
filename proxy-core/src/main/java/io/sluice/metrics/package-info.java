/**
 * What is counted and what is logged of each connection: meters by name, with a bound on how many series there are, and
 * the access log.
 *
 * <p>Event loops count through {@link io.sluice.metrics.PortMeters} and {@link io.sluice.metrics.EndpointMeters}, which
 * they hold by reference: no lookup, no lock, no allocation. {@link io.sluice.metrics.MetricCatalog} names every metric of Sluice.
 *
 * <p>May import {@code liveness} and {@code service}.
 */
@NullMarked
package io.sluice.metrics;

import org.jspecify.annotations.NullMarked;
