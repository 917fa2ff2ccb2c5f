package io.sluice.admin;

import io.sluice.balance.Explanation;
import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.ClientOrigins;
import io.sluice.balance.Traffic;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.proxy.AddressKind;
import io.sluice.service.Endpoint;
import io.sluice.service.ServiceState.PortState;
import io.sluice.http.Response;
import io.sluice.http.Request;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.text.Printable;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code /api/v1/explain}: why connections to a Service go where they go. {@code docs/api.md} says what each field means. */
record ExplainView(List<PortExplanation> explain) {

    /** How many endpoints are named in one line. */
    private static final int NAMED = 3;
    private static final Refusals NO_REFUSALS = new Refusals(List.of(), Optional.empty());

    static Response answer(DaemonStatus status, ProxyMetrics metrics, Request request) {
        Optional<String> connection = request.text("connection");
        if (connection.isPresent()) {
            return ConnectionExplanation.answer(status, connection.get());
        }
        String namespace = request.text("namespace").orElse("default");
        Optional<String> service = request.text("service");
        if (service.isEmpty()) {
            return Response.error(400, "query parameter service is missing: say which Service to explain");
        }
        Optional<AppliedState> applied = status.applied();
        ServiceState state = applied.map(AppliedState::snapshot)
                .map(s -> s.services().get(new ServiceName(namespace, service.get()))).orElse(null);
        if (applied.isEmpty() || state == null) {
            return Response.error(404, "there is no Service " + service.get() + " in namespace " + namespace
                    + applied.map(a -> elsewhere(a, service.get())).orElse(""));
        }
        InetAddress from = null;
        if (request.text("from").isPresent()) {
            try {
                from = IpAddresses.parse(request.text("from").get());
            } catch (IllegalArgumentException e) {
                return Response.error(400, "query parameter from: " + e.getMessage());
            }
        }
        boolean external = request.text("external").orElse("false").equals("true");
        List<PortExplanation> explanations = new ArrayList<>();
        long open = open(state, metrics);
        for (PortState port : state.ports()) {
            String wanted = request.text("port").orElse("");
            if (wanted.isEmpty() || wanted.equals(port.port().name())
                    || wanted.equals(Integer.toString(port.port().port()))) {
                explanations.addAll(explain(state.service(), port, applied.get(), status, open, from, external));
            }
        }
        return explanations.isEmpty()
                ? Response.error(404, service.get() + " has no port " + request.text("port").orElse("") + ": it has "
                        + String.join(", ", state.service().ports().stream().map(ExplainView::named).toList()))
                : Response.json(new ExplainView(explanations));
    }

    /** {@code http 80/TCP}: what may be asked for. */
    private static String named(ServicePort port) {
        return (port.name().isEmpty() ? "" : port.name() + " ") + port.display();
    }

    /** Where else a Service of this name is. */
    private static String elsewhere(AppliedState applied, String service) {
        List<String> namespaces = applied.snapshot().services().keySet().stream()
                .filter(name -> name.name().equals(service)).map(ServiceName::namespace).toList();
        return namespaces.isEmpty()
                ? ""
                : "; it exists in namespace "
                        + Printable.first(namespaces, NAMED) + ": -n " + namespaces.getFirst();
    }

    /** The open connections of a Service to the endpoints that it has now. */
    private static long open(ServiceState state, ProxyMetrics metrics) {
        long open = 0;
        for (PortState port : state.ports()) {
            ServicePortName name =
                    new ServicePortName(state.service().name(), port.port().name(), port.port().protocol());
            for (Endpoint endpoint : port.port().protocol() == Protocol.TCP
                    ? port.endpoints().endpoints()
                    : List.<Endpoint>of()) {
                open += metrics.find(name, endpoint.address()).map(EndpointMeters::active).orElse(0);
            }
        }
        return open;
    }

    private static List<PortExplanation> explain(Service service, PortState state, AppliedState applied,
            DaemonStatus status, long open, @Nullable InetAddress from, boolean external) {
        ClientOrigins origins = status.origins();
        ServicePort port = state.port();
        AppliedPort appliedPort =
                applied.ports().get(new ServicePortName(service.name(), port.name(), port.protocol()));
        if (appliedPort == null || port.protocol() == Protocol.SCTP) {
            String why = service.proxied()
                    ? "nowhere: " + port.protocol() + " is not proxied, only TCP and UDP are"
                    : service.exclusion() == null
                            ? "nowhere: the Service has no cluster address, so it is not proxied"
                    : "nowhere: the Service is left to another proxy by its label " + service.exclusion();
            return List.of(PortExplanation.of(service, port, null, from,
                    new Explanation(Traffic.INTERNAL, List.of(), List.of(), why, null), List.of(), NO_REFUSALS));
        }
        List<PortExplanation> explanations = new ArrayList<>();
        for (InetAddress clusterIp : service.clusterIps()) {
            IpFamily family = IpFamily.of(clusterIp);
            if (from == null || IpFamily.of(from) == family) {
                Traffic traffic = !external
                        ? Traffic.INTERNAL
                        : from == null ? Traffic.EXTERNAL : origins.traffic(true, from, address(service, from));
                List<String> rules = new ArrayList<>();
                if (port.protocol() == Protocol.UDP) {
                    rules.add("UDP: a flow, known by its client's address and port, stays with its endpoint as long as"
                            + " that serves; what is next holds for a new one");
                }
                boolean outside = false;
                if (external && !service.loadBalancerSourceRanges().isEmpty()) {
                    outside = from != null
                            && !origins.allows(service.loadBalancerSourceRanges(), from, address(service, from));
                    if (!outside) {
                        rules.add(from == null
                                ? "loadBalancerSourceRanges: not every client may use the load balancer addresses; say --from"
                                : "loadBalancerSourceRanges: the client is inside, or none is of its family");
                    }
                }
                Refusals.Asked asked = new Refusals.Asked(family, traffic, external, outside);
                offset(appliedPort, asked, port).ifPresent(rules::add);
                Explanation explanation = appliedPort.routing().explain(family, traffic, from, System.nanoTime());
                if (from != null && !appliedPort.preserved().isNone()) {
                    rules.add(source(appliedPort.preserved(), explanation, origins, from, external
                            ? address(service, from)
                            : clusterIp));
                }
                explanations.add(PortExplanation.of(service, port, family, from, explanation, rules,
                        Refusals.of(service, state, appliedPort, applied.snapshot().node().node(), asked,
                                status.limits(),
                                open)));
            }
        }
        return explanations.isEmpty()
                ? List.of(PortExplanation.of(service, port, null, from, new Explanation(Traffic.INTERNAL, List.of(),
                        List.of(), "nowhere: the Service has no address of the client's family", null), List.of(),
                        NO_REFUSALS))
                : explanations;
    }

