package io.sluice.source.kubernetes;

import io.sluice.service.Service;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The objects that are listed and watched, and their selectors. The selector of endpoints is kube-proxy's
 * (cmd/kube-proxy/app/server.go); Services have none, because their label excludes them from the proxy, but not from DNS and
 * variables.
 *
 * @param everyNode whether all Nodes are watched, and not this node's alone
 */
record WatchedResources(KubernetesOptions options, boolean everyNode, EndpointReader endpointReader) {

    private static final Logger LOG = LoggerFactory.getLogger(WatchedResources.class);
    private static final String PROXIED = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

    Resource<Service> services() {
        return Resource.all(ObjectKind.SERVICE, "/api/v1/services", "services", ServiceReader::read);
    }

    Resource<NodeFacts> node() {
        return everyNode
                ? Resource.all(ObjectKind.NODE, "/api/v1/nodes", "nodes", NodeReader::read)
                : Resource.named(ObjectKind.NODE, "/api/v1/nodes", "nodes", options.nodeName(), NodeReader::read);
    }

    /**
     * EndpointSlices, or Endpoints if {@code server} does not have them.
     *
     * @throws IOException if the server does not say whether it has them
     */
    Resource<EndpointSubsets> endpoints(ApiClient client, String server) throws IOException {
        boolean slices = switch (options.endpointsFrom()) {
            case ENDPOINTSLICES -> true;
            case ENDPOINTS -> false;
            case AUTO -> hasSlices(client, server);
        };
        return slices
                ? endpoints(ObjectKind.ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1/endpointslices",
                        "endpointslices.discovery.k8s.io", endpointReader::slice)
                : endpoints(ObjectKind.ENDPOINTS, "/api/v1/endpoints", "endpoints", endpointReader::endpoints);
    }

    /** Endpoints of proxied Services alone, or of all Services for DNS. */
    private Resource<EndpointSubsets> endpoints(ObjectKind kind, String path, String fullName,
            ObjectReader<EndpointSubsets> reader) {
        return options.headless()
                ? Resource.all(kind, path, fullName, reader)
                : Resource.labelled(kind, path, fullName, PROXIED, reader);
    }

    private static boolean hasSlices(ApiClient client, String server) throws IOException {
        try {
            JsonNode group = client.object(server, "/apis/discovery.k8s.io/v1");
            if (!group.path("kind").asString("").equals("APIResourceList")) {
                throw new SuspectAnswerException("is " + ObjectKind.shown(group.path("kind"))
                        + " where the APIResourceList of discovery.k8s.io/v1 was asked for");
            }
            for (JsonNode resource : group.path("resources").values()) {
                if (resource.path("name").asString("").equals("endpointslices")) {
                    return true;
                }
            }
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
        LOG.info("the API server has no EndpointSlices: endpoints come from Endpoints");
        return false;
    }
}
