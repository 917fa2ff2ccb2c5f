/**
 * The metrics and the access log of connections: meters by name, with a bound on the number of series, and one line for
 * each closed connection.
 *
 * <p>Event loops count through {@link io.sluice.metrics.PortMeters} and {@link io.sluice.metrics.EndpointMeters}, which
 * they hold by reference: no lookup, no lock, no allocation. {@link io.sluice.metrics.MetricCatalog} names every metric of
 * Sluice.
 *
 * <p>May import {@code liveness} and {@code service}.
 */
@NullMarked
package io.sluice.metrics;

import org.jspecify.annotations.NullMarked;
