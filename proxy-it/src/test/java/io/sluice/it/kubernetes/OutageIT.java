package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.apiserver.ApiServer.Fault;
import io.sluice.it.testbed.apiserver.ApiStore;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever the API server does, traffic goes on: each test has a client that connects all the time and a connection that
 * stays open, and neither may notice anything; and what the server says afterwards is found.
 */
class OutageIT {

    private Cluster cluster;
    private Traffic traffic;
    private Socket established;

    @BeforeEach
    void start() throws Exception {
        cluster = new Cluster().watchIdleTimeout(Duration.ofSeconds(4));
        cluster.pod("pod-1", 1);
        cluster.pod("pod-2", 2);
        cluster.sluice.with(Backend.echo(cluster.sluice.address(3)));
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1, 2);
        cluster.service("echo", 101);
        cluster.slice("echo-a", "echo", 3);
    }

    private void run() throws Exception {
        cluster.start().awaitSynced();
        cluster.awaitEndpoints("kubia", 1, 2);
        cluster.awaitWatching();
        traffic = new Traffic(cluster.sluice, "kubia");
        established = cluster.sluice.connect("echo");
    }

    @AfterEach
    void nobodyHasNoticed() throws Exception {
        try (Cluster _ = cluster) {
            if (established != null) {
                int before = traffic.answers();
                await().until(() -> traffic.answers() > before + 5);
                established.getOutputStream().write(42);
                assertThat(established.getInputStream().read()).isEqualTo(42);
                established.close();
                traffic.stop();
                assertThat(traffic.failures()).isEmpty();
            }
        }
    }

    @Test
    void a_refusing_server_is_asked_until_it_is_back_and_missed_changes_are_found() throws Exception {
        run();
        cluster.pod("pod-4", 4);
        cluster.api.stop();
        await().until(() -> !cluster.readyz().path("problems").isEmpty());
        assertThat(cluster.readyz().path("ready").asBoolean()).isTrue();
        cluster.slice("kubia-a", "kubia", 1, 4);
        cluster.api.delete("services", "default", "echo");
        cluster.api.start();

        cluster.awaitEndpoints("kubia", 1, 4);
        await().until(() -> cluster.sluice.sluice().applied().orElseThrow().ports().size() == 1);
        await().until(() -> cluster.readyz().path("current").asBoolean());
    }

    @Test
    void dropped_watches_are_resumed_without_a_new_list() throws Exception {
        run();
        int lists = cluster.api.lists();
        cluster.api.dropWatches();
        cluster.slice("kubia-a", "kubia", 1);

        cluster.awaitEndpoints("kubia", 1);
        assertThat(cluster.api.lists()).isEqualTo(lists);
    }

    @Test
    void after_gone_everything_is_listed_and_missed_deletions_are_found() throws Exception {
        run();
        cluster.api.stop();
        cluster.api.delete("endpointslices", "default", "echo-a");
        cluster.slice("kubia-a", "kubia", 2);
        cluster.api.store().compact();
        cluster.api.start();

        cluster.awaitEndpoints("kubia", 2);
        cluster.awaitEndpoints("echo");
    }

    @Test
    void gone_in_the_middle_of_a_watch_is_listed_as_well() throws Exception {
        run();
        cluster.api.fault(Fault.GONE, true);
        int lists = cluster.api.lists();
        await().until(() -> cluster.api.lists() > lists + 3);
        cluster.slice("kubia-a", "kubia", 2);
        cluster.awaitEndpoints("kubia", 2);
        cluster.api.fault(Fault.GONE, false);
        cluster.awaitWatching();
    }

    @Test
    void internal_errors_are_waited_out() throws Exception {
        run();
        cluster.api.fault(Fault.ERROR_500, true);
        cluster.api.dropWatches();
        await().until(() -> cluster.resource("endpoints").path("problem").asString("").contains("500"));
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.fault(Fault.ERROR_500, false);

        cluster.awaitEndpoints("kubia", 1);
    }

    @Test
    void a_half_sent_event_is_asked_for_again() throws Exception {
        run();
        cluster.api.fault(Fault.HALF_SENT, true);
        cluster.slice("kubia-a", "kubia", 2);
        await().until(() -> cluster.sluice.metric("sluice_source_resource_failures_total{resource=\"endpoints\"}") > 0);
        cluster.api.fault(Fault.HALF_SENT, false);

        cluster.awaitEndpoints("kubia", 2);
    }

    @Test
    void a_list_that_breaks_off_counts_for_nothing() throws Exception {
        run();
        cluster.api.fault(Fault.HALF_LISTED, true);
        cluster.api.fault(Fault.GONE, true);
        cluster.api.dropWatches();
        await().until(() -> cluster.resource("services").path("problem").isString()
                && cluster.resource("endpoints").path("problem").isString());
        // No watch is open any more: what happens now is seen in lists alone.
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.delete("services", "default", "echo");
        int lists = cluster.api.lists();
        await().atMost(Duration.ofMinutes(1)).until(() -> cluster.api.lists() > lists + 6);
        assertThat(cluster.sluice.sluice().applied().orElseThrow().ports()).hasSize(2);
        cluster.api.fault(Fault.GONE, false);
        cluster.api.fault(Fault.HALF_LISTED, false);

        cluster.awaitEndpoints("kubia", 1);
        await().atMost(Duration.ofMinutes(1))
                .until(() -> cluster.sluice.sluice().applied().orElseThrow().ports().size() == 1);
    }

    @Test
    void a_dripping_watch_is_put_together() throws Exception {
        run();
        cluster.api.fault(Fault.DRIP, true);
        cluster.slice("kubia-a", "kubia", 2);

        cluster.awaitEndpoints("kubia", 2);
    }

    @Test
    void a_black_holed_watch_is_noticed_and_everything_listed_again() throws Exception {
        run();
        cluster.api.fault(Fault.BLACK_HOLE, true);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> cluster.resource("endpoints").path("problem").asString("")
                        .contains("no data for 4 s"));
        assertThat(cluster.sluice.metric("sluice_source_resource_age_seconds{resource=\"endpoints\"}"))
                .isGreaterThan(3.5);
        await().until(() -> cluster.sluice.metric("sluice_source_resource_watching{resource=\"endpoints\"}") == 0);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.fault(Fault.BLACK_HOLE, false);

        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 1));
        await().until(() -> cluster.sluice.metric("sluice_source_resource_watching{resource=\"endpoints\"}") == 1
                && cluster.sluice.metric("sluice_source_resource_age_seconds{resource=\"endpoints\"}") < 3.5);
    }

    @Test
    void an_empty_server_of_an_earlier_version_deletes_nothing() throws Exception {
        run();
        ApiStore before = cluster.api.store();
        cluster.api.stop();
        cluster.api.forgetEverything();
        int lists = cluster.api.lists();
        cluster.api.start();
        await().atMost(Duration.ofSeconds(30)).until(() -> cluster.api.lists() >= lists + 5);
        assertThat(cluster.sluice.sluice().applied().orElseThrow().ports()).hasSize(2);
        assertThat(cluster.readyz().path("current").asBoolean()).isFalse();

        cluster.api.restore(before);
        cluster.slice("kubia-a", "kubia", 2);
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 2));
        await().atMost(Duration.ofSeconds(60)).until(() -> cluster.readyz().path("current").asBoolean());
    }

    @Test
    void a_store_that_was_restored_from_an_older_copy_is_in_force_after_the_grace_for_suspect_lists() throws Exception {
        run();
        cluster.pod("pod-4", 4);
        cluster.slice("kubia-b", "kubia", 4);
        cluster.awaitEndpoints("kubia", 1, 2, 4);
        cluster.api.stop();
        cluster.api.forgetEverything();
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.service("echo", 101);
        cluster.slice("echo-a", "echo", 3);
        cluster.api.start();

        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 1, 4));
        assertThat(cluster.readyz().path("current").asBoolean()).isFalse();
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 1));
        await().atMost(Duration.ofSeconds(60)).until(() -> cluster.readyz().path("current").asBoolean());
    }

    @Test
    void a_rotated_token_is_read_anew() throws Exception {
        Path token = Files.writeString(cluster.sluice.manifests().directory().resolve("token"), "first\n");
        cluster.api.wantToken("first");
        cluster.user("{tokenFile: token}");
        run();
        Files.writeString(token, "second\n");
        cluster.api.wantToken("second");
        cluster.api.dropWatches();
        cluster.slice("kubia-a", "kubia", 2);

        cluster.awaitEndpoints("kubia", 2);
    }

    @Test
    void a_right_that_is_taken_away_is_told_and_the_last_state_stays() throws Exception {
        run();
        cluster.api.refuse("endpointslices", 403);
        cluster.api.dropWatches();
        cluster.slice("kubia-a", "kubia", 1);
        await().until(() -> cluster.resource("endpoints").path("problem").asString("")
                .startsWith("may not list endpointslices.discovery.k8s.io (403)"));
        cluster.api.refuse("endpointslices", 0);

        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 1));
    }

    @Test
    void a_right_to_watch_that_is_missing_is_told_and_changes_are_found_by_lists() throws Exception {
        run();
        cluster.api.refuseWatches("endpointslices", 403);
        cluster.api.dropWatches();
        cluster.slice("kubia-a", "kubia", 1);
        await().until(() -> cluster.resource("endpoints").path("problem").asString("")
                .startsWith("may not watch endpointslices.discovery.k8s.io (403)"));
        cluster.awaitEndpoints("kubia", 1);
        cluster.api.refuseWatches("endpointslices", 0);

        cluster.awaitWatching();
    }

    @Test
    void a_bookmark_saves_the_list_after_a_long_time_without_news() throws Exception {
        run();
        // Versions are the cluster's, not a kind's: what happens to nodes makes the endpoints' last event an old one.
        cluster.node("another", "zone-b");
        String now = Long.toString(cluster.api.store().version());
        await().until(() -> cluster.resource("endpoints").path("resourceVersion").asString("").equals(now)
                && cluster.resource("services").path("resourceVersion").asString("").equals(now)
                && cluster.resource("node").path("resourceVersion").asString("").equals(now));
        int lists = cluster.api.lists();
        cluster.api.store().compact();
        cluster.api.dropWatches();
        cluster.slice("kubia-a", "kubia", 2);

        cluster.awaitEndpoints("kubia", 2);
        assertThat(cluster.api.lists()).isEqualTo(lists);
    }

    /** Afterwards neither Sluice nor the API server runs, and {@code state} is there. */
    private void runUntilSavedAndStopAll(Path state) throws Exception {
        cluster.stateFile(state);
        run();
        await().atMost(Duration.ofSeconds(30)).until(() -> Files.exists(state));
        traffic.stop();
        established.close();
        established = null;
        cluster.sluice.sluice().close();
        cluster.api.stop();
    }

    @Test
    void a_restart_during_an_outage_serves_the_saved_state_and_says_so(@TempDir Path directory) throws Exception {
        Path state = directory.resolve("state");
        runUntilSavedAndStopAll(state);
        cluster.start();

        assertThat(cluster.sluice.ask("kubia")).startsWith("pod");
        assertThat(cluster.readyz().path("ready").asBoolean()).isTrue();
        assertThat(cluster.readyz().path("current").asBoolean()).isFalse();
        assertThat(cluster.readyz().path("detail").asString()).startsWith("serving the state of ");
        cluster.slice("kubia-a", "kubia", 2);
        cluster.api.start();
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 2));
        assertThat(cluster.readyz().path("detail").asString()).startsWith("watching ");
    }

    @Test
    void a_server_that_came_back_empty_does_not_spoil_the_saved_state(@TempDir Path directory) throws Exception {
        Path state = directory.resolve("state");
        runUntilSavedAndStopAll(state);
        cluster.api.forgetEverything();
        int lists = cluster.api.lists();
        cluster.api.start();
        cluster.start();
        await().atMost(Duration.ofSeconds(30)).until(() -> cluster.api.lists() >= lists + 4);

        assertThat(cluster.sluice.ask("kubia")).startsWith("pod");
        assertThat(cluster.readyz().path("detail").asString()).startsWith("serving the state of ");
        assertThat(Files.readString(state)).contains("kubia-a");
    }

    @Test
    void nothing_listens_before_everything_is_listed() throws Exception {
        cluster.api.refuse("endpointslices", 403);
        cluster.start();
        await().until(() -> cluster.resource("endpoints").path("problem").asString("").contains("403"));
        cluster.awaitServicesListed();
        assertThat(cluster.sluice.sluice().applied()).isEmpty();
        assertThat(cluster.sluice.get(true, "/readyz")).startsWith("503 ");
        cluster.api.refuse("endpointslices", 0);

        cluster.awaitSynced();
        cluster.awaitEndpoints("kubia", 1, 2);
    }
}
