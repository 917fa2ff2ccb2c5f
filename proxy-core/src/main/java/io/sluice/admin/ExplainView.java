package io.sluice.admin;

import io.sluice.balance.Explanation;
import io.sluice.balance.Sources;
import io.sluice.balance.Traffic;
import io.sluice.http.Answer;
import io.sluice.http.Request;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState;
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
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code /api/v1/explain}: why connections to a Service go where they go. {@code docs/api.md} says what it means. */
record ExplainView(List<PortExplanation> explain) {

    static Answer answer(DaemonStatus status, Request request) {
        String namespace = request.text("namespace").orElse("default");
        Optional<String> service = request.text("service");
        if (service.isEmpty()) {
            return Answer.error(400, "query parameter service is missing: say which Service to explain");
        }
        Optional<AppliedState> applied = status.applied();
        ServiceState state = applied.map(AppliedState::snapshot)
                .map(s -> s.services().get(new ServiceName(namespace, service.get()))).orElse(null);
        if (applied.isEmpty() || state == null) {
            return Answer.error(404, "there is no Service " + service.get() + " in namespace " + namespace);
        }
        InetAddress from = null;
        if (request.text("from").isPresent()) {
            try {
                from = IpAddresses.parse(request.text("from").get());
            } catch (IllegalArgumentException e) {
                return Answer.error(400, "query parameter from: " + e.getMessage());
            }
        }
        boolean external = request.text("external").orElse("false").equals("true");
        List<PortExplanation> explanations = new ArrayList<>();
        for (ServicePort port : state.service().ports()) {
            String wanted = request.text("port").orElse("");
            if (wanted.isEmpty() || wanted.equals(port.name()) || wanted.equals(Integer.toString(port.port()))) {
                explanations.addAll(explain(state.service(), port, applied.get(), status.sources(), from, external));
            }
        }
        return explanations.isEmpty()
                ? Answer.error(404, service.get() + " has no port " + request.text("port").orElse("") + ": it has "
                        + String.join(", ", state.service().ports().stream().map(ServicePort::display).toList()))
                : Answer.json(new ExplainView(explanations));
    }

    private static List<PortExplanation> explain(Service service, ServicePort port, AppliedState applied,
            Sources sources, @Nullable InetAddress from, boolean external) {
        AppliedPort appliedPort =
                applied.ports().get(new ServicePortName(service.name(), port.name(), port.protocol()));
        if (appliedPort == null || port.protocol() != Protocol.TCP) {
            String why = service.proxied()
                    ? "nowhere: " + port.protocol() + " is not proxied, only TCP is"
                    : "nowhere: the Service has no cluster address, so it is not proxied";
            return List.of(PortExplanation.of(service, port, null, from,
                    new Explanation(Traffic.INTERNAL, List.of(), List.of(), why, null), List.of()));
        }
        List<PortExplanation> explanations = new ArrayList<>();
        for (InetAddress clusterIp : service.clusterIps()) {
            IpFamily family = IpFamily.of(clusterIp);
            if (from == null || IpFamily.of(from) == family) {
                Traffic traffic = !external
                        ? Traffic.INTERNAL
                        : from == null ? Traffic.EXTERNAL : sources.traffic(true, from, address(service, from));
                List<String> rules = new ArrayList<>();
                if (external && from != null && !service.loadBalancerSourceRanges().isEmpty()) {
                    rules.add(ranges(service, sources, from));
                }
                explanations.add(PortExplanation.of(service, port, family, from,
                        appliedPort.routing().explain(family, traffic, from, System.nanoTime()), rules));
            }
        }
        return explanations.isEmpty()
                ? List.of(PortExplanation.of(service, port, null, from, new Explanation(Traffic.INTERNAL, List.of(),
                        List.of(), "nowhere: the Service has no address of the client's family", null), List.of()))
                : explanations;
    }

    /** The external address that the client would call: its own if that is one, as a node that calls itself does. */
    private static InetAddress address(Service service, InetAddress from) {
        return Stream.concat(service.externalIps().stream(), service.loadBalancerIps().stream())
                .filter(from::equals).findFirst()
                .orElse(IpAddresses.parse(IpFamily.of(from) == IpFamily.IPV4 ? "0.0.0.0" : "::"));
    }

    private static String ranges(Service service, Sources sources, InetAddress from) {
        boolean allowed = sources.allows(service.loadBalancerSourceRanges(), from, address(service, from));
        return "loadBalancerSourceRanges: the client is " + (allowed
                ? "inside, or none is of its family"
                : "outside; connections to the load balancer addresses are reset, those to node ports and external"
                        + " addresses are not");
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
                    explanation.traffic().name().toLowerCase(Locale.ROOT),
                    Stream.concat(explanation.rules().stream(), more.stream()).toList(),
                    explanation.endpoints().stream().map(line -> new EndpointExplanation(
                            line.endpoint().address().toString(), line.endpoint().target(), line.candidate(),
                            line.rule())).toList(),
                    explanation.next(),
                    explanation.nextIs() == null ? null : explanation.nextIs().toString());
        }
    }

    /** One endpoint. */
    record EndpointExplanation(String address, @Nullable String pod, boolean candidate, String rule) {}
}
