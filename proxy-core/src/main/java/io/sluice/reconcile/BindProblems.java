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

    /** The command that names who listens at a TCP port. */
    static final String TCP_LISTER = "ss -ltnp";
    /** The same for UDP. */
    static final String UDP_LISTER = "ss -lunp";

    private BindProblems() {}

    /** The same for datagrams. */
    static String describeDatagrams(InetSocketAddress address, AddressKind kind, Throwable cause) {
        return describe(address, kind, cause, UDP_LISTER, ListeningSockets::ofUdp);
    }

    /** One line: what is wrong at {@code address} and what to do. */
    static String describe(InetSocketAddress address, AddressKind kind, Throwable cause) {
        return describe(address, kind, cause, TCP_LISTER, ListeningSockets::ofTcp);
    }

    /** @param listening the sockets that listen now, which are asked for only where one is in the way */
    static String describe(InetSocketAddress address, AddressKind kind, Throwable cause, String lister,
            Supplier<ListeningSockets> listening) {
        String where = IpAddresses.format(address.getAddress(), address.getPort());
        return switch (SocketFailures.ofBind(cause, address)) {
            case EADDRINUSE -> {
                int port = address.getPort();
                yield listening.get().atAllAddresses(port, address.getAddress() instanceof Inet6Address)
                        .map(all -> takenEverywhere(where, all, lister, port))
                        .orElse(where + " is already in use by another program " + named(lister, port));
            }
            case EACCES -> where
                    + " needs a privilege that this process lacks: run it with CAP_NET_BIND_SERVICE (as root, or with"
                    + " AmbientCapabilities= or setcap cap_net_bind_service=+ep on the java binary), allow it to"
                    + " all users with 'sysctl net.ipv4.ip_unprivileged_port_start=" + address.getPort()
                    + "', or use --port-offset " + ListenProblems.ADVISED_OFFSET;
            case EADDRNOTAVAIL -> where + " is not an address of this machine: add it with 'ip route add local "
                    + IpAddresses.format(address.getAddress()) + "/"
                    + address.getAddress().getAddress().length * 8 + " dev lo'"
                    + (kind == AddressKind.CLUSTER_IP
                            ? ", or run as root with --address-mode local-route, or leave spec.clusterIP and --service-cidr out,"
                                    + " whose default every Linux machine has"
                            : "");
            case EMFILE, ENFILE ->
                    where + " cannot be opened: no file descriptor is left; raise the limit of open files (ulimit -n,"
                            + " LimitNOFILE=) or lower --max-connections";
            case null, default -> "cannot listen on " + where + ": " + SocketFailures.bindReason(cause, address);
        };
    }

    /**
     * What is wrong at {@code where}, and the ways out, if a program listens at all addresses.
     *
     * @param all    where that program listens, {@code 0.0.0.0:8080}
     * @param lister the command that names it
     */
    static String takenEverywhere(String where, String all, String lister, int port) {
        return where + " is already in use by another program that listens at all addresses, " + all + ' '
                + named(lister, port) + ": have it listen at 127.0.0.1 alone, or use --port-offset "
                + ListenProblems.ADVISED_OFFSET + ", or connect from within 'sluice exec', where the port is free";
    }

    private static String named(String lister, int port) {
        return "(" + lister + " 'sport = :" + port + "' names it)";
    }
}
