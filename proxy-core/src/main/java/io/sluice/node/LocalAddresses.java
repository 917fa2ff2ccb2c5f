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
            if (networkInterface.isUp()) {
                local.addAll(Collections.list(networkInterface.getInetAddresses()));
            }
        }
        return local;
    }
}
