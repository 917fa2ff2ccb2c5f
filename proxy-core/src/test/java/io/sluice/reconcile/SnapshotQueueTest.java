package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.TriggerTime;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Snapshots replace each other, and nothing that came with one is lost. */
class SnapshotQueueTest {

    private static final Instant FIRST = Instant.parse("2026-01-01T00:00:00Z");
    private static final Instant SECOND = FIRST.plusSeconds(1);

    private final SnapshotQueue queue = new SnapshotQueue();

    @Test
    void where_nothing_waits_there_is_nothing_to_take() {
        assertThat(queue.take()).isNull();
        assertThat(queue.waitingSince()).isEmpty();
    }

    @Test
    void a_newer_snapshot_replaces_one_that_waits_since_that_came_and_takes_over_what_came_with_it() {
        queue.put(snapshot(1, 1), FIRST);
        queue.put(snapshot(2, 2), SECOND);
        assertThat(queue.waitingSince()).contains(FIRST);
        SnapshotQueue.Waiting taken = queue.take();
        assertThat(taken).isNotNull();
        assertThat(taken.snapshot().version()).isEqualTo(2);
        assertThat(taken.snapshot().changes()).hasSize(3);
        assertThat(taken.since()).isEqualTo(FIRST);
        assertThat(queue.waitingSince()).isEmpty();
        assertThat(queue.take()).isNull();
    }

    @Test
    void what_could_not_be_applied_waits_as_long_as_it_does_and_gives_way_to_what_is_newer() {
        queue.put(snapshot(1, 0), FIRST);
        SnapshotQueue.Waiting taken = queue.take();
        queue.putBack(taken);
        assertThat(queue.waitingSince()).contains(FIRST);
        assertThat(queue.take()).isEqualTo(taken);

        queue.put(snapshot(2, 0), SECOND);
        queue.putBack(taken);
        assertThat(queue.take()).isEqualTo(new SnapshotQueue.Waiting(snapshot(2, 0), FIRST));
    }

    @Test
    void the_changes_of_what_could_not_be_applied_wait_with_what_is_newer() {
        queue.put(snapshot(1, 1), FIRST);
        SnapshotQueue.Waiting taken = queue.take();
        queue.put(snapshot(2, 2), SECOND);
        queue.putBack(taken);
        SnapshotQueue.Waiting now = queue.take();
        assertThat(now).isNotNull();
        assertThat(now.snapshot().version()).isEqualTo(2);
        assertThat(now.snapshot().changes()).hasSize(3);
    }

    @Test
    void what_is_applied_once_more_gives_way_to_what_waits_and_does_not_count_as_waiting() {
        assertThat(queue.again(null)).isFalse();
        assertThat(queue.again(snapshot(1, 0))).isTrue();
        assertThat(queue.waitingSince()).isEmpty();
        queue.put(snapshot(2, 0), SECOND);
        assertThat(queue.again(snapshot(1, 0))).isFalse();
        assertThat(queue.take()).isEqualTo(new SnapshotQueue.Waiting(snapshot(2, 0), SECOND));
    }

    @Test
    void what_waits_is_counted_against_what_is_applied_by_the_newest_snapshot_alone() {
        assertThat(queue.waiting(null)).isEqualTo(ChangeCount.NONE);
        queue.put(snapshot(2, 0), FIRST);
        assertThat(queue.waiting(null)).isEqualTo(new ChangeCount(1, 1));
        assertThat(queue.waiting(new ClusterSnapshot(1, FIRST, new NodeTopology("node", null), Map.of())))
                .isEqualTo(new ChangeCount(1, 1));
        queue.take();
        assertThat(queue.waiting(null)).as("until it is applied").isEqualTo(new ChangeCount(1, 1));
        assertThat(queue.waiting(snapshot(2, 0))).isEqualTo(ChangeCount.NONE);
    }

    private static ClusterSnapshot snapshot(long version, int changes) {
        ServiceState web = Claimant.of("s/web cluster 10.96.0.1 endpoint 10.1.0.1:80");
        return new ClusterSnapshot(version, FIRST, new NodeTopology("node", null),
                Map.of(new ServiceName("s", "web"), web), List.of(),
                Collections.nCopies(changes, new TriggerTime(IpFamily.IPV4, FIRST)));
    }
}
