/**
 * The environment variables through which a container finds Services without DNS, as kubelet sets them.
 *
 * <p>Pure: a snapshot in, an ordered map out. {@link io.sluice.env.ServiceEnvironment} is the only door. May import
 * {@code service} only.
 */
@NullMarked
package io.sluice.env;

import org.jspecify.annotations.NullMarked;
