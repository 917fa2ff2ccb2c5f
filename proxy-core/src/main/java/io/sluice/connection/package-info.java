/**
 * The life of one proxied connection as a pure state machine: events in, actions out, time passed in.
 *
 * <p>Imports nothing of the project and does no I/O, so that the event loop and a simulation drive the same class.
 */
@NullMarked
package io.sluice.connection;

import org.jspecify.annotations.NullMarked;
