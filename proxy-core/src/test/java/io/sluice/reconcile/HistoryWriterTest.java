package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.Routing;
import io.sluice.history.Change;
import io.sluice.history.Event;
import io.sluice.history.Journal;
import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HistoryWriterTest {

    private static final ClusterSnapshot SNAPSHOT =
            new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), Map.of());

    private final Journal journal = new Journal();
    private final HistoryWriter history = new HistoryWriter(journal);

    /** What one listener is like in one review after another: up, idle (no endpoints), gone, or failed for a reason. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            it is well                | up up                  | ''
            it fails and goes on so   | up taken taken         | not served at 10.96.0.1:80: taken
            it fails from the start   | taken up               | not served at 10.96.0.1:80: taken; served at 10.96.0.1:80 now
            it fails otherwise        | taken denied           | not served at 10.96.0.1:80: taken; not served at 10.96.0.1:80: denied
            its endpoints go          | taken idle             | not served at 10.96.0.1:80: taken; 10.96.0.1:80 need not be served any more
            its Service goes          | taken gone             | not served at 10.96.0.1:80: taken
            it fails again            | taken up taken         | not served at 10.96.0.1:80: taken; served at 10.96.0.1:80 now; not served at 10.96.0.1:80: taken
            """)
    void a_listener_that_fails_and_heals_is_an_event_each_time(String what, String states, String expected) {
        for (String state : states.split(" ", -1)) {
            review(state, 1);
        }
        assertThat(String.join("; ", messages())).isEqualTo(expected);
    }

    @Test
    void a_cause_that_fails_every_address_does_not_displace_the_history() {
        review("taken", 5_000);
        assertThat(messages()).hasSize(101).last()
                .isEqualTo("4900 more addresses are not served; 'sluice get services -A -o wide' lists all");
        review("up", 5_000);
        assertThat(messages()).hasSize(202);
    }

    private void review(String state, int ports) {
        Map<ServicePortName, AppliedPort> all = new HashMap<>();
        for (int i = 0; i < ports && !state.equals("gone"); i++) {
            ListenerStatus status = switch (state) {
                case "up" -> ListenerStatus.LISTENING;
                case "idle" -> ListenerStatus.NO_ENDPOINTS;
                default -> ListenerStatus.FAILED;
            };
            all.put(new ServicePortName(new ServiceName("shop", "s" + i), "http", Protocol.TCP),
                    new AppliedPort(List.of(new ListenerState(
                            new InetSocketAddress(IpAddresses.parse("10.96.0.1"), 80), AddressKind.CLUSTER_IP, status,
                            status == ListenerStatus.FAILED ? state : null)), Routing.NONE));
        }
        history.everything(SNAPSHOT, SNAPSHOT, new AppliedState(SNAPSHOT, Instant.EPOCH, Duration.ZERO, all));
    }

    private List<String> messages() {
        return journal.first(Journal.Wanted.ALL, 1_000).events().stream().map(Event::change).map(Change::message)
                .toList();
    }
}
