package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The health check of a port and what it has come to. Immutable.
 *
 * @param check  null if nothing is checked
 * @param health of the endpoints that were checked; others are unchecked and take connections
 * @param whyNot why nothing is checked although the Service asks for it; null if it does not, or if they are checked
 */
public record EndpointChecks(@Nullable HealthCheck check, Map<EndpointAddress, EndpointHealth> health,
        @Nullable String whyNot) {

    /** Nothing is checked, and nobody asks for it. */
    public static final EndpointChecks NONE = new EndpointChecks(null, Map.of(), null);

    public EndpointChecks {
        health = Map.copyOf(health);
    }

    /** Endpoints are checked by {@code check}. */
    public EndpointChecks(HealthCheck check, Map<EndpointAddress, EndpointHealth> health) {
        this(check, health, null);
    }

    /** Nothing is checked although the Service asks for it. */
    public static EndpointChecks not(String why) {
        return new EndpointChecks(null, Map.of(), why);
    }

    /** Whether {@code endpoint} fails its check. */
    public boolean fails(EndpointAddress endpoint) {
        EndpointHealth known = health.get(endpoint);
        return known != null && !known.passing();
    }

    /** What the last check of {@code endpoint} that failed has met; empty if none has. */
    public String why(EndpointAddress endpoint) {
        EndpointHealth known = health.get(endpoint);
        return known == null ? "" : known.why();
    }

    /** How many endpoints fail their check. */
    public int unhealthy() {
        return (int) health.values().stream().filter(known -> !known.passing()).count();
    }

    /** Those that do not fail; all of them if they all do, as it may be the check that is wrong. */
    List<Endpoint> healthy(List<Endpoint> candidates) {
        if (health.isEmpty() || candidates.stream().noneMatch(endpoint -> fails(endpoint.address()))) {
            return candidates;
        }
        List<Endpoint> healthy = candidates.stream().filter(endpoint -> !fails(endpoint.address())).toList();
        return healthy.isEmpty() ? candidates : healthy;
    }

    /** What there is to say of {@code endpoint}: a few words for a person; null if it is not checked at all. */
    public @Nullable String text(EndpointAddress endpoint) {
        if (check == null) {
            return null;
        }
        EndpointHealth known = health.get(endpoint);
        return known == null
                ? "not checked yet"
                : known.passing() ? "passes its health check" : "fails its health check: " + known.why();
    }
}
