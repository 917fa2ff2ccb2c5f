/**
 * The host that the proxy runs on: its addresses, routes and socket files, and the changes that the proxy makes to them.
 *
 * <p>May import {@code linux}, {@code liveness} and {@code service}.
 */
@NullMarked
package io.sluice.node;

import org.jspecify.annotations.NullMarked;
