/**
 * rtnetlink(7), which Java has not: {@link io.sluice.netlink.NetlinkSocket} sends and receives,
 * {@link io.sluice.netlink.RouteMessages} encodes and decodes, and {@link io.sluice.netlink.KernelRoutes} has the routes of a
 * network namespace. {@link io.sluice.netlink.TcpSockets} asks for single TCP sockets, sock_diag(7), and
 * {@link io.sluice.netlink.Conntrack} has the
 * connections that the kernel tracks, {@link io.sluice.netlink.ConntrackCalls} single ones of an event loop. What is done with them is decided in {@code node} and {@code netns}.
 */
@NullMarked
package io.sluice.netlink;

import org.jspecify.annotations.NullMarked;
