/**
 * Where Services come from: the one interface behind which manifest files and a Kubernetes API look the same; and how
 * files that others have written are read, and what they say is shown.
 *
 * <p>May import {@code service} only.
 */
@NullMarked
package io.sluice.source;

import org.jspecify.annotations.NullMarked;
