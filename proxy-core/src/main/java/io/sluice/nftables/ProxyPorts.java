package io.sluice.nftables;

/**
 * The TCP ports on which the proxy accepts the intercepted connections of one IP family.
 *
 * <p>Both sockets have IP_TRANSPARENT and {@code SO_MARK} {@link PacketMarks#own}.
 *
 * @param transparent of the socket on the loopback address: the local address of an accepted socket is the one that the
 *                    client connected to
 * @param redirected  of the socket on the wildcard address, for clients behind a bridge: the address that the client
 *                    connected to is {@code SO_ORIGINAL_DST} of an accepted socket. Other clients are refused there
 */
public record ProxyPorts(int transparent, int redirected) {}
