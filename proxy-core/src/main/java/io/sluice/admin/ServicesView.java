package io.sluice.admin;

import io.sluice.balance.EndpointChecks;
import io.sluice.balance.EndpointHealth;
import io.sluice.balance.EndpointSelection;
import io.sluice.balance.Routing;
import io.sluice.balance.Traffic;
import io.sluice.http.Request;
import io.sluice.http.Response;
import io.sluice.metrics.EndpointFailure;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.LatencySummary;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.RecentLatency;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.TrafficPolicy;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/v1/services}: the applied state, by Service and port. {@code docs/api.md} says what each field means; names
 * and order of the components are the API. The field {@code services} comes last.
 */
record ServicesView(long snapshotVersion, @Nullable Instant asOf, @Nullable Instant appliedAt) {

    private static final String SERVICES = "services";

    /** One Service is in memory at a time: 10,000 of them are 50 MB. */
    static Response answer(DaemonStatus status, ProxyMetrics metrics, Request request) {
        Optional<AppliedState> applied = status.applied();
        if (applied.isEmpty()) {
            return Response.json(new ServicesView(0, null, null), SERVICES, List.of());
        }
        AppliedState state = applied.get();
        ClusterSnapshot snapshot = state.snapshot();
        Iterable<ServiceView> services = () -> snapshot.services().values().stream()
                .filter(s -> request.selects("namespace", s.service().name().namespace())
                        && request.selects("service", s.service().name().name()))
                .map(s -> ServiceView.of(s, state, metrics)).iterator();
        return Response.json(new ServicesView(snapshot.version(), snapshot.asOf(), state.appliedAt()), SERVICES,
                services);
    }

    record ServiceView(String namespace, String name, String type, List<String> clusterIPs, boolean headless,
            @Nullable String externalName, List<String> externalIPs, List<String> loadBalancerIPs,
            Map<String, String> selector, Instant createdAt, List<String> warnings, List<PortView> ports) {

        static ServiceView of(ServiceState state, AppliedState applied, ProxyMetrics metrics) {
            Service service = state.service();
            return new ServiceView(service.name().namespace(), service.name().name(), service.type().apiName(),
                    format(service.clusterIps()), service.headless(), service.externalName(),
                    format(service.externalIps()), format(service.loadBalancerIps()), new TreeMap<>(service.selector()),
                    service.createdAt(), ServiceAnnotations.of(service).warnings(),
                    state.ports().stream().map(port -> PortView.of(service, port, applied, metrics)).toList());
        }

        private static List<String> format(List<InetAddress> addresses) {
            return addresses.stream().map(IpAddresses::format).toList();
        }
    }

    record PortView(String name, String protocol, int port, int nodePort, String targetPort, boolean proxied,
            @Nullable String balancer, List<ListenerView> listeners, List<String> clusterEndpoints,
            List<String> localEndpoints,
            List<String> internalEndpoints, List<String> externalEndpoints, List<EndpointView> endpoints,
            @Nullable WhyEmptyView whyEmpty) {

        static PortView of(Service service, PortState state, AppliedState applied, ProxyMetrics metrics) {
            ServicePort port = state.port();
            ServicePortName name = new ServicePortName(service.name(), port.name(), port.protocol());
            boolean proxied = service.proxied() && port.protocol() != Protocol.SCTP;
            AppliedPort appliedPort = applied.ports().getOrDefault(name, new AppliedPort(List.of(), Routing.NONE));
            Routing routing = appliedPort.routing();
            List<String> internal = takingNow(routing, Traffic.INTERNAL);
            String node = applied.snapshot().node().node();
            return new PortView(port.name(), port.protocol().name(), port.port(), port.nodePort(), port.targetPort(),
                    proxied, proxied ? routing.balancer().word() : null,
                    appliedPort.listeners().stream().map(ListenerView::of).toList(),
                    addresses(routing, EndpointSelection::clusterEndpoints),
                    addresses(routing, EndpointSelection::localEndpoints), internal,
                    takingNow(routing, Traffic.EXTERNAL),
                    state.endpoints().endpoints().stream()
                            .map(e -> EndpointView.of(name, e, routing, metrics)).toList(),
                    WhyEmptyView.of(service, state, proxied && internal.isEmpty(), routing.drained(), node));
        }

        /** The endpoints of all families that take connections now, sorted as text; without ejected ones. */
        private static List<String> takingNow(Routing routing, Traffic traffic) {
            return routing.selections().keySet().stream()
                    .flatMap(family -> routing.pool(family, traffic).endpoints().stream())
                    .map(endpoint -> endpoint.address().toString()).sorted().toList();
        }

        /** The endpoints of all families, sorted as text. */
        private static List<String> addresses(Routing routing,
                Function<EndpointSelection, List<Endpoint>> category) {
            return routing.selections().values().stream().flatMap(selection -> category.apply(selection).stream())
                    .map(endpoint -> endpoint.address().toString()).sorted().toList();
        }
    }

