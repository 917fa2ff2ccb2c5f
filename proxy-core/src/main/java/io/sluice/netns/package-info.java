/**
 * Network namespaces of programs that see the cluster's addresses without a privilege on this machine ({@code sluice
 * exec}).
 *
 * <p>Inside, a {@link io.sluice.netns.NamespaceAgent} binds sockets and hands them over a Unix socket (SCM_RIGHTS,
 * unix(7)); outside, a {@link io.sluice.netns.NamespaceSocketServer} has a session with each namespace, and {@link
 * io.sluice.netns.NamespaceSessions} lets them follow what is applied. A socket keeps the namespace in which it was made:
 * connections are accepted there, and backends are connected to out here. May import {@code linux}, {@code netlink}, {@code
 * node}, {@code proxy}, {@code dns} and {@code service}.
 */
@NullMarked
package io.sluice.netns;

import org.jspecify.annotations.NullMarked;
