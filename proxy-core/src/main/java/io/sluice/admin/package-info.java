/**
 * What operators and monitoring see: metrics, health, and the state of Services and connections as JSON, over HTTP.
 *
 * <p>{@link io.sluice.admin.Admin} is the entrance; it asks the daemon through
 * {@link io.sluice.admin.DaemonStatus}. No request runs on an event loop of the data path. Views are records of
 * their own, so that the model may change without changing the API, which is described in {@code docs/api.md}.
 *
 * <p>May import every room but {@code daemon}.
 */
@NullMarked
package io.sluice.admin;

import org.jspecify.annotations.NullMarked;
