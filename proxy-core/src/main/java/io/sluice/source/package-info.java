/**
 * The sources of Services: the interface that manifest files and a Kubernetes API have in common; and how files of other
 * users are read and quoted.
 *
 * <p>May import {@code service} only.
 */
@NullMarked
package io.sluice.source;

import org.jspecify.annotations.NullMarked;