    /** The external address that the client would connect to: its own, if it is one, as when a node connects to itself. */
    private static InetAddress address(Service service, InetAddress from) {
        return Stream.concat(service.externalIps().stream(), service.loadBalancerIps().stream())
                .filter(from::equals).findFirst()
                .orElse(IpAddresses.parse(IpFamily.of(from) == IpFamily.IPV4 ? "0.0.0.0" : "::"));
    }

    /** Which address endpoints see, and why. */
    private static String source(PreservedTraffic preserved, Explanation explanation, ClientOrigins origins,
            InetAddress from, InetAddress listener) {
        if (!preserved.has(explanation.traffic(), origins.outside(from, listener))) {
            return "masqueraded: the endpoint sees this node's address, because " + switch (explanation.traffic()) {
                case INTERNAL -> preserved.internal()
                        ? "the client is outside of --cluster-cidr"
                        : "of --masquerade-all";
                case EXTERNAL, SHORT_CIRCUIT -> "externalTrafficPolicy is Cluster";
            };
        }
        if (origins.isHere(from)) {
            return "masqueraded: the endpoint sees this node's address, because the client is a process of this node";
        }
        List<EndpointAddress> others = explanation.endpoints().stream().filter(Explanation.Line::candidate)
                .map(line -> line.endpoint().address())
                .filter(endpoint -> !origins.canSee(endpoint.ip(), from, listener))
                .toList();
        return "the endpoint sees the client's address" + (others.isEmpty() ? "" : "; not so "
                + Printable.first(others, NAMED)
                + ", masqueraded: the client itself, or in one network with it, so that its answer would not pass this node");
    }

    /** The port at which an address is really served, if that is not the Service's. */
    private static Optional<String> offset(AppliedPort applied, Refusals.Asked asked, ServicePort port) {
        return Refusals.addresses(applied, asked).stream()
                .filter(listener -> listener.kind() != AddressKind.NODE_PORT
                        && listener.address().getPort() != port.port())
                .findFirst().map(listener -> "--port-offset: connect to "
                        + IpAddresses.format(listener.address().getAddress(), listener.address().getPort())
                        + ", not to port "
                        + port.port());
    }

    /**
     * One port and one family.
     *
     * @param family  absent if the port is not proxied
     * @param traffic {@code internal}, {@code external} or {@code looped}
     */
    record PortExplanation(String namespace, String service, String port, int portNumber, String protocol,
            @Nullable String family, @Nullable String from, String traffic, List<String> rules,
            List<String> refusals, List<EndpointExplanation> endpoints, String next, @Nullable String nextEndpoint) {

        static PortExplanation of(Service service, ServicePort port, @Nullable IpFamily family,
                @Nullable InetAddress from, Explanation explanation, List<String> more, Refusals refusals) {
            boolean nowhere = refusals.nowhere().isPresent();
            return new PortExplanation(service.name().namespace(), service.name().name(), port.name(), port.port(),
                    port.protocol().name(), family == null ? null : family.apiName(),
                    from == null ? null : IpAddresses.format(from),
                    spelling(explanation.traffic()),
                    Stream.concat(explanation.rules().stream(), more.stream()).toList(), refusals.lines(),
                    explanation.endpoints().stream().map(line -> new EndpointExplanation(
                            line.endpoint().address().toString(), line.endpoint().target(), line.candidate(),
                            line.rule())).toList(),
                    refusals.nowhere().map(why -> "nowhere: " + why).orElse(explanation.next()),
                    nowhere || explanation.nextIs() == null ? null : explanation.nextIs().toString());
        }

        private static String spelling(Traffic traffic) {
            return switch (traffic) {
                case INTERNAL -> "internal";
                case EXTERNAL -> "external";
                case SHORT_CIRCUIT -> "looped";
            };
        }
    }

    /** One endpoint. */
    record EndpointExplanation(String address, @Nullable String pod, boolean candidate, String rule) {}
}
