package io.sluice.source.kubernetes;

import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.Spelling;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks whether the cluster has this node's Node: without it no endpoint is local and no zone is known, though everything
 * else works. A problem is logged once. One thread checks; any thread may read the result.
 */
final class OwnNode {

    private static final Logger LOG = LoggerFactory.getLogger(OwnNode.class);

    /** Facts that {@link #look} asks for only if it needs them: this reads all endpoints. */
    interface Endpoints {

        /** Names of Nodes, as far as known. */
        Set<String> nodeNames();

        /** The zones whose clients endpoints are meant for. */
        Set<String> hintedZones();
    }

    private static final long ZONES_NANOS = TimeUnit.MINUTES.toNanos(1);
    /** How many zones are named. */
    private static final int NAMED = 3;

    private final String name;
    private volatile @Nullable String problem;
    private boolean missing;
    private @Nullable NodeFacts lookedAt;
    private long zonesReadAt;

    OwnNode(String name) {
        this.name = name;
    }

    /**
     * Checks {@code facts}, the node's Node now; null for none.
     *
     * @param at of a monotonic clock, in nanoseconds: zones are read once a minute, as all endpoints are read for that
     */
    void look(@Nullable NodeFacts facts, Endpoints endpoints, long at) {
        if (facts != null && facts.equals(lookedAt) && at - zonesReadAt < ZONES_NANOS) {
            return;
        }
        lookedAt = facts;
        zonesReadAt = at;
        String before = problem;
        String now = before;
        if (facts == null) {
            now = missing ? before : noNode(endpoints.nodeNames());
        } else {
            now = wrongZone(facts.zone(), endpoints.hintedZones());
            if (missing) {
                LOG.info("the cluster has a Node '{}' now", name);
            }
        }
        missing = facts == null;
        problem = now;
        if (now != null && !now.equals(before)) {
            LOG.warn("{}", now);
        }
    }

    private @Nullable String wrongZone(@Nullable String zone, Set<String> hinted) {
        if (hinted.isEmpty() || zone != null && hinted.contains(zone)) {
            return null;
        }
        return "the Node '" + name + "' has " + (zone == null
                ? "no label topology.kubernetes.io/zone, but endpoints are hinted to zones"
                : "the label topology.kubernetes.io/zone=" + zone + ", but endpoints are hinted to other zones alone ("
                        + hinted.stream().sorted().limit(NAMED).collect(Collectors.joining(", ")) + ")")
                + ": connections from here go to all zones";
    }

    private String noNode(Set<String> names) {
        return "the cluster has no Node '" + name + "': no endpoint is local and no zone is known here; set"
                + " --hostname-override or NODE_NAME to the name of this node's Node" + near(names);
    }

    /** Clouds name Nodes by the whole host name, others by its first part. */
    private String near(Set<String> names) {
        Optional<String> longer = names.stream()
                .filter(each -> each.startsWith(name + ".") || name.startsWith(each + ".")).sorted().findFirst();
        return longer.map(each -> "; did you mean " + each + "?").orElseGet(() -> Spelling.didYouMean(name, names));
    }

    Optional<Problem> problem() {
        String now = problem;
        return now == null ? Optional.empty() : Optional.of(new Problem(Severity.WARNING, "node", "", now));
    }
}
