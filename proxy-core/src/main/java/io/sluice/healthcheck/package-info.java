/**
 * Health checks: of the node and this process ({@link io.sluice.healthcheck.Health}, which the admin address serves), and
 * of each Service that a cloud load balancer asks about ({@link io.sluice.healthcheck.HealthCheckPorts}, at ports of its own).
 * Both answer through {@code http}.
 */
@NullMarked
package io.sluice.healthcheck;

import org.jspecify.annotations.NullMarked;
