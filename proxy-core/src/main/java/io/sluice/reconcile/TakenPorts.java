package io.sluice.reconcile;

import io.sluice.linux.ListeningSockets;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The ports of Services that a daemon of this machine could not listen at, because a program listens there at all addresses.
 * Pure. A program at a single address is not looked for: it may well be the daemon that serves these Services.
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
}
