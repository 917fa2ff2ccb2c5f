package io.sluice.datagram;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.datagram.Flow.Phase;
import io.sluice.datagram.FlowBounds.Bound;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FlowTableTest {

    private static final long SECOND = 1_000_000_000L;
    private static final FlowTimes TIMES = new FlowTimes(30 * SECOND, 180 * SECOND, 0);
    private static final EndpointAddress A = new EndpointAddress(IpAddresses.parse("10.1.0.1"), 53);
    private static final EndpointAddress B = new EndpointAddress(IpAddresses.parse("10.1.0.2"), 53);

    private final FlowGroup service = new FlowGroup();
    private final List<FlowEnd> ends = new ArrayList<>();

    @Test
    void an_unanswered_flow_lives_for_30_seconds_and_a_stream_for_180() {
        FlowTable<Flow> table = table(10, 0, 0);
        Flow silent = begin(table, 1, 1);
        Flow stream = begin(table, 1, 2);
        stream.answered(SECOND);
        stream.asked(3 * SECOND);
        assertThat(stream.phase()).isEqualTo(Phase.STREAM);
        table.expire(31 * SECOND, 100);
        assertThat(silent.phase()).isEqualTo(Phase.ENDED);
        table.expire(182 * SECOND, 100);
        assertThat(stream.phase()).isEqualTo(Phase.STREAM);
        table.expire(184 * SECOND, 100);
        assertThat(ends).containsExactly(FlowEnd.UNANSWERED, FlowEnd.EXPIRED);
    }

    @Test
    void one_reply_soon_does_not_make_a_stream() {
        Flow flow = begin(table(10, 0, 0), 1, 1);
        flow.answered(SECOND);
        assertThat(flow.phase()).isEqualTo(Phase.ANSWERED);
        assertThat(flow.deadline()).isEqualTo(31 * SECOND);
    }

    @Test
    void a_flow_that_ends_with_its_reply_waits_for_one_to_each_datagram() {
        Flow flow = new Flow(key(1, 1), new FlowTimes(30 * SECOND, 180 * SECOND, 1), 0);
        flow.goesTo(A, Set.of(A));
        flow.asked(0);
        flow.asked(0);
        assertThat(flow.answered(1)).as("IPv4 and IPv6 are asked from one port").isFalse();
        assertThat(flow.answered(2)).isTrue();
    }

    @Test
    void a_flow_moves_when_its_endpoint_is_gone_or_refuses() {
        Flow flow = new Flow(key(1, 1), TIMES, 0);
        assertThat(flow.stays(Set.of(A))).as("it has none yet").isFalse();
        flow.goesTo(A, Set.of(A));
        assertThat(flow.stays(Set.of(A, B))).isTrue();
        assertThat(flow.stays(Set.of(B))).isFalse();
        flow.goesTo(B, Set.of(B));
        flow.refused();
        assertThat(flow.stays(Set.of(B))).isFalse();
        assertThat(flow.avoided()).containsExactly(B);
    }

    @Test
    void a_crowd_of_forged_clients_takes_no_place_of_a_stream_and_the_newest_are_served() {
        FlowTable<Flow> table = table(1000, 0, 0);
        Flow stream = begin(table, 1, 1);
        stream.answered(SECOND);
        stream.asked(3 * SECOND);
        for (int forged = 0; forged < 100_000; forged++) {
            assertThat(add(table, 1000 + forged, 1)).isNull();
        }
        assertThat(add(table, 2, 1)).isNull();
        for (int forged = 0; forged < 900; forged++) {
            add(table, 200_000 + forged, 1);
        }
        assertThat(table.find(key(1, 1))).isSameAs(stream);
        assertThat(table.find(key(2, 1))).as("asked 900 flows ago").isNotNull();
        assertThat(table.size()).isEqualTo(1000);
    }

    @Test
    void one_client_with_many_flows_takes_the_place_of_its_own() {
        FlowTable<Flow> table = table(1000, 0, 0);
        Flow other = begin(table, 1, 1);
        for (int port = 1; port < 60_000; port++) {
            add(table, 2, port);
        }
        assertThat(table.find(key(1, 1))).isSameAs(other);
    }

    @Test
    void a_client_is_bounded_and_a_service_is() {
        FlowTable<Flow> table = table(1000, 20, 10);
        for (int port = 1; port <= 15; port++) {
            add(table, 1, port);
            add(table, 2, port);
            add(table, 3, port);
        }
        assertThat(service.size()).isEqualTo(20);
        assertThat(service.size(key(3, 1))).isLessThanOrEqualTo(10);
    }

    @Test
    void streams_give_way_to_nobody() {
        FlowTable<Flow> streams = table(2, 0, 0);
        for (int client = 1; client <= 2; client++) {
            Flow flow = begin(streams, client, 1);
            flow.answered(SECOND);
            flow.asked(3 * SECOND);
        }
        assertThat(add(streams, 3, 1)).as("streams give way to nobody").isEqualTo(Bound.OVERALL);
    }

    @Test
    void a_table_is_not_denied_its_share_by_another() {
        FlowPlaces places = new FlowPlaces(100, 2);
        FlowTable<Flow> flooded = new FlowTable<>(new FlowBounds(0, 0), places, (flow, why) -> {}, 0);
        FlowTable<Flow> quiet = new FlowTable<>(new FlowBounds(0, 0), places, (flow, why) -> {}, 0);
        FlowGroup elsewhere = new FlowGroup();
        for (int client = 0; client < 500; client++) {
            add(flooded, service, client, 1);
        }
        assertThat(flooded.size()).isEqualTo(100);
        for (int client = 0; client < 50; client++) {
            assertThat(add(quiet, elsewhere, client, 1)).isNull();
        }
        add(flooded, service, 1000, 1);
        assertThat(quiet.size()).isEqualTo(50);
        assertThat(places.taken()).isEqualTo(100);
    }

    @Test
    void a_million_flows_come_and_go_and_nothing_is_left() {
        FlowTable<Flow> table = table(300_000, 0, 0);
        for (int i = 0; i < 1_000_000; i++) {
            add(table, i, 1);
        }
        assertThat(table.size()).isEqualTo(300_000);
        while (table.expire(31 * SECOND, 1000)) {
            // as often as there are more
        }
        assertThat(table.size()).isZero();
        assertThat(service.clients()).isZero();
        assertThat(ends).hasSize(1_000_000);
    }

    private FlowTable<Flow> table(int most, int perService, int perClient) {
        return new FlowTable<>(new FlowBounds(perService, perClient), new FlowPlaces(most, 1),
                (flow, why) -> ends.add(why), 0);
    }

    private Flow begin(FlowTable<Flow> table, int client, int port) {
        Flow flow = new Flow(key(client, port), TIMES, 0);
        table.add(flow, service);
        flow.goesTo(A, Set.of(A));
        flow.asked(0);
        return flow;
    }

    private @Nullable Bound add(FlowTable<Flow> table, int client, int port) {
        return add(table, service, client, port);
    }

    private static @Nullable Bound add(FlowTable<Flow> table, FlowGroup service, int client, int port) {
        Bound bound = table.admit(key(client, port), service);
        if (bound == null) {
            table.add(new Flow(key(client, port), TIMES, 0), service);
        }
        return bound;
    }

    private static FlowKey key(int client, int port) {
        FlowKey key = new FlowKey();
        key.client(0, client, port);
        key.local(0, 7, 53);
        return key;
    }
}
