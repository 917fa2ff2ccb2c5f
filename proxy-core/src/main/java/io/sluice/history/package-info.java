/**
 * Pure: what has changed, when and why. The difference between two states of a Service is a list of {@link
 * io.sluice.history.Change}s; the {@link io.sluice.history.Journal} keeps the last of them, numbered and dated, as {@link
 * io.sluice.history.Event}s.
 *
 * <p>May import {@code text} and {@code service}.
 */
@NullMarked
package io.sluice.history;

import org.jspecify.annotations.NullMarked;
