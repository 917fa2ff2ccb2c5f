/** {@code sluice exec}: a command that finds Services as a pod does, and the part of it inside a network namespace. */
@NullMarked
package io.sluice.cli.exec;

import org.jspecify.annotations.NullMarked;
