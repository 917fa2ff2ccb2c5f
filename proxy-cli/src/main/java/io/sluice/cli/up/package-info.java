/** {@code sluice up}: the daemon and the developer's programs, which play the pods. */
@NullMarked
package io.sluice.cli.up;

import org.jspecify.annotations.NullMarked;
