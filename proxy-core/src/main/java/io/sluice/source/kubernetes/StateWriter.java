package io.sluice.source.kubernetes;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.EndpointSubset.Address;
import io.sluice.source.EndpointSubset.Port;
import io.sluice.source.EndpointSubset;
import java.net.InetAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Writes objects in the form of the API, with the fields that {@link ServiceReader}, {@link EndpointReader} and
 * {@link NodeReader} read.
 */
record StateWriter(JsonGenerator json) {

    void write(SavedState state) {
        json.writeStartObject();
        json.writeStringProperty("apiVersion", "v1");
        json.writeStringProperty("kind", "List");
        json.writeObjectPropertyStart("metadata");
        json.writeStringProperty("resourceVersion", "0");
        json.writeEndObject();
        json.writeArrayPropertyStart("items");
        about(state);
        state.contents().nodes().forEach(this::node);
        state.contents().services().forEach(this::service);
        state.contents().slices().forEach(this::slices);
        json.writeEndArray();
        json.writeEndObject();
    }

    private void about(SavedState state) {
        begin("v1", "ConfigMap", new ObjectKey("kube-system", "sluice-state"));
        json.writeEndObject();
        json.writeObjectPropertyStart("data");
        json.writeStringProperty(StateFormat.VERSION_FIELD, Integer.toString(StateFormat.VERSION));
        json.writeStringProperty("savedAt", state.savedAt().toString());
        json.writeStringProperty("server", state.server());
        json.writeStringProperty("nodeName", state.nodeName());
        json.writeStringProperty("servicesVersion", state.servicesVersion());
        json.writeStringProperty("endpointsVersion", state.endpointsVersion());
        json.writeEndObject();
        json.writeEndObject();
    }

    /** Begins an object; {@code metadata} stays open. */
    private void begin(String version, String kind, ObjectKey key) {
        json.writeRaw('\n');
        json.writeStartObject();
        json.writeStringProperty("apiVersion", version);
        json.writeStringProperty("kind", kind);
        json.writeObjectPropertyStart("metadata");
        json.writeStringProperty("name", key.name());
        if (!key.namespace().isEmpty()) {
            json.writeStringProperty("namespace", key.namespace());
        }
    }

