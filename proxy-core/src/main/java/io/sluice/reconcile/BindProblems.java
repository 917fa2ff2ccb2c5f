package io.sluice.reconcile;

import io.sluice.linux.ListeningSockets;
import io.sluice.linux.SocketFailures;
import io.sluice.proxy.AddressKind;
import io.sluice.service.IpAddresses;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.function.Supplier;

/** Explains a failed bind, and how to repair it. */
final class BindProblems {

    private BindProblems() {}

    /** The same for datagrams. */
    static String describeDatagrams(InetSocketAddress address, AddressKind kind, Throwable cause) {
        return describe(address, kind, cause, "ss -lunp", ListeningSockets::ofUdp);
    }

    /** One line: what is wrong at {@code address} and what to do. */
    static String describe(InetSocketAddress address, AddressKind kind, Throwable cause) {
        return describe(address, kind, cause, "ss -ltnp", ListeningSockets::ofTcp);
    }

    /** @param listening the sockets that listen now, which are asked for only where one is in the way */
    static String describe(InetSocketAddress address, AddressKind kind, Throwable cause, String lister,
            Supplier<ListeningSockets> listening) {
        String where = IpAddresses.format(address.getAddress(), address.getPort());
        return switch (SocketFailures.ofBind(cause, address)) {
            case EADDRINUSE -> {
                String named = "(" + lister + " 'sport = :" + address.getPort() + "' names it)";
                yield listening.get().atAllAddresses(address.getPort(), address.getAddress() instanceof Inet6Address)
                        .map(all -> where + " is already in use by another program that listens at all addresses, "
                                + all
                                + ' ' + named + ": have it listen at 127.0.0.1 alone, or use --port-offset 10000, or"
                                + " connect from within 'sluice exec', where the port is free")
                        .orElse(where + " is already in use by another program " + named);
            }
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
