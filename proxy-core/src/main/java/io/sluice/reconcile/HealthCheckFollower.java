package io.sluice.reconcile;

import io.sluice.service.ClusterSnapshot;
import java.util.function.Consumer;

/** Makes the health check node ports of Services follow the applied state. Confined to the control thread. */
record HealthCheckFollower(Consumer<ClusterSnapshot> healthChecks) implements AppliedFollower {

    @Override
    public void settled(ClusterSnapshot snapshot, ChangeScope scope) {
        if (scope.concernsHealthChecks()) {
            healthChecks.accept(snapshot);
        }
    }
}
