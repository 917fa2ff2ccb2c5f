package io.sluice.balance;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * What an operator has ordered by hand for one endpoint of one Service port. Immutable.
 *
 * @param weight of a {@link Kind#WEIGHT}, 1 to {@value #MOST_WEIGHT}; 0 otherwise
 * @param since  when it was ordered
 * @param until  when it ends by itself; null for never
 * @param by     who ordered it, for people
 */
public record Order(ServicePortName port, EndpointAddress endpoint, Kind kind, int weight, Instant since,
        @Nullable Instant until, String by) {

    /** The greatest weight. */
    public static final int MOST_WEIGHT = 100;

    /** What may be ordered. */
    public enum Kind {
        /** The endpoint gets no new connections, even if it is the last one. */
        DRAIN,
        /** The endpoint is left out as one that does not answer: never the last, and not more than may be out at once. */
        EJECT,
        /** The endpoint has this weight instead of the one of its Service's annotation. */
        WEIGHT
    }

    /** Has to be of its kind. */
    public Order {
        if (kind == Kind.WEIGHT ? weight < 1 || weight > MOST_WEIGHT : weight != 0) {
            throw new IllegalArgumentException("weight " + weight + " for " + kind);
        }
    }

    /** {@code drained by hand (root, until 2026-11-30T12:00:00Z)}: to be put after the endpoint's name and "is". */
    public String text() {
        return switch (kind) {
            case DRAIN -> "drained";
            case EJECT -> "ejected";
            case WEIGHT -> "weighted " + weight;
        } + " by hand (" + by + (until == null ? "" : ", until " + until.truncatedTo(ChronoUnit.SECONDS)) + ")";
    }

    boolean hasEnded(Instant now) {
        return until != null && !until.isAfter(now);
    }
}
