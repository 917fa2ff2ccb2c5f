package io.sluice.dns;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.OtherPort;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Snapshots written briefly. */
public final class Cluster {

    private final Map<ServiceName, ServiceState> services = new TreeMap<>();

    /** Ports are written {@code http:80/TCP}, {@code :80/TCP} without a name; addresses with commas. */
    public Cluster clusterIp(String name, String ips, String... ports) {
        return add(service(name, ServiceType.CLUSTER_IP, addresses(ips), false, null, ports), List.of());
    }

    /** Endpoints are written {@code hostname=ip:port!}: the hostname and {@code !}, "not ready", may be left out. */
    public Cluster headless(String name, String port, String... endpoints) {
        String[] ports = port.isEmpty() ? new String[0] : new String[] {port};
        return add(service(name, ServiceType.CLUSTER_IP, List.of(), true, null, ports),
                Arrays.stream(endpoints).map(Cluster::endpoint).toList());
    }

    /** The slices of a headless Service have another port, which is written as the Service's are. */
    public Cluster slicePort(String name, String port, String... endpoints) {
        ServicePort written = port(port);
        services.computeIfPresent(name(name), (key, state) -> {
            List<OtherPort> others = new ArrayList<>(state.others());
            others.add(new OtherPort(written.name(), written.protocol(),
                    EndpointSet.of(Arrays.stream(endpoints).map(Cluster::endpoint).toList())));
            return new ServiceState(state.service(), state.ports(), state.portless(), others);
        });
        return this;
    }

    public Cluster externalName(String name, String target) {
        return add(service(name, ServiceType.EXTERNAL_NAME, List.of(), false, target), List.of());
    }

    public Cluster remove(String name) {
        services.remove(name(name));
        return this;
    }

    public ClusterSnapshot snapshot() {
        return snapshot(1_700_000_000L);
    }

    public ClusterSnapshot snapshot(long seconds) {
        return new ClusterSnapshot(seconds, Instant.ofEpochSecond(seconds), new NodeTopology("node", null), services);
    }

    private Cluster add(Service service, List<Endpoint> endpoints) {
        List<PortState> ports = new ArrayList<>();
        service.ports().forEach(port -> ports.add(new PortState(port, EndpointSet.of(endpoints), null)));
        services.put(service.name(), ports.isEmpty()
                ? new ServiceState(service, ports, EndpointSet.of(endpoints))
                : new ServiceState(service, ports));
        return this;
    }

    private static Service service(String name, ServiceType type, List<InetAddress> ips, boolean headless,
            String externalName, String... ports) {
        return Service.builder(name(name)).type(type).clusterIps(ips).headless(headless).externalName(externalName)
                .ports(Arrays.stream(ports).map(Cluster::port).toList()).build();
    }

    private static ServiceName name(String text) {
        int slash = text.indexOf('/');
        return new ServiceName(text.substring(0, slash), text.substring(slash + 1));
    }

    private static ServicePort port(String text) {
        int colon = text.indexOf(':');
        int slash = text.indexOf('/');
        int number = Integer.parseInt(text.substring(colon + 1, slash));
        return new ServicePort(text.substring(0, colon), Protocol.valueOf(text.substring(slash + 1)), number, 0,
                Integer.toString(number), null);
    }

    private static Endpoint endpoint(String text) {
        boolean ready = !text.endsWith("!");
        int equals = text.indexOf('=');
        String rest = text.substring(equals + 1, ready ? text.length() : text.length() - 1);
        int colon = rest.lastIndexOf(':');
        InetAddress ip = IpAddresses.parse(rest.substring(0, colon).replace("[", "").replace("]", ""));
        return Endpoint.builder(new EndpointAddress(ip, Integer.parseInt(rest.substring(colon + 1)))).ready(ready)
                .serving(ready).hostname(equals < 0 ? null : text.substring(0, equals)).build();
    }

    private static List<InetAddress> addresses(String ips) {
        return Arrays.stream(ips.split(",", -1)).map(IpAddresses::parse).toList();
    }
}
