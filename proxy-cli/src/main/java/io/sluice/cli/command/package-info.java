/** The subcommands, one class each: parse, call the daemon or its admin API, print. Demo and exec have packages of their own. */
@NullMarked
package io.sluice.cli.command;

import org.jspecify.annotations.NullMarked;
