package io.sluice.proxy;

import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.ProxyProtocol;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The header that gives an endpoint its client's address (HAProxy's proxy-protocol.txt, versions 1 and 2). The source is the
 * client, the destination is the address that it connected to.
 */
final class ProxyProtocolHeader {

    private static final byte[] NOTHING = new byte[0];
    private static final byte[] UNKNOWN_V1 = "PROXY UNKNOWN\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SIGNATURE_V2 = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
    private static final int VERSION_2_LOCAL = 0x20;
    private static final int VERSION_2_PROXY = 0x21;
    private static final int TCP_OVER_IPV4 = 0x11;
    private static final int TCP_OVER_IPV6 = 0x21;

    private ProxyProtocolHeader() {}

    /** The header of a connection from {@code client} to {@code listener}; empty for {@link ProxyProtocol#NONE}. */
    static byte[] of(ProxyProtocol version, InetSocketAddress client, InetSocketAddress listener) {
        return switch (version) {
            case NONE -> NOTHING;
            case V1 -> text(client, listener);
            case V2 -> binary(client, listener);
        };
    }

    /** The header of a connection that the proxy makes for itself. */
    static byte[] ofNobody(ProxyProtocol version) {
        return switch (version) {
            case NONE -> NOTHING;
            case V1 -> UNKNOWN_V1;
            case V2 -> ByteBuffer.allocate(16).put(SIGNATURE_V2).put((byte) VERSION_2_LOCAL).put((byte) 0)
                    .putShort((short) 0).array();
        };
    }

    private static byte[] text(InetSocketAddress client, InetSocketAddress listener) {
        String family = IpFamily.of(listener.getAddress()) == IpFamily.IPV4 ? "TCP4" : "TCP6";
        return ("PROXY " + family + ' ' + IpAddresses.format(client.getAddress()) + ' '
                + IpAddresses.format(listener.getAddress()) + ' ' + client.getPort() + ' ' + listener.getPort()
                + "\r\n").getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] binary(InetSocketAddress client, InetSocketAddress listener) {
        InetAddress source = client.getAddress();
        byte[] from = source.getAddress();
        byte[] to = listener.getAddress().getAddress();
        return ByteBuffer.allocate(16 + from.length + to.length + 4).put(SIGNATURE_V2).put((byte) VERSION_2_PROXY)
                .put((byte) (source instanceof Inet4Address ? TCP_OVER_IPV4 : TCP_OVER_IPV6))
                .putShort((short) (from.length + to.length + 4)).put(from).put(to).putShort((short) client.getPort())
                .putShort((short) listener.getPort()).array();
    }
}
