/**
 * The names that this server answers for: a {@link io.sluice.dns.zone.Zone} is made from a snapshot and never changes. Pure.
 *
 * <p>Names and records are dnsjava's, whose names keep case and compare octets. May import {@code service}.
 */
@NullMarked
package io.sluice.dns.zone;

import org.jspecify.annotations.NullMarked;
