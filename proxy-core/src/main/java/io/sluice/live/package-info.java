/**
 * The live page of the admin address: its files, and the stream of what differs from second to second.
 *
 * <p>{@link io.sluice.live.LivePage} is the entrance. A {@link io.sluice.live.LiveBoard} draws a {@link io.sluice.live.LivePicture}
 * of all Services again and again while a page is open; without one it costs nothing.
 *
 * <p>May import {@code text}, {@code liveness}, {@code http}, {@code metrics}, {@code balance}, {@code reconcile},
 * {@code healthcheck} and {@code service}.
 */
@NullMarked
package io.sluice.live;

import org.jspecify.annotations.NullMarked;