    record ListenerView(String address, String kind, String status, @Nullable String problem) {
        static ListenerView of(ListenerState listener) {
            return new ListenerView(
                    IpAddresses.format(listener.address().getAddress(), listener.address().getPort()),
                    listener.kind().displayName(), spelled(listener.status()), listener.problem());
        }

        /** The model may rename its constants, the API may not. */
        private static String spelled(ListenerStatus status) {
            return switch (status) {
                case LISTENING -> "Listening";
                case NO_ENDPOINTS -> "NoEndpoints";
                case FAILED -> "Failed";
            };
        }
    }

    record EndpointView(String address, boolean ready, boolean serving, boolean terminating, @Nullable String node,
            @Nullable String zone, @Nullable String pod, @Nullable String whyNotReady, boolean ejected, boolean drained,
            @Nullable String byHand, @Nullable String health, @Nullable String whyUnhealthy,
            long activeConnections, long totalConnections, long bytesFromClient, long bytesFromBackend,
            @Nullable Map<String, Long> failedConnections, @Nullable LatencyView connect,
            @Nullable LatencyView firstByte) {
        static EndpointView of(ServicePortName port, Endpoint endpoint, Routing routing, ProxyMetrics metrics) {
            EndpointAddress address = endpoint.address();
            Optional<EndpointMeters> meters = metrics.find(port, address);
            Optional<RecentLatency> recent = meters.map(RecentLatency::of);
            return new EndpointView(address.toString(), endpoint.ready(), endpoint.serving(), endpoint.terminating(),
                    endpoint.node(), endpoint.zone(), endpoint.target(), endpoint.whyNotReady(),
                    routing.leftOut(address), routing.drained(address), routing.orders().text(address),
                    health(routing.checks(), address),
                    routing.checks().fails(address) ? routing.checks().why(address) : null,
                    meters.map(EndpointMeters::active).orElse(0),
                    meters.map(EndpointMeters::total).orElse(0L),
                    meters.map(EndpointMeters::bytesFromClient).orElse(0L),
                    meters.map(EndpointMeters::bytesFromBackend).orElse(0L),
                    meters.map(EndpointView::failed).orElse(null),
                    recent.map(latency -> LatencyView.of(latency.connect())).orElse(null),
                    recent.map(latency -> LatencyView.of(latency.firstByte())).orElse(null));
        }

        /** Null if it is not to be checked. The model may rename its words, the API may not. */
        static @Nullable String health(EndpointChecks checks, EndpointAddress address) {
            if (checks.check() == null) {
                return null;
            }
            EndpointHealth known = checks.health().get(address);
            return known == null ? "unchecked" : known.passing() ? "passing" : "failing";
        }

        /** By reason; those of which there were none are left out; null if there were none at all. */
        static @Nullable Map<String, Long> failed(EndpointMeters meters) {
            Map<String, Long> failed = new LinkedHashMap<>();
            for (EndpointFailure why : EndpointFailure.values()) {
                if (meters.failed(why) > 0) {
                    failed.put(why.label(), meters.failed(why));
                }
            }
            return failed.isEmpty() ? null : failed;
        }
    }

    /** In milliseconds. */
    record LatencyView(long count, double p50Ms, double p99Ms) {

        /** Null if there was none. */
        static @Nullable LatencyView of(LatencySummary summary) {
            return summary.count() == 0 ? null : new LatencyView(summary.count(), millis(summary.p50()),
                    millis(summary.p99()));
        }

        /** With three digits after the point. */
        private static double millis(Duration duration) {
            return TimeUnit.NANOSECONDS.toMicros(duration.toNanos()) / 1000.0;
        }
    }

    record WhyEmptyView(String reason, String message) {

        /**
         * The source knows why there is no endpoint at all; only here it is known that a traffic policy excludes every
         * endpoint.
         *
         * @param noneForClusterIp whether the port is proxied, and no endpoint takes connections to its cluster address
         * @param drained          how many endpoints get no connections because operators have drained them
         */
        static @Nullable WhyEmptyView of(Service service, PortState state, boolean noneForClusterIp, int drained,
                String node) {
            EmptyReason reason = state.whyEmpty();
            if (reason == null && noneForClusterIp && drained > 0) {
                reason = new EmptyReason.Drained(drained);
            } else if (reason == null && noneForClusterIp && !state.endpoints().isEmpty()
                    && service.internalTrafficPolicy() == TrafficPolicy.LOCAL) {
                reason = new EmptyReason.NoneOnThisNode(node);
            }
            return reason == null ? null : new WhyEmptyView(reason.code(), reason.describe());
        }
    }
}
