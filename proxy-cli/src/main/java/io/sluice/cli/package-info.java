/** The {@code sluice} command: one class per subcommand, each thin. Nothing imports this package. */
@NullMarked
package io.sluice.cli;

import org.jspecify.annotations.NullMarked;
