package io.sluice.source.manifest;

import io.sluice.service.IpFamily;
import io.sluice.service.ServiceName;
import io.sluice.source.EndpointSubset;
import io.sluice.source.EndpointSubset.Address;
import io.sluice.source.EndpointSubset.Port;
import io.sluice.source.manifest.Manifest.EndpointsManifest;
import io.sluice.source.manifest.Manifest.SliceManifest;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads Endpoints and EndpointSlices. Loopback and link-local addresses, which an API server refuses, are accepted: one
 * machine may have no others.
 */
final class EndpointsReader {

    private static final Set<String> ENDPOINTS_FIELDS = Set.of("apiVersion", "kind", "metadata", "subsets");
    private static final Set<String> SUBSET_FIELDS = Set.of("addresses", "notReadyAddresses", "ports");
    private static final Set<String> ADDRESS_FIELDS = Set.of("hostname", "ip", "nodeName", "targetRef");
    private static final Set<String> PORT_FIELDS = Set.of("appProtocol", "name", "port", "protocol");
    private static final Set<String> SLICE_FIELDS = Set.of("apiVersion", "kind", "metadata", "addressType",
            "endpoints", "ports");
    private static final Set<String> SLICE_ENDPOINT_FIELDS = Set.of("addresses", "conditions", "deprecatedTopology",
            "hints", "hostname", "nodeName", "targetRef", "zone");
    private static final Set<String> CONDITION_FIELDS = Set.of("ready", "serving", "terminating");

    private final Problems problems;

    EndpointsReader(Problems problems) {
        this.problems = problems;
    }

    EndpointsManifest readEndpoints(Field document, ServiceName name, String subject) throws InvalidFieldException {
        FieldRules.warnUnknown(document, ENDPOINTS_FIELDS, subject, problems);
        Field metadata = document.get("metadata");
        List<EndpointSubset> subsets = new ArrayList<>();
        for (Field subset : document.get("subsets").elements()) {
            FieldRules.warnUnknown(subset, SUBSET_FIELDS, subject, problems);
            List<Address> endpoints = new ArrayList<>();
            for (Field address : subset.get("addresses").elements()) {
                endpoints.add(endpointsAddress(address, true, subject));
            }
            for (Field address : subset.get("notReadyAddresses").elements()) {
                endpoints.add(endpointsAddress(address, false, subject));
            }
            if (endpoints.isEmpty()) {
                throw subset.get("addresses").invalid("is missing: a subset needs addresses or notReadyAddresses");
            }
            subsets.add(new EndpointSubset(ports(subset.get("ports"), subject), endpoints));
        }
        return new EndpointsManifest(name, DocumentReader.place(document), mirrored(metadata),
                !metadata.get("uid").present() && !metadata.get("resourceVersion").present(), subsets);
    }

    /** The mirroring controller skips Endpoints with the label for that, and locks of leader election (KEP-2395). */
    private static boolean mirrored(Field metadata) throws InvalidFieldException {
        return !metadata.get("labels").get("endpointslice.kubernetes.io/skip-mirror").text("").equals("true")
                && !metadata.get("annotations").get("control-plane.alpha.kubernetes.io/leader").present();
    }

    private Address endpointsAddress(Field address, boolean ready, String subject)
            throws InvalidFieldException {
        FieldRules.warnUnknown(address, ADDRESS_FIELDS, subject, problems);
        return Address.builder(FieldRules.address(address.get("ip"))).ready(ready).serving(ready)
                .node(address.get("nodeName").text()).hostname(address.get("hostname").text())
                .target(target(address)).build();
    }

    private static @Nullable String target(Field endpoint) throws InvalidFieldException {
        Field ref = endpoint.get("targetRef");
        return ref.get("kind").text("Pod").equals("Pod") ? ref.get("name").text() : null;
    }

    /** Skips a port without a number: it means every port to the API and nothing to a proxy. */
    private List<Port> ports(Field field, String subject) throws InvalidFieldException {
        List<Port> ports = new ArrayList<>();
        for (Field element : field.elements()) {
            FieldRules.warnUnknown(element, PORT_FIELDS, subject, problems);
            int port = element.get("port").integer(0, 65_535, 0);
            Field name = element.get("name");
            String text = name.text("");
            if (!text.isEmpty() && !FieldRules.isDnsLabel(text)) {
                throw name.invalid("'" + text + "' is not a port name: lower case letters, digits, '-'");
            }
            if (port != 0) {
                ports.add(new Port(text, FieldRules.protocol(element.get("protocol")), port));
            }
        }
        return ports;
    }

    SliceManifest readSlice(Field document, ServiceName name, String subject)
            throws InvalidFieldException, UnusableObjectException {
        FieldRules.warnUnknown(document, SLICE_FIELDS, subject, problems);
        Field labels = document.get("metadata").get("labels");
        String service = labels.get("kubernetes.io/service-name").text("");
        if (service.isEmpty()) {
            throw new UnusableObjectException(
                    "belongs to no Service: give it the label kubernetes.io/service-name with the Service's name");
        }
        Field addressType = document.get("addressType");
        if (!addressType.present()) {
            throw addressType.invalid("is missing: it must be IPv4 or IPv6");
        }
        String type = addressType.text("");
        if (type.equals("FQDN")) {
            throw new UnusableObjectException("has addressType FQDN, which no proxy serves; it is left out");
        }
        if (!type.equals("IPv4") && !type.equals("IPv6")) {
            throw addressType.invalid("'" + type + "' must be IPv4 or IPv6");
        }
        List<Address> endpoints = new ArrayList<>();
        for (Field endpoint : document.get("endpoints").elements()) {
            endpoints.add(sliceEndpoint(endpoint, type, subject));
        }
        return new SliceManifest(name, DocumentReader.place(document), new ServiceName(name.namespace(), service),
                labels.get("endpointslice.kubernetes.io/managed-by").text(""),
                new EndpointSubset(ports(document.get("ports"), subject), endpoints));
    }

    /** A condition that is missing means ready, serving and not terminating (EndpointConditions in the API). */
    private Address sliceEndpoint(Field endpoint, String type, String subject) throws InvalidFieldException {
        FieldRules.warnUnknown(endpoint, SLICE_ENDPOINT_FIELDS, subject, problems);
        List<Field> addresses = endpoint.get("addresses").elements();
        if (addresses.isEmpty()) {
            throw endpoint.get("addresses").invalid("is missing");
        }
        InetAddress ip = FieldRules.address(addresses.getFirst());
        if (!IpFamily.of(ip).apiName().equals(type)) {
            throw addresses.getFirst().invalid("is no " + type + " address, but addressType says so");
        }
        Field conditions = endpoint.get("conditions");
        FieldRules.warnUnknown(conditions, CONDITION_FIELDS, subject, problems);
        Field hints = endpoint.get("hints");
        return Address.builder(ip).ready(conditions.get("ready").bool(true))
                .serving(conditions.get("serving").bool(true)).terminating(conditions.get("terminating").bool(false))
                .node(endpoint.get("nodeName").text()).zone(endpoint.get("zone").text())
                .zoneHints(names(hints.get("forZones"))).nodeHints(names(hints.get("forNodes")))
                .hostname(endpoint.get("hostname").text()).target(target(endpoint)).build();
    }

    private static Set<String> names(Field field) throws InvalidFieldException {
        Set<String> names = new HashSet<>();
        for (Field element : field.elements()) {
            names.add(element.get("name").text(""));
        }
        return names;
    }
}
