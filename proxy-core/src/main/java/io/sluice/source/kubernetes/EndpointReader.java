package io.sluice.source.kubernetes;

import io.sluice.service.TriggerTime;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.source.EndpointSubset.Address;
import io.sluice.source.EndpointSubset;
import io.sluice.source.EndpointSubset.Port;
import java.net.InetAddress;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads EndpointSlices and Endpoints with kube-proxy's rules: an endpoint has its first address, a port
 * without a number is skipped, a missing name is the unnamed port (pkg/proxy/endpointslicecache.go).
 *
 * <p>Addresses in special ranges are left out, as the API's own validation refuses them (ValidateEndpointIP): an
 * author of EndpointSlices could otherwise reach, through this node, sockets that listen on its loopback, or a cloud's
 * metadata address. Texts that many endpoints share are interned.
 */
final class EndpointReader {

    private static final String SERVICE_NAME = "kubernetes.io/service-name";
    private static final String HEADLESS = "service.kubernetes.io/headless";
    private static final String TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

    private final boolean loopback;
    private final Instant start;

    /**
     * Creates a reader.
     *
     * @param loopback whether loopback addresses are accepted
     * @param start    earlier changes have no trigger time: this process did not delay them
     */
    EndpointReader(boolean loopback, Instant start) {
        this.loopback = loopback;
        this.start = start;
    }

    /**
     * Reads an EndpointSlice of {@code discovery.k8s.io/v1}. A condition that is missing means ready, serving and not
     * terminating (EndpointConditions in the API; newEndpointSliceInfo in kube-proxy).
     */
    ReadObject<EndpointSubsets> slice(ObjectKey key, JsonNode slice) {
        List<String> mistakes = new ArrayList<>();
        String service = slice.path("metadata").path("labels").path(SERVICE_NAME).asString("");
        String type = slice.path("addressType").asString("");
        if (service.isEmpty()) {
            return new ReadObject<>(null, List.of("belongs to no Service: it has no label " + SERVICE_NAME));
        }
        if (!type.equals("IPv4") && !type.equals("IPv6")) {
            return new ReadObject<>(null, List.of("has addressType " + type + ", which no proxy serves"));
        }
        List<Address> addresses = new ArrayList<>();
        for (JsonNode endpoint : slice.path("endpoints").values()) {
            InetAddress ip = address(endpoint.path("addresses").path(0), type, mistakes);
            if (ip != null) {
                JsonNode conditions = endpoint.path("conditions");
                JsonNode hints = endpoint.path("hints");
                addresses.add(Address.builder(ip).ready(flag(conditions.path("ready"), true))
                        .serving(flag(conditions.path("serving"), true))
                        .terminating(flag(conditions.path("terminating"), false))
                        .node(shared(endpoint.path("nodeName"))).zone(shared(endpoint.path("zone")))
                        .zoneHints(names(hints.path("forZones"))).nodeHints(names(hints.path("forNodes")))
                        .hostname(text(endpoint.path("hostname"))).target(pod(endpoint.path("targetRef"))).build());
            }
        }
        return subsets(key, service, List.of(new EndpointSubset(ports(slice.path("ports")), addresses)), mistakes,
                change(slice.path("metadata"), type.equals("IPv4") ? IpFamily.IPV4 : IpFamily.IPV6));
    }

    /** Reads Endpoints. */
    ReadObject<EndpointSubsets> endpoints(ObjectKey key, JsonNode endpoints) {
        List<String> mistakes = new ArrayList<>();
        List<EndpointSubset> subsets = new ArrayList<>();
        for (JsonNode subset : endpoints.path("subsets").values()) {
            List<Address> addresses = new ArrayList<>();
            addSubset(subset.path("addresses"), true, addresses, mistakes);
            addSubset(subset.path("notReadyAddresses"), false, addresses, mistakes);
            subsets.add(new EndpointSubset(ports(subset.path("ports")), addresses));
        }
        IpFamily family = subsets.stream().flatMap(subset -> subset.addresses().stream()).findFirst()
                .map(address -> IpFamily.of(address.ip())).orElse(IpFamily.IPV4);
        return subsets(key, key.name(), subsets, mistakes, change(endpoints.path("metadata"), family));
    }

