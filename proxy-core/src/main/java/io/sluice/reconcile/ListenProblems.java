package io.sluice.reconcile;

import io.sluice.linux.Errno;
import io.sluice.linux.SocketFailures;
import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;

/**
 * The addresses at which one round of opening could not listen, as lines for the log: for each address one, in groups of one
 * kind, but one line for all ports that need a privilege, because one thing helps all of them. Not thread-safe.
 */
final class ListenProblems {

    /** The offset that advice names: no usual port plus it is another usual port. */
    static final int ADVISED_OFFSET = 10_000;

    private static final int PRIVILEGED_BELOW = 1024;
    private static final int LAST_PORT = 65_535;

    private record Refused(InetSocketAddress address, Claim claim) {}

    private final Map<InetSocketAddress, String> known;
    private final Map<String, List<NamedLine>> lines = new TreeMap<>();
    private final List<Refused> privileged = new ArrayList<>();

    /**
     * Begins a round.
     *
     * @param known the problem of each address as of earlier rounds, which this one changes: a problem is logged once
     */
    ListenProblems(Map<InetSocketAddress, String> known) {
        this.known = known;
    }

    /** An address that this machine does not have. */
    void unavailable(InetSocketAddress address, Claim claim, String problem) {
        if (isNew(address, problem)) {
            add(claim, problem, "");
        }
    }

    /**
     * An address that could not be bound.
     *
     * @param problem for people
     */
    void notBound(InetSocketAddress address, Claim claim, String problem, Throwable cause) {
        if (!isNew(address, problem)) {
            return;
        }
        if (SocketFailures.ofBind(cause, address) == Errno.EACCES) {
            addPrivileged(address, claim);
        } else {
            add(claim, problem, String.valueOf(cause.getMessage()));
        }
    }

    private boolean isNew(InetSocketAddress address, String problem) {
        return !problem.equals(known.put(address, problem));
    }

    /** @param kind what addresses have in common whose lines belong together */
    private void add(Claim claim, String problem, String kind) {
        lines.computeIfAbsent(kind, k -> new ArrayList<>())
                .add(NamedLine.of(claim.owner(), claim.owner() + ": " + problem));
    }

    /** Adds an address whose port needs a privilege that this process lacks. */
    void addPrivileged(InetSocketAddress address, Claim claim) {
        privileged.add(new Refused(address, claim));
    }

    /** Logs everything, as warnings. */
    void log(Logger log) {
        if (!privileged.isEmpty()) {
            log.warn("{}", privilegedLine());
        }
        lines.values().forEach(some -> LineLimit.warn(log, some));
    }

    /** The line about all ports that need a privilege, with the ways out; there has to be one. */
    String privilegedLine() {
        List<ServiceName> services =
                privileged.stream().map(one -> one.claim().owner().service()).distinct().sorted().toList();
        TreeSet<Integer> ports =
                privileged.stream().map(one -> one.address().getPort()).collect(Collectors.toCollection(TreeSet::new));
        String below = ports.last() < PRIVILEGED_BELOW ? "ports below " + PRIVILEGED_BELOW : "privileged ports";
        return (services.size() == 1 ? "1 Service (" : services.size() + " Services (") + LineLimit.names(services)
                + (services.size() == 1 ? ") has " : ") have ") + below
                + ", for which this process lacks the privilege: "
                + withOffset() + "allow them to all users with 'sudo sysctl net.ipv4.ip_unprivileged_port_start="
                + ports.first() + "', or run it with CAP_NET_BIND_SERVICE (as root, or with AmbientCapabilities= or"
                + " setcap cap_net_bind_service=+ep on the java binary)";
    }

    /** The offset moves the ports of cluster IPs and no others. */
    private String withOffset() {
        return privileged.stream()
                .filter(one -> one.claim().kind() == AddressKind.CLUSTER_IP
                        && one.address().getPort() + ADVISED_OFFSET <= LAST_PORT)
                .findFirst()
                .map(one -> "add --port-offset " + ADVISED_OFFSET + " (" + one.claim().owner().service()
                        + " is then at "
                        + IpAddresses.format(one.address().getAddress(), one.address().getPort() + ADVISED_OFFSET)
                        + "), or ")
                .orElse("");
    }
}
