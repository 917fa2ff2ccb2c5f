package io.sluice.nftables;

/**
 * The bits of marks that Sluice uses; all others belong to other software, and Sluice keeps them as they are.
 *
 * <p>An incoming packet for the proxy carries {@link #own} and {@link #route}; a packet of a process of this node, which the
 * kernel sends over the loopback interface to the proxy, carries {@link #route} alone. If the kernel copies the mark of a
 * packet to the reply ({@code net.ipv4.fwmark_reflect}, {@code tcp_fwmark_accept}), the reply thereby counts as one of the
 * proxy's own and goes out.
 *
 * @param own        {@code SO_MARK} of the proxy's sockets, both listening ones, from which accepted ones inherit it, and
 *                   those that connect to endpoints: the table does not intercept their packets again
 * @param route      the kernel delivers the packet locally, whatever its destination
 * @param connection in a connection's mark (conntrack): the table has intercepted it
 * @param upstream   in a connection's mark: it is the proxy's to an endpoint
 * @param direct     in a connection's mark: the kernel forwards it to an endpoint, because no proxy listened
 * @param masquerade in a connection's mark: besides, the endpoint sees this node's address and not the client's
 * @param hushed     {@code SO_MARK} besides {@link #own} of a socket whose endpoint may not send yet; the packet loses it before
 *                   other software looks at it, some of which uses this bit
 * @param untracked  {@code SO_MARK} besides {@link #own} of a socket whose packets are not looked up among tracked connections;
 *                   they lose it before any other software sees them
 */
public record PacketMarks(int own, int route, int connection, int upstream, int direct, int masquerade, int hushed,
        int untracked) {

    /** The bits in use. */
    public static final PacketMarks SLUICE = new PacketMarks(0x1000, 0x2000, 0x2000, 0x1000, 0x4000, 0x8000, 0x4000,
            0x8000);

    /** In a connection's mark, both bits: the proxy has connected it to an endpoint and handed it to the kernel. */
    public int handed() {
        return direct | upstream;
    }

    /** In a connection's mark, all bits: the proxy is about to hand it to the kernel. */
    public int pending() {
        return direct | upstream | masquerade;
    }

    /** In a connection's mark, both bits: the client may not send before the proxy has connected an endpoint. */
    int held() {
        return connection | masquerade;
    }
}
