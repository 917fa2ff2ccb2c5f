package io.sluice.cli.command;

import io.sluice.linux.Errno;
import io.sluice.linux.SocketFailures;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Whether this process may listen at ports below 1024, and what commands do that choose an offset themselves. */
public final class PrivilegedPorts {

    /** With this offset no usual port needs a privilege, and none becomes another usual port. */
    public static final int OFFSET = 10_000;

    private static final int UNPRIVILEGED = 1024;

    private PrivilegedPorts() {}

    /** Whether this process lacks the privilege for {@code port}. */
    public static boolean lacksPrivilege(int port) {
        if (port >= UNPRIVILEGED) {
            return false;
        }
        InetSocketAddress address = new InetSocketAddress(IpAddresses.parse("127.121.0.254"), port);
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(address);
            return false;
        } catch (IOException e) {
            return SocketFailures.ofBind(e, address) == Errno.EACCES;
        }
    }

    /** What is said where the offset is chosen. */
    public static String notice() {
        return "Ports below 1024 need a privilege that is missing here: every port is served at its number + " + OFFSET
                + ", as with --port-offset " + OFFSET + ".\n";
    }
}
