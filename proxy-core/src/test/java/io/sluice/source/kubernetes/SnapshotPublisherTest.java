package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.source.kubernetes.SnapshotPublisher.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Snapshots are published when all is listed, when something has changed, and not too often. */
class SnapshotPublisherTest {

    private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

    private final ClusterView view = new ClusterView("node-1");
    private final List<ClusterSnapshot> received = new ArrayList<>();
    private boolean listed = true;
    private boolean consumerFails;
    private long time = Long.MAX_VALUE - 5;

    private final SnapshotPublisher publisher = new SnapshotPublisher(view, () -> listed, snapshot -> {
        if (consumerFails) {
            throw new IllegalStateException("the consumer fails");
        }
        time += Duration.ofMillis(200).toNanos();
        received.add(snapshot);
    }, () -> time);

    private static void put(ClusterView into, String name) {
        Service service = ServiceReader
                .read(new ObjectKey("shop", name),
                        ApiClient.JSON
                                .readTree("{\"spec\": {\"clusterIP\": \"10.96.0.1\", \"ports\": [{\"port\": 80}]}}"))
                .value();
        into.services().put(Map.of(new ObjectKey("shop", name), service));
    }

    @Test
    void nothing_is_published_before_everything_is_listed() {
        listed = false;
        put(view, "kubia");
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.NOTHING_NEW);
        assertThat(publisher.published()).isFalse();

        listed = true;
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.PUBLISHED);
        assertThat(publisher.published()).isTrue();
        assertThat(received).singleElement().satisfies(s -> assertThat(s.services()).hasSize(1));
    }

    @Test
    void a_view_that_has_not_changed_is_not_published_again() {
        put(view, "kubia");
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.PUBLISHED);
        put(view, "kubia");
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.NOTHING_NEW);
        put(view, "other");
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.PUBLISHED);
        assertThat(received).extracting(ClusterSnapshot::version).containsExactly(1L, 2L);
    }

    @Test
    void a_snapshot_whose_consumer_fails_is_published_again_though_nothing_has_changed_since() {
        put(view, "kubia");
        consumerFails = true;
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.FAILED);
        assertThat(publisher.fault()).contains("merging changes failed", "the consumer fails");
        assertThat(publisher.published()).isFalse();

        consumerFails = false;
        assertThat(publisher.publish(NOW)).isEqualTo(Outcome.PUBLISHED);
        assertThat(publisher.fault()).isNull();
        assertThat(received).singleElement().satisfies(s -> assertThat(s.services()).hasSize(1));
    }

    @Test
    void the_saved_state_is_in_force_until_the_first_snapshot_of_what_is_listed() {
        ClusterView saved = new ClusterView("node-1");
        put(saved, "saved");
        List<ClusterSnapshot> loaded = new ArrayList<>();
        publisher.publishSaved(saved, NOW.minusSeconds(60), loaded::add);
        assertThat(loaded).singleElement().satisfies(s -> assertThat(s.asOf()).isEqualTo(NOW.minusSeconds(60)));
        assertThat(publisher.savedAt()).isEqualTo(NOW.minusSeconds(60));
        assertThat(publisher.published()).isTrue();

        listed = false;
        publisher.publish(NOW);
        assertThat(publisher.savedAt()).isNotNull();
        listed = true;
        put(view, "kubia");
        publisher.publish(NOW);
        assertThat(publisher.savedAt()).isNull();
        assertThat(received).extracting(ClusterSnapshot::version).containsExactly(2L);
    }

    @Test
    void changes_are_collected_for_a_moment_and_the_interval_begins_when_the_consumer_has_returned() {
        put(view, "kubia");
        assertThat(publisher.delayNanos()).isEqualTo(SnapshotRateLimiter.BATCH_WINDOW.toNanos());
        publisher.publish(NOW);

        assertThat(publisher.delayNanos()).as("the consumer took 200 ms, the first interval is 50 ms")
                .isEqualTo(Duration.ofMillis(50).toNanos());
    }

    @Test
    void a_failure_counts_for_the_rate_so_that_it_is_not_repeated_without_a_pause() {
        put(view, "kubia");
        consumerFails = true;
        for (int i = 0; i < 10; i++) {
            publisher.publish(NOW);
        }
        assertThat(publisher.delayNanos()).isEqualTo(SnapshotRateLimiter.LONGEST_INTERVAL.toNanos());
    }
}
