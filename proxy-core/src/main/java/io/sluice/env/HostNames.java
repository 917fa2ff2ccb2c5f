package io.sluice.env;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.TreeSet;

/**
 * The names of Services as lines of hosts(5), with all forms that the search list of a Pod would make of them, and the names of a
 * headless Service's Pods. ExternalNames are left out: that file has no aliases of other names. Pure.
 */
public final class HostNames {

    /** A line: an address and its names, the full one first. */
    public record Line(String address, List<String> names) {

        public Line {
            names = List.copyOf(names);
        }
    }

    private HostNames() {}

    /**
     * The lines, by namespace and name of the Service.
     *
     * @param namespace whose Services have short names
     * @param domain    the cluster's, {@code cluster.local}
     */
    public static List<Line> of(ClusterSnapshot snapshot, String namespace, String domain) {
        List<Line> lines = new ArrayList<>();
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            ServiceName name = service.name();
            boolean near = name.namespace().equals(namespace);
            if (!service.headless()) {
                service.clusterIps().forEach(ip -> lines.add(line(ip, name.name(), name, near, domain)));
                continue;
            }
            SequencedSet<Line> ofPods = new LinkedHashSet<>();
            TreeSet<InetAddress> addresses = new TreeSet<>(IpAddresses.ORDER);
            for (Endpoint endpoint : ready(state)) {
                addresses.add(endpoint.address().ip());
                if (endpoint.hostname() != null) {
                    ofPods.add(line(endpoint.address().ip(), endpoint.hostname() + "." + name.name(), name, near,
                            domain));
                }
            }
            addresses.forEach(ip -> lines.add(line(ip, name.name(), name, near, domain)));
            lines.addAll(ofPods);
        }
        return lines;
    }

    /** The lines as the file has them, each ended. */
    public static String text(List<Line> lines) {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line.address()).append('\t').append(String.join(" ", line.names()))
                .append('\n'));
        return text.toString();
    }

    private static List<Endpoint> ready(ServiceState state) {
        List<Endpoint> ready = new ArrayList<>();
        state.ports().forEach(port -> ready.addAll(port.endpoints().endpoints()));
        ready.addAll(state.portless().endpoints());
        ready.removeIf(endpoint -> !endpoint.ready());
        return ready;
    }

    private static Line line(InetAddress ip, String first, ServiceName service, boolean near, String domain) {
        String inNamespace = first + "." + service.namespace();
        List<String> names = new ArrayList<>(
                List.of(inNamespace + ".svc." + domain, inNamespace + ".svc", inNamespace));
        if (near) {
            names.add(first);
        }
        return new Line(IpAddresses.format(ip), names);
    }
}
