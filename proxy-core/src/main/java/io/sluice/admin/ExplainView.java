package io.sluice.admin;

import io.sluice.balance.Explanation;
import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.ClientOrigins;
import io.sluice.balance.Traffic;
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

    static Response answer(DaemonStatus status, Request request) {
        String namespace = request.text("namespace").orElse("default");
        Optional<String> service = request.text("service");
        if (service.isEmpty()) {
            return Response.error(400, "query parameter service is missing: say which Service to explain");
        }
        Optional<AppliedState> applied = status.applied();
        ServiceState state = applied.map(AppliedState::snapshot)
                .map(s -> s.services().get(new ServiceName(namespace, service.get()))).orElse(null);
        if (applied.isEmpty() || state == null) {
            return Response.error(404, "there is no Service " + service.get() + " in namespace " + namespace);
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
        for (ServicePort port : state.service().ports()) {
            String wanted = request.text("port").orElse("");
            if (wanted.isEmpty() || wanted.equals(port.name()) || wanted.equals(Integer.toString(port.port()))) {
                explanations.addAll(explain(state.service(), port, applied.get(), status.origins(), from, external));
            }
        }
        return explanations.isEmpty()
                ? Response.error(404, service.get() + " has no port " + request.text("port").orElse("") + ": it has "
                        + String.join(", ", state.service().ports().stream().map(ServicePort::display).toList()))
                : Response.json(new ExplainView(explanations));
    }

    private static List<PortExplanation> explain(Service service, ServicePort port, AppliedState applied,
            ClientOrigins origins, @Nullable InetAddress from, boolean external) {
        AppliedPort appliedPort =
                applied.ports().get(new ServicePortName(service.name(), port.name(), port.protocol()));
        if (appliedPort == null || port.protocol() == Protocol.SCTP) {
            String why = service.proxied()
                    ? "nowhere: " + port.protocol() + " is not proxied, only TCP and UDP are"
                    : service.exclusion() == null
                            ? "nowhere: the Service has no cluster address, so it is not proxied"
                    : "nowhere: the Service is left to another proxy by its label " + service.exclusion();
            return List.of(PortExplanation.of(service, port, null, from,
                    new Explanation(Traffic.INTERNAL, List.of(), List.of(), why, null), List.of()));
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
                if (external && from != null && !service.loadBalancerSourceRanges().isEmpty()) {
                    rules.add(ranges(service, origins, from));
                }
                Explanation explanation = appliedPort.routing().explain(family, traffic, from, System.nanoTime());
                if (from != null && !appliedPort.preserved().isNone()) {
                    rules.add(source(appliedPort.preserved(), explanation, origins, from, external
                            ? address(service, from)
                            : clusterIp));
                }
                explanations.add(PortExplanation.of(service, port, family, from, explanation, rules));
            }
        }
        return explanations.isEmpty()
                ? List.of(PortExplanation.of(service, port, null, from, new Explanation(Traffic.INTERNAL, List.of(),
                        List.of(), "nowhere: the Service has no address of the client's family", null), List.of()))
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
        List<String> others = explanation.endpoints().stream().filter(Explanation.Line::candidate)
                .map(line -> line.endpoint().address())
                .filter(endpoint -> !origins.canSee(endpoint.ip(), from, listener))
                .map(EndpointAddress::toString).toList();
        return "the endpoint sees the client's address" + (others.isEmpty() ? "" : "; not so "
                + String.join(", ", others.subList(0, Math.min(others.size(), NAMED)))
                + (others.size() > NAMED ? " and " + (others.size() - NAMED) + " more" : "")
                + ", masqueraded: the client itself, or in one network with it, so that its answer would not pass this node");
    }

    private static String ranges(Service service, ClientOrigins origins, InetAddress from) {
        boolean allowed = origins.allows(service.loadBalancerSourceRanges(), from, address(service, from));
        return "loadBalancerSourceRanges: the client is " + (allowed
                ? "inside, or none is of its family"
                : "outside; what it sends to the load balancer addresses is dropped (with local routes, its"
                        + " connections are reset), not what it sends to node ports and external addresses");
    }

    /**
     * One port and one family.
     *
     * @param family  absent if the port is not proxied
     * @param traffic {@code internal}, {@code external} or {@code looped}
     */
    record PortExplanation(String namespace, String service, String port, int portNumber, String protocol,
            @Nullable String family, @Nullable String from, String traffic, List<String> rules,
            List<EndpointExplanation> endpoints, String next, @Nullable String nextEndpoint) {

        static PortExplanation of(Service service, ServicePort port, @Nullable IpFamily family,
                @Nullable InetAddress from, Explanation explanation, List<String> more) {
            return new PortExplanation(service.name().namespace(), service.name().name(), port.name(), port.port(),
                    port.protocol().name(), family == null ? null : family.apiName(),
                    from == null ? null : IpAddresses.format(from),
                    spelling(explanation.traffic()),
                    Stream.concat(explanation.rules().stream(), more.stream()).toList(),
                    explanation.endpoints().stream().map(line -> new EndpointExplanation(
                            line.endpoint().address().toString(), line.endpoint().target(), line.candidate(),
                            line.rule())).toList(),
                    explanation.next(),
                    explanation.nextIs() == null ? null : explanation.nextIs().toString());
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
