/**
 * Network namespaces of programs that see the cluster's addresses without a privilege on this machine ({@code sluice exec}).
 *
 * <p>Inside, a {@link io.sluice.guest.GuestAgent} binds sockets and hands them over a Unix socket (SCM_RIGHTS, unix(7));
 * outside, a {@link io.sluice.guest.GuestDoor} takes them, and {@link io.sluice.guest.Guests} lets them follow what is
 * applied. A socket keeps the namespace in which it was made: connections are accepted there, and backends are connected
 * to out here. May import {@code linux}, {@code proxy}, {@code dns} and {@code service}.
 */
@NullMarked
package io.sluice.guest;

import org.jspecify.annotations.NullMarked;
