package io.sluice.admin;

import io.sluice.env.HostNames;
import io.sluice.env.ServiceEnvironment;
import io.sluice.http.Response;
import io.sluice.http.Request;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.Pod;
import io.sluice.source.Spelling;
import io.sluice.text.Printable;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/v1/environment}: how a Pod of a namespace finds Services. {@code docs/api.md} says what each field means;
 * names and order of the components are the API.
 */
record EnvironmentView(String namespace, @Nullable String pod, boolean serviceLinks, Map<String, String> variables,
        int portOffset, @Nullable DnsView dns, @Nullable NamespaceSocketView guests,
        @Nullable List<HostView> hosts, @Nullable String notice) {

    private static final int SHOWN = 5;

    /** The contents of resolv.conf. */
    record DnsView(String clusterDomain, List<String> addresses) {}

    /** How a network namespace gets its Services. */
    record NamespaceSocketView(String socket, List<String> ranges) {}

    /** A line of hosts(5). */
    record HostView(String address, List<String> names) {}

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
        boolean served = request.query().getOrDefault("ports", "").equals("served");
        boolean links = pod.map(Pod::serviceLinks).orElse(true);
        return Response.json(new EnvironmentView(namespace, podName.isEmpty() ? null : podName, links,
                ServiceEnvironment.here(snapshot, namespace, links, served ? status.portOffset() : 0).variables(),
                status.portOffset(),
                status.resolver().map(EnvironmentView::dns).orElse(null),
                status.namespaceSocket().map(g -> new NamespaceSocketView(g.socket().toString(),
                        g.ranges().stream().map(Object::toString).toList())).orElse(null),
                request.query().getOrDefault("hosts", "").equals("1") ? hosts(status, snapshot, namespace) : null,
                notice(snapshot, namespace)));
    }

    /** A word about a namespace without Services, which is mostly a typing error. */
    private static @Nullable String notice(ClusterSnapshot snapshot, String namespace) {
        TreeSet<String> namespaces = new TreeSet<>();
        snapshot.services().keySet().forEach(name -> namespaces.add(name.namespace()));
        if (namespaces.contains(namespace)) {
            return null;
        }
        String meant = Spelling.didYouMean(namespace, namespaces);
        return "no Service is in namespace " + namespace + (!meant.isEmpty() ? meant
                : namespaces.isEmpty() ? ", nor in any other"
                : "; there are Services in " + Printable.first(List.copyOf(namespaces), SHOWN));
    }

    private static List<HostView> hosts(DaemonStatus status, ClusterSnapshot snapshot, String namespace) {
        return HostNames.of(snapshot, namespace,
                status.resolver().map(DaemonStatus.Resolver::clusterDomain).orElse("cluster.local")).stream()
                .map(line -> new HostView(line.address(), line.names())).toList();
    }

    private static DnsView dns(DaemonStatus.Resolver resolver) {
        return new DnsView(resolver.clusterDomain(),
                resolver.addresses().stream().map(EnvironmentView::format).toList());
    }

    private static String format(InetSocketAddress address) {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }
}
