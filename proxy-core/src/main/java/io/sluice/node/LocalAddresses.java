package io.sluice.node;

import io.sluice.service.IpAddresses;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The addresses of this machine's interfaces. */
public final class LocalAddresses {

    /** Addresses of nobody (RFC 5737, RFC 3849), which only a default route leads to. */
    private static final List<String> SOMEWHERE = List.of("192.0.2.1", "2001:db8::1");
    private static final int ANY_PORT = 9;

    private LocalAddresses() {}

    /**
     * Those of every interface that is up, in the kernel's order; asks the kernel.
     *
     * @throws SocketException if it cannot be asked
     */
    public static List<InetAddress> read() throws SocketException {
        List<InetAddress> local = new ArrayList<>();
        for (NetworkInterface networkInterface : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            if (isUp(networkInterface)) {
                local.addAll(Collections.list(networkInterface.getInetAddresses()));
            }
        }
        return local;
    }

    /**
     * The addresses that a connection of this machine to somewhere far away has, one of each family that has a way out;
     * asks the kernel, and sends nothing.
     */
    static List<InetAddress> outward() {
        List<InetAddress> outward = new ArrayList<>();
        for (String somewhere : SOMEWHERE) {
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.connect(new InetSocketAddress(IpAddresses.parse(somewhere), ANY_PORT));
                outward.add(socket.getLocalAddress());
            } catch (SocketException | UncheckedIOException e) {
                // No way out in this family.
            }
        }
        return outward;
    }

    /** On a node interfaces of pods go at any time, also between two questions to the kernel. */
    private static boolean isUp(NetworkInterface networkInterface) {
        try {
            return networkInterface.isUp();
        } catch (SocketException e) {
            return false;
        }
    }
}
