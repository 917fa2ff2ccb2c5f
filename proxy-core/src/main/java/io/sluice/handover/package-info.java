/**
 * One daemon after another: {@link io.sluice.handover.Handover} takes the listening sockets of the daemon that serves and
 * gives them to the next one. The pure {@code HandoverMachine} decides the answers of the old process; both sides
 * communicate over a Unix socket.
 *
 * <p>May import {@code linux}, {@code liveness}, {@code node}, {@code proxy} and {@code reconcile}.
 */
@NullMarked
package io.sluice.handover;

import org.jspecify.annotations.NullMarked;
