package io.sluice.reconcile;

import io.sluice.linux.SocketFailures;
import io.sluice.proxy.AddressKind;
import io.sluice.service.IpAddresses;
import java.net.InetSocketAddress;

/** Explains a failed bind, and how to repair it. */
final class BindProblems {

    private BindProblems() {}

    /** The same for datagrams. */
    static String describeDatagrams(InetSocketAddress address, AddressKind kind, Throwable cause) {
        return describe(address, kind, cause, "ss -lunp");
    }

    /** One line: what is wrong at {@code address} and what to do. */
    static String describe(InetSocketAddress address, AddressKind kind, Throwable cause) {
        return describe(address, kind, cause, "ss -ltnp");
    }

    private static String describe(InetSocketAddress address, AddressKind kind, Throwable cause, String lister) {
        String where = IpAddresses.format(address.getAddress(), address.getPort());
        return switch (SocketFailures.ofBind(cause, address)) {
            case EADDRINUSE ->
                    where + " is already in use by another program (" + lister + " 'sport = :" + address.getPort()
                            + "' names it)";
            case EACCES -> where
                    + " needs a privilege that this process lacks: run it with CAP_NET_BIND_SERVICE (as root, or with"
                    + " AmbientCapabilities= or setcap cap_net_bind_service=+ep on the java binary), allow it to"
                    + " all users with 'sysctl net.ipv4.ip_unprivileged_port_start=" + address.getPort()
                    + "', or use --port-offset 8000";
            case EADDRNOTAVAIL -> where + " is not an address of this machine: add it with 'ip route add local "
                    + IpAddresses.format(address.getAddress()) + "/"
                    + address.getAddress().getAddress().length * 8 + " dev lo'"
                    + (kind == AddressKind.CLUSTER_IP
                            ? ", or leave spec.clusterIP out so that one is allocated from --service-cidr"
                            : "");
            case EMFILE, ENFILE ->
                    where + " cannot be opened: no file descriptor is left; raise the limit of open files (ulimit -n,"
                            + " LimitNOFILE=) or lower --max-connections";
            case null, default -> "cannot listen on " + where + ": " + SocketFailures.bindReason(cause, address);
        };
    }
}
