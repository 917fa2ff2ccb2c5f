package io.sluice.reconcile;

import io.sluice.linux.ListeningSockets;
import io.sluice.linux.LocalListeners.Listener;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The ports that a daemon and the programs of this machine take from each other: those of Services that it could not listen at,
 * because a program listens there at all addresses, and the other way round. Pure. A program at a single address is not looked for: it may well be the daemon that serves these Services.
 */
public final class TakenPorts {

    private static final int LAST_PORT = 65_535;

    private TakenPorts() {}

    /**
     * A port that is taken.
     *
     * @param port    its Service and its number
     * @param message what is in the way, and the ways out
     */
    public record Taken(String port, String message) {}

    /**
     * Those of a snapshot, each once.
     *
     * @param portOffset added to the port of every cluster IP
     * @param tcp        what listens now
     * @param udp        what receives datagrams now
     */
    public static List<Taken> of(ClusterSnapshot snapshot, int portOffset, ListeningSockets tcp,
            ListeningSockets udp) {
        List<Taken> taken = new ArrayList<>();
        for (ServiceState state : snapshot.services().values()) {
            for (PortState port : state.ports()) {
                Protocol protocol = port.port().protocol();
                int number = port.port().port() + portOffset;
                if (!state.service().proxied() || protocol == Protocol.SCTP || number > LAST_PORT) {
                    continue;
                }
                ListeningSockets listening = protocol == Protocol.UDP ? udp : tcp;
                for (InetAddress ip : state.service().clusterIps()) {
                    Optional<String> all = listening.atAllAddresses(number, ip instanceof Inet6Address);
                    if (all.isPresent()) {
                        taken.add(new Taken("Service " + state.service().name() + " port " + port.port().display(),
                                BindProblems.takenEverywhere(IpAddresses.format(ip, number), all.get(),
                                        protocol == Protocol.UDP ? BindProblems.UDP_LISTER : BindProblems.TCP_LISTER,
                                        number)));
                        break;
                    }
                }
            }
        }
        return taken;
    }

    /**
     * The ports of Services at which a program that is to be an endpoint, and does not run yet, cannot listen at all addresses:
     * as soon as the daemon listens there at one address, such a program ends with "address already in use", which names nobody.
     * Only ready endpoints at loopback addresses are looked at; each port is named once.
     *
     * @param portOffset added to the port of every cluster IP
     * @param tcp        what listens now
     */
    public static List<Taken> byServices(ClusterSnapshot snapshot, int portOffset, List<Listener> tcp) {
        Map<Integer, Served> served = new TreeMap<>();
        for (ServiceState state : snapshot.services().values()) {
            for (PortState port : state.ports()) {
                int number = port.port().port() + portOffset;
                if (state.service().proxied() && port.port().protocol() == Protocol.TCP && number <= LAST_PORT) {
                    state.service().clusterIps().stream().findFirst().ifPresent(ip -> served.putIfAbsent(number,
                            new Served("Service " + state.service().name() + " port " + port.port().display(),
                                    new EndpointAddress(ip, number))));
                }
            }
        }
        Set<EndpointAddress> running = new HashSet<>();
        Set<Integer> everywhere = new HashSet<>();
        tcp.forEach(socket -> {
            running.add(new EndpointAddress(socket.address(), socket.port()));
            if (socket.address().isAnyLocalAddress()) {
                everywhere.add(socket.port());
            }
        });
        List<Taken> taken = new ArrayList<>();
        programs(snapshot).forEach((program, name) -> {
            Served by = everywhere.contains(program.port()) || running.contains(program)
                    ? null
                    : served.remove(program.port());
            if (by != null) {
                taken.add(new Taken(by.port, "nothing listens at the endpoint " + program + name
                        + " yet: have that program listen at " + IpAddresses.format(program.ip())
                        + " alone (HOST=, --host, server.address), as at all addresses it cannot start while Sluice listens at "
                        + by.at + "; or use --port-offset " + ListenProblems.ADVISED_OFFSET));
            }
        });
        return taken;
    }

    /** Where Sluice is to listen. */
    private record Served(String port, EndpointAddress at) {}

    /** The ready endpoints at loopback addresses, with the names of their Pods. */
    private static Map<EndpointAddress, String> programs(ClusterSnapshot snapshot) {
        Map<EndpointAddress, String> programs = new TreeMap<>();
        snapshot.services().values().stream().flatMap(state -> state.ports().stream())
                .filter(port -> port.port().protocol() == Protocol.TCP)
                .flatMap(port -> port.endpoints().endpoints().stream())
                .filter(endpoint -> endpoint.ready() && endpoint.address().ip().isLoopbackAddress())
                .forEach(endpoint -> programs.put(endpoint.address(),
                        endpoint.target() == null ? "" : " (pod " + endpoint.target() + ")"));
        return programs;
    }
}
