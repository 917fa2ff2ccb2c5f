/**
 * The data path: listeners, proxied connections and the engines that move their bytes.
 *
 * <p>May import {@code linux}, {@code connection}, {@code balance}, {@code metrics} and {@code service}.
 */
@NullMarked
package io.sluice.proxy;

import org.jspecify.annotations.NullMarked;
