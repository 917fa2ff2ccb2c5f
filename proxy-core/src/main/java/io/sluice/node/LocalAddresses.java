package io.sluice.node;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The addresses of this machine's interfaces. */
public final class LocalAddresses {

    /** Addresses that no machine has (RFC 5737, RFC 3849), to which only a default route leads. */
    private static final List<String> SOMEWHERE = List.of("192.0.2.1", "2001:db8::1");
    private static final int ANY_PORT = 9;

    private LocalAddresses() {}

    /**
     * The addresses of every interface that is up, in the kernel's order; asks the kernel.
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
     * The networks of the interfaces that are up, as far as other machines may be in them. Asks the kernel.
     *
     * @throws SocketException if it cannot be asked
     */
    public static List<Cidr> networks() throws SocketException {
        List<Cidr> networks = new ArrayList<>();
        for (NetworkInterface networkInterface : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            if (isUp(networkInterface) && !networkInterface.isLoopback()) {
                for (InterfaceAddress address : networkInterface.getInterfaceAddresses()) {
                    Cidr network = new Cidr(address.getAddress(), address.getNetworkPrefixLength());
                    if (!NodeNetworks.isSingle(network) && !address.getAddress().isLinkLocalAddress()) {
                        networks.add(network);
                    }
                }
            }
        }
        return networks;
    }

    /**
     * The source addresses of connections from this machine by its default route, one of each family that has such a route;
     * asks the kernel, and sends nothing.
     */
    static List<InetAddress> outward() {
        List<InetAddress> outward = new ArrayList<>();
        for (String somewhere : SOMEWHERE) {
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.connect(new InetSocketAddress(IpAddresses.parse(somewhere), ANY_PORT));
                outward.add(socket.getLocalAddress());
            } catch (SocketException | UncheckedIOException e) {
                // The node has no default route in this family.
            }
        }
        return outward;
    }

    /** Whether it is up; pods' interfaces can disappear at any time, also between two system calls, and are down then. */
    private static boolean isUp(NetworkInterface networkInterface) {
        try {
            return networkInterface.isUp();
        } catch (SocketException e) {
            return false;
        }
    }
}
