package io.sluice.history;

import java.time.Instant;

/**
 * A change with its number and time.
 *
 * @param id grows by one with each event of a process, and is greater than those of earlier processes on this machine
 * @param at when the change was applied
 */
public record Event(long id, Instant at, Change change) {}
