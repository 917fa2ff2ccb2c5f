package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The connections of this network namespace that the kernel tracks (conntrack, ctnetlink). Any thread; waits for the kernel. */
public final class TrackedConnections {

    /** IPCTNL_MSG_CT_DELETE of NFNL_SUBSYS_CTNETLINK. */
    private static final short DELETE = 1 << 8 | 2;
    private static final short NLM_F_REQUEST_ACK = 1 | 4;
    private static final int HEADER_BYTES = 16;
    private static final int FAMILY_BYTES = 4;
    private static final int ATTRIBUTE_BYTES = 8;
    private static final short CTA_MARK = 8;
    private static final short CTA_MARK_MASK = 21;
    private static final int TIMEOUT_MILLIS = 10_000;

    private TrackedConnections() {}

    /**
     * Makes the kernel forget those whose mark has {@code bits}, all of them, and none of {@code without}; 0 and 0 for every
     * connection. The next packet of one is the first of a new connection, for which address translation is decided again.
     *
     * @throws ErrnoException if this user may not (CAP_NET_ADMIN), or this kernel has no ctnetlink (CONFIG_NF_CT_NETLINK)
     */
    public static void forget(int bits, int without) throws IOException {
        ByteBuffer request = RouteMessages.buffer(HEADER_BYTES + FAMILY_BYTES + 2 * ATTRIBUTE_BYTES);
        request.putInt(0).putShort(DELETE).putShort(NLM_F_REQUEST_ACK).putInt(1).putInt(0).putInt(0);
        if (bits != 0) {
            number(request, CTA_MARK, bits);
            number(request, CTA_MARK_MASK, bits | without);
        }
        request.putInt(0, request.position()).flip();
        try (NetlinkSocket socket = NetlinkSocket.openNetfilter(TIMEOUT_MILLIS)) {
            socket.send(request);
            int[] error = {-1};
            while (error[0] < 0) {
                RouteMessages.read(socket.receive(), message -> {
                    if (message.type() == RouteMessages.NLMSG_ERROR) {
                        error[0] = message.error();
                    }
                });
            }
            if (error[0] != 0 && error[0] != Errno.ENOENT.number()) {
                throw new ErrnoException("forgetting tracked connections", error[0]);
            }
        }
    }

    private static void number(ByteBuffer out, short type, int value) {
        out.putShort((short) ATTRIBUTE_BYTES).putShort(type).order(ByteOrder.BIG_ENDIAN).putInt(value)
                .order(ByteOrder.nativeOrder());
    }
}
