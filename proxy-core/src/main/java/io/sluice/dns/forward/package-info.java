/**
 * Names outside our zones: {@link io.sluice.dns.forward.Forwarder} asks upstream servers, over sockets on event loops given
 * from outside. Nothing here blocks.
 *
 * <p>May import {@code dns.wire}, {@code metrics} and {@code service}.
 */
@NullMarked
package io.sluice.dns.forward;

import org.jspecify.annotations.NullMarked;
