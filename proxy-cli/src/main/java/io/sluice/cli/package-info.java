/**
 * The {@code sluice} command. {@link io.sluice.cli.Main} knows the subcommands, which are in {@code command}, {@code demo}
 * and {@code exec}; those take their settings from {@code config}, log through {@code log} and print with {@code render}.
 * No other module imports this package.
 */
@NullMarked
package io.sluice.cli;

import org.jspecify.annotations.NullMarked;
