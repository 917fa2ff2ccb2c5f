/** Settings of the daemon as flags, variables and a configuration file: their spelling and their origin. */
@NullMarked
package io.sluice.cli.config;

import org.jspecify.annotations.NullMarked;
