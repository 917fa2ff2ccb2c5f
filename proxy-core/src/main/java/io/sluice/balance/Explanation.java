package io.sluice.balance;

import io.sluice.balance.EndpointSelection.Categorized;
import io.sluice.balance.EndpointSelection.Rule;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.service.Service;
import io.sluice.service.TrafficPolicy;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Why connections of one kind go where they go, read from the objects by which the data path picks.
 *
 * @param rules     the rules for all endpoints, one line each: the policy, the topology, how one is picked
 * @param endpoints every known endpoint, by address
 * @param next      where the next connection would go, in a few words
 * @param nextIs    that endpoint, null if there is none or it cannot be predicted
 */
public record Explanation(Traffic traffic, List<String> rules, List<Line> endpoints, String next,
        @Nullable EndpointAddress nextIs) {

    /** The explanation of a port that is not proxied. */
    public static final Explanation NOTHING =
            new Explanation(Traffic.INTERNAL, List.of(), List.of(), "nowhere: the port is not proxied", null);

    /**
     * One endpoint.
     *
     * @param candidate whether connections of this kind go there now
     * @param rule      the reason
     */
    public record Line(Endpoint endpoint, boolean candidate, String rule) {}

    static Explanation of(Service service, Routing routing, IpFamily family, Traffic traffic,
            @Nullable InetAddress client, long now) {
        EndpointSelection selection = routing.selections().getOrDefault(family, EndpointSelection.EMPTY);
        EndpointPool pool = routing.pool(family, traffic);
        boolean local = EndpointSelection.local(service, traffic);
        List<String> rules = new ArrayList<>();
        rules.add(policy(service, traffic));
        if (!local && hinted(selection)) {
            rules.add(topology(selection.topology()));
        }
        rules.add(pick(routing, pool));
        if (routing.checks().check() != null) {
            rules.add("health check: " + routing.checks().check().describe());
        } else if (routing.checks().whyNot() != null) {
            rules.add("health check: none, " + routing.checks().whyNot());
        }
        Set<EndpointAddress> usable = new HashSet<>();
        pool.endpoints().forEach(e -> usable.add(e.address()));
        List<Line> lines = new ArrayList<>();
        for (Categorized categorized : selection.categorized()) {
            Rule rule = local ? categorized.local() : categorized.cluster();
            EndpointAddress address = categorized.endpoint().address();
            lines.add(new Line(categorized.endpoint(), rule.takes() && usable.contains(address), rule.text()
                    + (rule.takes() ? more(routing, pool, address, usable.contains(address)) : why(categorized))));
        }
        return next(service, routing, pool, traffic, rules, lines, client, now);
    }

    private static String why(Categorized categorized) {
        String why = categorized.endpoint().whyNotReady();
        return why == null ? "" : ": " + why;
    }

    /** What there is to say of a candidate beside its rule. */
    private static String more(Routing routing, EndpointPool pool, EndpointAddress address, boolean usable) {
        String ordered = routing.orders().text(address);
        boolean aside = routing.orders().aside().containsKey(address);
        boolean fails = routing.checks().fails(address);
        String checked = routing.checks().text(address);
        if (!usable) {
            return aside && ordered != null
                    ? ", but " + ordered
                    : ", but it " + (fails ? checked : "does not answer: ejected");
        }
        if (fails) {
            return "; it " + checked
                    + (pool.candidates().size() == 1 ? ", and there is no other" : ", but so does every other");
        }
        String limit = "but no more than " + routing.maxEjectedShare() + " % and never the last may be ejected";
        if (aside) {
            return "; " + ordered + ", " + limit;
        }
        String weight = (checked == null ? "" : "; " + checked) + (ordered == null ? "" : "; " + ordered);
        if (!routing.ejected().contains(address)) {
            return weight;
        }
        return weight + (pool.candidates().size() == 1
                ? "; it does not answer, and there is no other"
                : "; it does not answer, " + limit);
    }

    private static Explanation next(Service service, Routing routing, EndpointPool pool, Traffic traffic,
            List<String> rules,
            List<Line> lines, @Nullable InetAddress client, long now) {
        List<Endpoint> endpoints = pool.endpoints();
        if (endpoints.isEmpty()) {
            return new Explanation(traffic, rules, lines, pool.candidates().isEmpty()
                    ? "nowhere: no endpoint takes such connections"
                    : "nowhere: every endpoint that takes such connections is drained by hand", null);
        }
        boolean byClient = pool.stickiness() != null || routing.balancer() == BalancerKind.MAGLEV;
        if (client == null) {
            if (byClient && endpoints.size() > 1) {
                return new Explanation(traffic, rules, lines, "it depends on the client's address: say --from", null);
            }
            client = service.clusterIps().getFirst();
        }
        int stays = pool.stays(client, now);
        int index = pool.peek(client, now);
        if (index == Balancer.UNFORESEEABLE) {
            return new Explanation(traffic, rules, lines, switch (routing.balancer()) {
                case LEAST_CONNECTIONS -> "of two candidates, taken by chance, the one with fewer connections";
                case ROUND_ROBIN, WEIGHTED_ROUND_ROBIN -> "chance decides: the one whose turn it is has come just now";
                case RANDOM, MAGLEV -> "any candidate, by chance";
            }, null);
        }
        EndpointAddress address = endpoints.get(index).address();
        String why = stays >= 0
                ? "the client stays there (sessionAffinity)"
                : endpoints.size() == 1 ? "there is no other" : switch (routing.balancer()) {
                    case ROUND_ROBIN, WEIGHTED_ROUND_ROBIN -> "its turn";
                    case MAGLEV -> "by the client's address";
                    case RANDOM, LEAST_CONNECTIONS -> "by chance";
                };
        return new Explanation(traffic, rules, lines, address + ": " + why
                + (routing.ejected().contains(address) ? "; it does not answer, connections fail until it does" : ""),
                address);
    }

    /** Whether hints may count at all. */
    private static boolean hinted(EndpointSelection selection) {
        return selection.categorized().stream().map(Categorized::endpoint)
                .anyMatch(endpoint -> !endpoint.zoneHints().isEmpty() || !endpoint.nodeHints().isEmpty());
    }

    private static String policy(Service service, Traffic traffic) {
        return switch (traffic) {
            case INTERNAL -> "internalTrafficPolicy " + name(service.internalTrafficPolicy())
                    + (service.internalTrafficPolicy() == TrafficPolicy.LOCAL
                            ? ": only endpoints of this node"
                            : ": endpoints of every node");
            case EXTERNAL -> {
                boolean ignored = service.externalTrafficPolicy() == TrafficPolicy.LOCAL
                        && !service.externallyAccessible();
                yield "externalTrafficPolicy " + name(service.externalTrafficPolicy()) + (ignored
                        ? ", which has no effect: the Service has no address outside the cluster"
                        : service.externalTrafficPolicy() == TrafficPolicy.LOCAL
                                ? ": only endpoints of this node"
                        : ": endpoints of every node");
            }
            case SHORT_CIRCUIT ->
                    "the client is this node or a pod: no traffic policy narrows what it reaches from inside";
        };
    }

    private static String name(TrafficPolicy policy) {
        String word = policy.name().toLowerCase(Locale.ROOT);
        return Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }

    private static String topology(EndpointSelection.TopologyMode mode) {
        return switch (mode) {
            case NONE -> "topology: not every ready endpoint has hints, or none is for here; all count alike";
            case SAME_ZONE -> "topology: hints name this node's zone";
            case SAME_NODE -> "topology: hints name this node";
        };
    }

    private static String pick(Routing routing, EndpointPool pool) {
        StringBuilder text = new StringBuilder("balancer: ").append(routing.balancer().word());
        if (!routing.annotations().slowStart().isZero() && routing.balancer() != BalancerKind.MAGLEV) {
            text.append(", slow start over ").append(seconds(routing.annotations().slowStart().toNanos()));
        }
        EndpointPool.Stickiness sticky = pool.stickiness();
        if (sticky != null) {
            text.append("; sessionAffinity ClientIP: a client stays for ").append(seconds(sticky.timeout()))
                    .append(" after its last new connection").append(sticky.byService() ? ", on all ports" : "");
        }
        return text.toString();
    }

    private static String seconds(long nanos) {
        return Duration.ofNanos(nanos).toSeconds() + " s";
    }
}
