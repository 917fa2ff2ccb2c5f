/**
 * Keeps the process from being half dead: errors that it cannot survive end it, faults in a task are contained and logged,
 * and a watchdog finds threads that make no progress.
 *
 * <p>May import nothing of the project.
 */
@NullMarked
package io.sluice.liveness;

import org.jspecify.annotations.NullMarked;
