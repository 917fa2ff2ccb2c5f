package io.sluice.balance;

import io.sluice.service.HealthCheck;
import org.jspecify.annotations.Nullable;

/**
 * What the checks of one endpoint have come to. The first check decides at once; after it {@code rise} checks in a row have to
 * pass, or {@code fall} to fail, until the endpoint is taken for the other. Immutable.
 *
 * @param passing whether it is taken for healthy
 * @param run     how many checks in a row have said the opposite
 * @param why     what the last check that failed met; empty if none has
 */
public record EndpointHealth(boolean passing, int run, String why) {

    /** After a check that the endpoint passed; {@code before} is null if it was the first. */
    static EndpointHealth passed(@Nullable EndpointHealth before, HealthCheck rules) {
        if (before == null) {
            return new EndpointHealth(true, 0, "");
        }
        boolean rises = !before.passing && before.run + 1 >= rules.rise();
        return new EndpointHealth(before.passing || rises, before.passing || rises ? 0 : before.run + 1, before.why);
    }

    /** After a check that the endpoint failed; {@code before} is null if it was the first. */
    static EndpointHealth failed(@Nullable EndpointHealth before, HealthCheck rules, String why) {
        if (before == null) {
            return new EndpointHealth(false, 0, why);
        }
        boolean falls = before.passing && before.run + 1 >= rules.fall();
        return new EndpointHealth(before.passing && !falls, !before.passing || falls ? 0 : before.run + 1, why);
    }
}
