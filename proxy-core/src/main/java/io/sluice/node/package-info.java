/**
 * What the proxy knows of and does to the host it runs on.
 *
 * <p>May import {@code linux}, {@code liveness} and {@code service}.
 */
@NullMarked
package io.sluice.node;

import org.jspecify.annotations.NullMarked;
