package io.sluice.node;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The addresses of this machine's interfaces. */
public final class LocalAddresses {

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

    /** On a node interfaces of pods go at any time, also between two questions to the kernel. */
    private static boolean isUp(NetworkInterface networkInterface) {
        try {
            return networkInterface.isUp();
        } catch (SocketException e) {
            return false;
        }
    }
}