    private void addSubset(JsonNode list, boolean ready, List<Address> addresses, List<String> mistakes) {
        for (JsonNode endpoint : list.values()) {
            InetAddress ip = address(endpoint.path("ip"), "", mistakes);
            if (ip != null) {
                addresses.add(Address.builder(ip).ready(ready).serving(ready).node(shared(endpoint.path("nodeName")))
                        .hostname(text(endpoint.path("hostname"))).target(pod(endpoint.path("targetRef"))).build());
            }
        }
    }

    private static ReadObject<EndpointSubsets> subsets(ObjectKey key, String service, List<EndpointSubset> subsets,
            List<String> mistakes, @Nullable TriggerTime change) {
        return new ReadObject<>(
                new EndpointSubsets(new ServiceName(key.namespace().intern(), service.intern()), subsets), mistakes,
                change);
    }

    /** As kube-proxy reads it (pkg/proxy/endpointschangetracker.go), which does not watch headless Services. */
    private @Nullable TriggerTime change(JsonNode metadata, IpFamily family) {
        String text = metadata.path("annotations").path(TRIGGER_TIME).asString("");
        if (text.isEmpty() || metadata.path("labels").has(HEADLESS)) {
            return null;
        }
        try {
            Instant at = OffsetDateTime.parse(text).toInstant();
            return at.isAfter(start) ? new TriggerTime(family, at) : null;
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private @Nullable InetAddress address(JsonNode node, String type, List<String> mistakes) {
        String text = node.asString("");
        InetAddress ip;
        try {
            ip = IpAddresses.parseStored(text);
        } catch (IllegalArgumentException e) {
            mistakes.add(text.isEmpty() ? "an endpoint without address is left out" : e.getMessage() + "; left out");
            return null;
        }
        if (!type.isEmpty() && !IpFamily.of(ip).apiName().equals(type)) {
            mistakes.add("the endpoint " + text + " is left out: addressType is " + type);
            return null;
        }
        String special = special(ip);
        if (special != null) {
            mistakes.add("the endpoint " + text + " is refused: a " + special
                    + " address from an API server would make this node a relay to itself or its network");
            return null;
        }
        return ip;
    }

    private @Nullable String special(InetAddress ip) {
        if (ip.isLoopbackAddress()) {
            return loopback ? null : "loopback";
        }
        return ip.isLinkLocalAddress()
                ? "link-local"
                : ip.isMulticastAddress() ? "multicast" : ip.isAnyLocalAddress() ? "unspecified" : null;
    }

    private static List<Port> ports(JsonNode list) {
        List<Port> ports = new ArrayList<>();
        for (JsonNode port : list.values()) {
            int number = port.path("port").asInt(0);
            Protocol protocol = ServiceReader.protocol(port.path("protocol"));
            if (number > 0 && number <= 65_535 && protocol != null) {
                ports.add(new Port(port.path("name").asString("").intern(), protocol, number));
            }
        }
        return ports;
    }

    private static boolean flag(JsonNode node, boolean otherwise) {
        return node.isBoolean() ? node.booleanValue() : otherwise;
    }

    private static Set<String> names(JsonNode list) {
        Set<String> names = new HashSet<>();
        list.values().forEach(element -> names.add(element.path("name").asString("").intern()));
        return Set.copyOf(names);
    }

    private static @Nullable String pod(JsonNode target) {
        return target.path("kind").asString("Pod").equals("Pod") ? text(target.path("name")) : null;
    }

    static @Nullable String text(JsonNode node) {
        String text = node.asString("");
        return text.isEmpty() ? null : text;
    }

    private static @Nullable String shared(JsonNode node) {
        String text = text(node);
        return text == null ? null : text.intern();
    }
}
