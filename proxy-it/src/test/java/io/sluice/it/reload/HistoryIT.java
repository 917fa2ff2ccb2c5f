package io.sluice.it.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.balance.Ejections;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.reconcile.Balancing;
import io.sluice.service.BalancerKind;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A running daemon tells afterwards what it has applied. */
class HistoryIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Balancing EJECTING = new Balancing(BalancerKind.ROUND_ROBIN, List.of(), 100,
            new Ejections.Rules(Duration.ofSeconds(10), Duration.ofSeconds(30), 50));

    @Test
    void what_happened_to_a_service_is_told_in_its_order_with_the_reasons() throws Exception {
        try (RunningSluice sluice = new RunningSluice().balancing(EJECTING)) {
            sluice.pod(1, "pod-1");
            sluice.service("kubia", sluice.address(1)).start();

            sluice.manifests().edit("kubia.yaml", Manifests.service("kubia", sluice.address(1), sluice.address(2)));
            sluice.awaitEndpoints("kubia", sluice.address(1), sluice.address(2));
            sluice.manifests().edit("kubia.yaml", Manifests.service("kubia", sluice.address(2)));
            sluice.awaitEndpoints("kubia", sluice.address(2));
            // Nobody listens there.
            assertThatThrownBy(() -> sluice.ask("kubia")).isInstanceOf(IOException.class);
            awaitEvent(sluice, "EndpointSilent");
            sluice.manifests().edit("broken.yaml", "kind: [");
            awaitEvent(sluice, "SourceStale");
            sluice.manifests().delete("broken.yaml");
            awaitEvent(sluice, "SourceFresh");
            sluice.manifests().delete("kubia.yaml");
            awaitEvent(sluice, "ServiceRemoved");

            assertThat(types(sluice)).containsExactly("Started", "EndpointAdded", "EndpointRemoved", "EndpointSilent",
                    "SourceStale", "SourceFresh", "ServiceRemoved");
            assertThat(events(sluice).stream().map(event -> event.path("message").asString()))
                    .anyMatch(message -> message.startsWith(sluice.address(2))
                            && message.endsWith("it is the only endpoint, connections fail until it answers"))
                    .anyMatch(message -> message.contains("broken.yaml"));
        }
    }

    private static void awaitEvent(RunningSluice sluice, String type) {
        await().atMost(PATIENCE).until(() -> types(sluice).contains(type));
    }

    private static List<String> types(RunningSluice sluice) throws IOException {
        return events(sluice).stream().map(event -> event.path("type").asString()).toList();
    }

    private static List<JsonNode> events(RunningSluice sluice) throws IOException {
        String body = sluice.get(false, "/api/v1/events?namespace=default");
        List<JsonNode> events = new ArrayList<>();
        JsonMapper.shared().readTree(body.substring(body.indexOf('{'))).path("events").forEach(events::add);
        return events;
    }
}