    private void node(String name, NodeFacts facts) {
        begin("v1", "Node", new ObjectKey("", name));
        if (facts.zone() != null) {
            map("labels", Map.of("topology.kubernetes.io/zone", facts.zone()));
        }
        json.writeEndObject();
        if (!facts.addresses().isEmpty()) {
            json.writeObjectPropertyStart("status");
            json.writeArrayPropertyStart("addresses");
            for (InetAddress address : facts.addresses()) {
                json.writeStartObject();
                json.writeStringProperty("type", "InternalIP");
                json.writeStringProperty("address", IpAddresses.format(address));
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private void service(Service service) {
        begin("v1", "Service", new ObjectKey(service.name().namespace(), service.name().name()));
        json.writeStringProperty("creationTimestamp", service.createdAt().toString());
        map("annotations", service.annotations());
        String exclusion = service.exclusion();
        if (exclusion != null) {
            map("labels", Map.of(exclusion, ""));
        }
        json.writeEndObject();
        json.writeObjectPropertyStart("spec");
        json.writeStringProperty("type", service.type().apiName());
        if (service.headless()) {
            json.writeStringProperty("clusterIP", "None");
        } else if (!service.clusterIps().isEmpty()) {
            json.writeStringProperty("clusterIP", IpAddresses.format(service.clusterIps().getFirst()));
            addresses("clusterIPs", service.clusterIps());
            if (service.clusterIps().size() > 1) {
                json.writeStringProperty("ipFamilyPolicy", "RequireDualStack");
            }
        }
        text("externalName", service.externalName());
        json.writeArrayPropertyStart("ports");
        service.ports().forEach(this::servicePort);
        json.writeEndArray();
        policy("internalTrafficPolicy", service.internalTrafficPolicy());
        policy("externalTrafficPolicy", service.externalTrafficPolicy());
        if (service.sessionAffinity() instanceof SessionAffinity.ClientIp affinity) {
            json.writeStringProperty("sessionAffinity", "ClientIP");
            json.writeObjectPropertyStart("sessionAffinityConfig");
            json.writeObjectPropertyStart("clientIP");
            json.writeNumberProperty("timeoutSeconds", affinity.timeout().toSeconds());
            json.writeEndObject();
            json.writeEndObject();
        }
        addresses("externalIPs", service.externalIps());
        texts("loadBalancerSourceRanges",
                service.loadBalancerSourceRanges().stream().map(Cidr::toString).toList());
        if (service.healthCheckNodePort() != 0) {
            json.writeNumberProperty("healthCheckNodePort", service.healthCheckNodePort());
        }
        if (service.publishNotReadyAddresses()) {
            json.writeBooleanProperty("publishNotReadyAddresses", true);
        }
        map("selector", service.selector());
        json.writeEndObject();
        if (!service.loadBalancerIps().isEmpty()) {
            json.writeObjectPropertyStart("status");
            json.writeObjectPropertyStart("loadBalancer");
            json.writeArrayPropertyStart("ingress");
            for (InetAddress ip : service.loadBalancerIps()) {
                json.writeStartObject();
                json.writeStringProperty("ip", IpAddresses.format(ip));
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private void servicePort(ServicePort port) {
        json.writeStartObject();
        text("name", port.name().isEmpty() ? null : port.name());
        json.writeStringProperty("protocol", port.protocol().name());
        json.writeNumberProperty("port", port.port());
        if (port.nodePort() != 0) {
            json.writeNumberProperty("nodePort", port.nodePort());
        }
        if (port.targetPort().chars().allMatch(Character::isDigit)) {
            json.writeNumberProperty("targetPort", Integer.parseInt(port.targetPort()));
        } else {
            json.writeStringProperty("targetPort", port.targetPort());
        }
        text("appProtocol", port.appProtocol());
        json.writeEndObject();
    }

    private void policy(String name, TrafficPolicy policy) {
        if (policy == TrafficPolicy.LOCAL) {
            json.writeStringProperty(name, "Local");
        }
    }

    /** Endpoints with several subsets, or with both families, become several slices. */
    private void slices(ObjectKey key, EndpointSubsets subsets) {
        int count = 0;
        for (EndpointSubset subset : subsets.subsets()) {
            for (IpFamily family : IpFamily.values()) {
                List<Address> addresses =
                        subset.addresses().stream().filter(a -> IpFamily.of(a.ip()) == family).toList();
                if (!addresses.isEmpty()) {
                    String name = count++ == 0 ? key.name() : key.name() + "." + count;
                    slice(new ObjectKey(key.namespace(), name), subsets, subset.ports(), family, addresses);
                }
            }
        }
    }

    private void slice(ObjectKey key, EndpointSubsets subsets, List<Port> ports, IpFamily family,
            List<Address> addresses) {
        begin("discovery.k8s.io/v1", "EndpointSlice", key);
        map("labels", Map.of("kubernetes.io/service-name", subsets.service().name()));
        json.writeEndObject();
        json.writeStringProperty("addressType", family.apiName());
        json.writeArrayPropertyStart("ports");
        for (Port port : ports) {
            json.writeStartObject();
            json.writeStringProperty("name", port.name());
            json.writeStringProperty("protocol", port.protocol().name());
            json.writeNumberProperty("port", port.number());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("endpoints");
        addresses.forEach(this::address);
        json.writeEndArray();
        json.writeEndObject();
    }

    private void address(Address address) {
        json.writeStartObject();
        addresses("addresses", List.of(address.ip()));
        json.writeObjectPropertyStart("conditions");
        json.writeBooleanProperty("ready", address.ready());
        json.writeBooleanProperty("serving", address.serving());
        json.writeBooleanProperty("terminating", address.terminating());
        json.writeEndObject();
        text("nodeName", address.node());
        text("zone", address.zone());
        text("hostname", address.hostname());
        if (!address.zoneHints().isEmpty() || !address.nodeHints().isEmpty()) {
            json.writeObjectPropertyStart("hints");
            names("forZones", address.zoneHints());
            names("forNodes", address.nodeHints());
            json.writeEndObject();
        }
        if (address.target() != null) {
            json.writeObjectPropertyStart("targetRef");
            json.writeStringProperty("kind", "Pod");
            json.writeStringProperty("name", address.target());
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private void names(String name, Set<String> values) {
        if (!values.isEmpty()) {
            json.writeArrayPropertyStart(name);
            for (String value : values) {
                json.writeStartObject();
                json.writeStringProperty("name", value);
                json.writeEndObject();
            }
            json.writeEndArray();
        }
    }

    private void addresses(String name, List<InetAddress> addresses) {
        texts(name, addresses.stream().map(IpAddresses::format).toList());
    }

    private void texts(String name, Collection<String> values) {
        if (!values.isEmpty()) {
            json.writeArrayPropertyStart(name);
            values.forEach(json::writeString);
            json.writeEndArray();
        }
    }

    private void map(String name, Map<String, String> map) {
        if (!map.isEmpty()) {
            json.writeObjectPropertyStart(name);
            map.forEach(json::writeStringProperty);
            json.writeEndObject();
        }
    }

    private void text(String name, @Nullable String value) {
        if (value != null) {
            json.writeStringProperty(name, value);
        }
    }
}
