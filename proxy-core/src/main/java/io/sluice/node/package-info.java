/**
 * What the proxy knows of and does to the host it runs on.
 *
 * <p>May import {@code service} only.
 */
@NullMarked
package io.sluice.node;

import org.jspecify.annotations.NullMarked;
