package io.sluice.node;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.service.Cidr;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;

/** What a network namespace of our own needs before anything can be reached in it. */
public final class GuestNetwork {

    private static final short RTM_NEWLINK = 16;
    private static final short NLM_F_REQUEST_ACK = 1 | 4;
    private static final int LOOPBACK = 1;
    private static final int IFF_UP = 1;
    private static final int MESSAGE_BYTES = 32;
    private static final int TIMEOUT_MILLIS = 5_000;

    private GuestNetwork() {}

    /**
     * Switches the loopback interface on, which is all that a new namespace has (rtnetlink(7)).
     *
     * @throws IOException if the kernel refuses
     */
    public static void up() throws IOException {
        try (NetlinkSocket socket = NetlinkSocket.open(0, TIMEOUT_MILLIS)) {
            ByteBuffer message = RouteMessages.buffer(MESSAGE_BYTES);
            message.putInt(MESSAGE_BYTES).putShort(RTM_NEWLINK).putShort(NLM_F_REQUEST_ACK).putInt(1).putInt(0);
            message.putShort((short) 0).putShort((short) 0).putInt(LOOPBACK).putInt(IFF_UP).putInt(IFF_UP);
            socket.send(message.flip());
            int[] error = {0};
            RouteMessages.read(socket.receive(), answer -> error[0] = answer.error());
            if (error[0] != 0) {
                throw new ErrnoException("switching the loopback interface on", error[0]);
            }
        }
    }

    /**
     * Makes ranges local (AnyIP: {@code ip route add local RANGE dev lo}); those that are already stay so.
     *
     * @throws IOException if the kernel refuses
     */
    public static void local(Collection<Cidr> ranges) throws IOException {
        for (Map.Entry<Cidr, Integer> failure : new KernelRoutes().add(ranges).entrySet()) {
            if (failure.getValue() != Errno.EEXIST.number()) {
                throw new ErrnoException("making " + failure.getKey() + " local", failure.getValue());
            }
        }
    }
}
