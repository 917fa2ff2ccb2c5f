/**
 * Where Services come from: the one interface behind which manifest files and a Kubernetes API look the same.
 *
 * <p>May import {@code service} only.
 */
@NullMarked
package io.sluice.source;

import org.jspecify.annotations.NullMarked;
