package io.sluice.cli.command;

import io.sluice.cli.render.Table;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.source.Problem;
import io.sluice.source.manifest.LoadedManifests;
import io.sluice.text.PrintableJson;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Services with their ports and endpoints as a table with one row for each port, and as JSON. */
public final class SnapshotView {

    private static final String NONE = "<none>";
    private static final int SHOWN = 4;

    private SnapshotView() {}

    /** One row for each port of each Service, with the reason for an empty one. */
    public static Table table(ClusterSnapshot snapshot) {
        Table table = new Table("NAMESPACE", "NAME", "TYPE", "CLUSTER-IP", "PORT", "TARGET", "ENDPOINTS");
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            String namespace = service.name().namespace();
            String name = service.name().name();
            String type = service.type().apiName();
            String clusterIp = clusterIp(service);
            if (state.ports().isEmpty()) {
                table.row(namespace, name, type, clusterIp, NONE, NONE, withoutPorts(service));
            }
            for (PortState port : state.ports()) {
                table.row(namespace, name, type, clusterIp, port.port().display(), target(port),
                        endpoints(service, port));
            }
        }
        return table;
    }

    /** The same for the applied state, with the addresses of each port in place of its targets. Failures are logged. */
    public static Table table(AppliedState state) {
        Table table = new Table("NAMESPACE", "NAME", "TYPE", "PORT", "SERVED-AT", "ENDPOINTS");
        for (ServiceState service : state.snapshot().services().values()) {
            ServiceName name = service.service().name();
            String type = service.service().type().apiName();
            if (service.ports().isEmpty()) {
                table.row(name.namespace(), name.name(), type, NONE, NONE, withoutPorts(service.service()));
            }
            for (PortState port : service.ports()) {
                AppliedPort applied = state.ports()
                        .get(new ServicePortName(name, port.port().name(), port.port().protocol()));
                table.row(name.namespace(), name.name(), type, port.port().display(),
                        applied == null ? NONE : servedAt(applied.listeners()), endpoints(service.service(), port));
            }
        }
        return table;
    }

    private static String servedAt(List<ListenerState> listeners) {
        List<String> texts = new ArrayList<>();
        for (ListenerState listener : listeners) {
            String address = IpAddresses.format(listener.address().getAddress(), listener.address().getPort());
            texts.add(switch (listener.status()) {
                case LISTENING -> address;
                case NO_ENDPOINTS -> address + " (refused)";
                case FAILED -> address + " (failed)";
            });
        }
        return shortened(texts);
    }

    /** {@code 2 Services, 3 ports, 6 endpoints ready of 7, 1 port without endpoints}. */
    static String summary(ClusterSnapshot snapshot) {
        int ports = 0;
        int empty = 0;
        int endpoints = 0;
        int ready = 0;
        for (ServiceState state : snapshot.services().values()) {
            for (PortState port : state.ports()) {
                ports++;
                empty += port.whyEmpty() == null ? 0 : 1;
                endpoints += port.endpoints().endpoints().size();
                ready += (int) port.endpoints().endpoints().stream().filter(Endpoint::ready).count();
            }
        }
        return count(snapshot.services().size(), "Service") + ", " + count(ports, "port") + ", "
                + count(endpoints, "endpoint") + (ready == endpoints ? "" : " (" + ready + " ready)")
                + (empty == 0 ? "" : ", " + count(empty, "port") + " without endpoints");
    }

    /** The same for programs, with the problems, and what was skipped and passed over. */
    static String json(LoadedManifests loaded) {
        List<Object> services = new ArrayList<>();
        loaded.snapshot().services().values().forEach(state -> services.add(service(state)));
        List<Object> complaints = new ArrayList<>();
        for (Problem problem : loaded.problems()) {
            Map<String, Object> complaint = new LinkedHashMap<>();
            complaint.put("severity", problem.severity().name().toLowerCase(Locale.ROOT));
            complaint.put("location", problem.location());
            complaint.put("subject", problem.subject());
            complaint.put("message", problem.message());
            complaints.add(complaint);
        }
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("services", services);
        root.put("problems", complaints);
        root.put("skipped", new TreeMap<>(loaded.skipped()));
        root.put("passedOver", loaded.passedOver());
        return PrintableJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }

    private static Map<String, Object> service(ServiceState state) {
        Service service = state.service();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("namespace", service.name().namespace());
        fields.put("name", service.name().name());
        fields.put("type", service.type().apiName());
        fields.put("headless", service.headless());
        fields.put("clusterIPs", service.clusterIps().stream().map(IpAddresses::format).toList());
        if (service.externalName() != null) {
            fields.put("externalName", service.externalName());
        }
        List<Object> ports = new ArrayList<>();
        for (PortState port : state.ports()) {
            Map<String, Object> portFields = new LinkedHashMap<>();
            portFields.put("name", port.port().name());
            portFields.put("protocol", port.port().protocol().name());
            portFields.put("port", port.port().port());
            portFields.put("nodePort", port.port().nodePort());
            portFields.put("targetPort", port.port().targetPort());
            portFields.put("endpoints", port.endpoints().endpoints().stream().map(SnapshotView::endpoint).toList());
            EmptyReason reason = port.whyEmpty();
            if (reason != null) {
                portFields.put("whyEmpty", Map.of("reason", reason.code(), "message", reason.describe()));
            }
            ports.add(portFields);
        }
        fields.put("ports", ports);
        return fields;
    }

    private static Map<String, Object> endpoint(Endpoint endpoint) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("address", endpoint.address().toString());
        fields.put("ready", endpoint.ready());
        fields.put("serving", endpoint.serving());
        fields.put("terminating", endpoint.terminating());
        if (endpoint.node() != null) {
            fields.put("node", endpoint.node());
        }
        if (endpoint.zone() != null) {
            fields.put("zone", endpoint.zone());
        }
        if (endpoint.target() != null) {
            fields.put("pod", endpoint.target());
        }
        return fields;
    }

    private static String clusterIp(Service service) {
        if (service.headless()) {
            return "None";
        }
        List<InetAddress> addresses = service.clusterIps();
        return addresses.isEmpty() ? NONE : String.join(",", addresses.stream().map(IpAddresses::format).toList());
    }

    private static String withoutPorts(Service service) {
        return service.type() == ServiceType.EXTERNAL_NAME
                ? "not proxied: a name for " + service.externalName()
                : "not proxied: it has no ports";
    }

    private static String target(PortState port) {
        return port.port().targetPort().isEmpty() ? NONE : port.port().targetPort();
    }

    private static String endpoints(Service service, PortState port) {
        if (service.type() == ServiceType.EXTERNAL_NAME) {
            return withoutPorts(service);
        }
        List<String> ready = port.endpoints().endpoints().stream().filter(Endpoint::ready)
                .map(endpoint -> endpoint.address().toString()).toList();
        String text = shortened(ready);
        EmptyReason reason = port.whyEmpty();
        if (reason != null) {
            text += " (" + reason.describe() + ")";
        }
        return port.port().protocol() != Protocol.SCTP ? text : text + " (not proxied: " + port.port().protocol() + ")";
    }

    private static String shortened(List<String> texts) {
        if (texts.isEmpty()) {
            return NONE;
        }
        String shown = String.join(",", texts.subList(0, Math.min(SHOWN, texts.size())));
        return texts.size() > SHOWN ? shown + " + " + (texts.size() - SHOWN) + " more..." : shown;
    }

    private static String count(int count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }
}
