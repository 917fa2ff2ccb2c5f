package io.sluice.env;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * The variables that kubelet gives a container for the Services that exist when it starts (Kubernetes documentation,
 * "Discovering services"; {@code pkg/kubelet/envvars} and {@code getServiceEnvVarMap} in its source).
 *
 * <p>Services without a cluster address (headless, ExternalName) are left out, all protocols are included. Of a dual-stack
 * Service only the first address counts. A container's own {@code env} wins over these. Immutable; any thread.
 */
public final class ServiceEnvironment {

    private static final ServiceName MASTER = new ServiceName("default", "kubernetes");

    private final SequencedMap<String, String> variables;

    private ServiceEnvironment(SequencedMap<String, String> variables) {
        this.variables = Collections.unmodifiableSequencedMap(variables);
    }

    /**
     * The variables that kubelet sets in {@code namespace}.
     *
     * @param enableServiceLinks the Pod's {@code enableServiceLinks}; false leaves {@code default/kubernetes} alone
     */
    public static ServiceEnvironment of(ClusterSnapshot snapshot, String namespace, boolean enableServiceLinks) {
        return of(snapshot, namespace, enableServiceLinks, true, 0);
    }

    /**
     * The same for a program of this machine.
     *
     * @param portOffset what is added to the port of every cluster IP here
     */
    public static ServiceEnvironment here(ClusterSnapshot snapshot, String namespace, boolean enableServiceLinks,
            int portOffset) {
        return of(snapshot, namespace, enableServiceLinks, true, portOffset);
    }

    /**
     * The same, on request without the variables in the manner of Docker links.
     *
     * @param enableServiceLinks the Pod's {@code enableServiceLinks}; false leaves {@code default/kubernetes} alone
     * @param dockerLinks        false leaves out {@code X_PORT} and all that begin with {@code X_PORT_}: a Service named
     *                           {@code redis} sets {@code REDIS_PORT=tcp://…}, which breaks programs that read a number
     *                           there
     */
    public static ServiceEnvironment of(ClusterSnapshot snapshot, String namespace, boolean enableServiceLinks,
            boolean dockerLinks) {
        return of(snapshot, namespace, enableServiceLinks, dockerLinks, 0);
    }

    private static ServiceEnvironment of(ClusterSnapshot snapshot, String namespace, boolean enableServiceLinks,
            boolean dockerLinks, int portOffset) {
        SequencedMap<String, String> variables = new LinkedHashMap<>();
        for (Service service : visible(snapshot, namespace, enableServiceLinks).values()) {
            add(service, dockerLinks, portOffset, variables);
        }
        return new ServiceEnvironment(variables);
    }

    /**
     * The variables in the order in which they are set: Services by name, the variables of each as kubelet lists them. Where
     * two Services make the same name, the later one's value counts; with kubelet either may.
     */
    public SequencedMap<String, String> variables() {
        return variables;
    }

    /** How much of the kernel's limit for arguments and environment they take, in octets: {@code NAME=value\0} each. */
    public int sizeBytes() {
        int size = 0;
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            size += variable.getKey().getBytes(StandardCharsets.UTF_8).length
                    + variable.getValue().getBytes(StandardCharsets.UTF_8).length + 2;
        }
        return size;
    }

    /** The Services by name: one of the Pod's namespace hides {@code default/kubernetes}. */
    private static Map<String, Service> visible(ClusterSnapshot snapshot, String namespace, boolean links) {
        Map<String, Service> visible = new TreeMap<>();
        ServiceState master = snapshot.services().get(MASTER);
        if (master != null && master.service().addressed()) {
            visible.put(MASTER.name(), master.service());
        }
        if (links) {
            for (ServiceState state : snapshot.services().values()) {
                Service service = state.service();
                if (service.name().namespace().equals(namespace) && service.addressed()) {
                    visible.put(service.name().name(), service);
                }
            }
        }
        return visible;
    }

    private static void add(Service service, boolean dockerLinks, int portOffset, Map<String, String> variables) {
        String prefix = variableName(service.name().name());
        InetAddress address = service.clusterIps().getFirst();
        String ip = IpAddresses.format(address);
        variables.put(prefix + "_SERVICE_HOST", ip);
        if (service.ports().isEmpty()) {
            return;
        }
        ServicePort first = service.ports().getFirst();
        variables.put(prefix + "_SERVICE_PORT", Integer.toString(first.port() + portOffset));
        for (ServicePort port : service.ports()) {
            if (!port.name().isEmpty()) {
                variables.put(prefix + "_SERVICE_PORT_" + variableName(port.name()),
                        Integer.toString(port.port() + portOffset));
            }
        }
        if (!dockerLinks) {
            return;
        }
        variables.put(prefix + "_PORT", url(first, address, portOffset));
        for (ServicePort port : service.ports()) {
            String link = prefix + "_PORT_" + port.port() + '_' + port.protocol();
            variables.put(link, url(port, address, portOffset));
            variables.put(link + "_PROTO", scheme(port));
            variables.put(link + "_PORT", Integer.toString(port.port() + portOffset));
            variables.put(link + "_ADDR", ip);
        }
    }

    /** The name in upper case, with {@code _} for {@code -}; kubelet changes nothing else. */
    private static String variableName(String name) {
        return name.replace('-', '_').toUpperCase(Locale.ROOT);
    }

    private static String url(ServicePort port, InetAddress address, int portOffset) {
        return scheme(port) + "://" + IpAddresses.format(address, port.port() + portOffset);
    }

    private static String scheme(ServicePort port) {
        return port.protocol().name().toLowerCase(Locale.ROOT);
    }
}
