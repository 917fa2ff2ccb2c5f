package io.sluice.admin;

import io.sluice.env.ServiceEnvironment;
import io.sluice.http.Response;
import io.sluice.http.Request;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.Pod;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/v1/environment}: how a Pod of a namespace finds Services. {@code docs/api.md} says what each field means;
 * names and order of the components are the API.
 */
record EnvironmentView(String namespace, @Nullable String pod, boolean serviceLinks, Map<String, String> variables,
        int portOffset, @Nullable DnsView dns, @Nullable NamespaceSocketView guests) {

    /** The contents of resolv.conf. */
    record DnsView(String clusterDomain, List<String> addresses) {}

    /** How a network namespace gets its Services. */
    record NamespaceSocketView(String socket, List<String> ranges) {}

    /** 404 if the Pod is not known, 503 before the first snapshot. */
    static Response answer(DaemonStatus status, Request request) {
        String namespace = request.query().getOrDefault("namespace", "");
        String podName = request.query().getOrDefault("pod", "");
        if (namespace.isEmpty()) {
            return Response.error(400, "the query parameter namespace is missing");
        }
        Optional<AppliedState> applied = status.applied();
        if (applied.isEmpty()) {
            return Response.error(503, "no Services are known yet");
        }
        ClusterSnapshot snapshot = applied.get().snapshot();
        Optional<Pod> pod = snapshot.pods().stream()
                .filter(p -> p.namespace().equals(namespace) && p.name().equals(podName)).findFirst();
        if (!podName.isEmpty() && pod.isEmpty()) {
            return Response.error(404, snapshot.pods().isEmpty()
                    ? "no Pods are known here, only Services and endpoints"
                    : "pod \"" + podName + "\" not found in namespace " + namespace);
        }
        boolean links = pod.map(Pod::serviceLinks).orElse(true);
        return Response.json(new EnvironmentView(namespace, podName.isEmpty() ? null : podName, links,
                ServiceEnvironment.of(snapshot, namespace, links).variables(), status.portOffset(),
                status.resolver().map(EnvironmentView::dns).orElse(null),
                status.namespaceSocket().map(g -> new NamespaceSocketView(g.socket().toString(),
                        g.ranges().stream().map(Object::toString).toList())).orElse(null)));
    }

    private static DnsView dns(DaemonStatus.Resolver resolver) {
        return new DnsView(resolver.clusterDomain(),
                resolver.addresses().stream().map(EnvironmentView::format).toList());
    }

    private static String format(InetSocketAddress address) {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }
}
