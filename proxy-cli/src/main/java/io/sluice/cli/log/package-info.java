/** The log of the commands: levels, layouts, and the queue because of which no thread waits for the reader of a stream. */
@NullMarked
package io.sluice.cli.log;

import org.jspecify.annotations.NullMarked;
