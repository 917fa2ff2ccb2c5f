package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Answers that no API server gives change nothing, are told once, and are over when it answers as one again. */
class SuspectAnswersIT {

    private Cluster cluster;
    private Traffic traffic;

    @BeforeEach
    void start() throws Exception {
        cluster = new Cluster();
        cluster.pod("pod-1", 1);
        cluster.pod("pod-2", 2);
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.start().awaitSynced();
        cluster.awaitEndpoints("kubia", 1);
        cluster.awaitWatching();
        traffic = new Traffic(cluster.sluice, "kubia");
    }

    @AfterEach
    void nobodyHasNoticed() throws Exception {
        try (Cluster _ = cluster) {
            int before = traffic.answers();
            await().until(() -> traffic.answers() > before + 5);
            traffic.stop();
            assertThat(traffic.failures()).isEmpty();
        }
    }

    private void isCurrentAgain() {
        cluster.slice("kubia-a", "kubia", 2);
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 2));
        await().atMost(Duration.ofMinutes(1)).until(() -> cluster.readyz().path("current").asBoolean()
                && cluster.readyz().path("problems").isEmpty());
        assertThat(cluster.sluice.log().lines(Level.WARN, "its answer for")).hasSize(1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            pods           | {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9999"},"items":[{"metadata":{"name":"x","namespace":"default"}}]} | is v1 PodList where v1 ServiceList was asked for
            a failure      | {"kind":"Status","apiVersion":"v1","status":"Failure","code":500}                         | has no items
            HTML           | <html><body>Sign in</body></html>                                                         | is not JSON
            null           | {"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"9999"},"items":null} | has items that are no list
            nameless items | {"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"9999"},"items":[{"metadata":{}}]} | has a Service without a name
            """)
    void a_list_that_is_none_deletes_nothing(String what, String list, String why) throws Exception {
        cluster.api.lie("services", list);
        cluster.sluice.sluice().reload();
        await().until(() -> cluster.resource("services").path("problem").asString("").contains(
                what.equals("a failure") ? "is v1 Status where" : why));
        assertThat(cluster.readyz().path("ready").asBoolean()).isTrue();
        assertThat(cluster.readyz().path("current").asBoolean()).isFalse();
        assertThat(cluster.sluice.ask("kubia")).isEqualTo("pod-1");
        cluster.api.lie("services", "");

        isCurrentAgain();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            another kind    | {"type":"DELETED","object":{"kind":"Endpoints","apiVersion":"v1","metadata":{"name":"kubia-a","namespace":"default","resourceVersion":"99999"}}}
            no event        | {"type":"BOGUS","object":{"kind":"EndpointSlice","metadata":{"name":"kubia-a"}}}
            no JSON         | Sign in to the hotel's network
            a nameless one  | {"type":"MODIFIED","object":{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"99999"},"addressType":"IPv4"}}
            """)
    void an_event_that_is_none_changes_nothing_and_is_not_asked_for_again_at_once(String what, String event)
            throws Exception {
        cluster.api.lieInWatches("endpointslices", event);
        await().until(() -> cluster.resource("endpoints").path("problem").asString("")
                .contains("its answer for endpointslices.discovery.k8s.io "));
        int lists = cluster.api.lists();
        await().during(Duration.ofSeconds(3)).until(() -> cluster.sluice.ask("kubia").equals("pod-1"));
        assertThat(cluster.api.lists() - lists).as(what).isLessThan(6);
        cluster.api.lieInWatches("endpointslices", "");

        isCurrentAgain();
    }

    @Test
    void after_an_event_from_before_what_is_known_everything_is_listed_again() throws Exception {
        cluster.api.lieInWatches("endpointslices", """
                {"type":"BOOKMARK","object":{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",\
                "metadata":{"resourceVersion":"5"}}}""");
        await().until(
                () -> cluster.resource("endpoints").path("problem").asString("").contains("is at version 5 after "));
        assertThat(cluster.readyz().path("current").asBoolean()).isFalse();
        int lists = cluster.api.lists();
        await().until(() -> cluster.api.lists() > lists);
        cluster.api.lieInWatches("endpointslices", "");

        cluster.slice("kubia-a", "kubia", 2);
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> cluster.awaitEndpoints("kubia", 2));
        await().atMost(Duration.ofMinutes(1)).until(() -> cluster.readyz().path("current").asBoolean());
    }
}
