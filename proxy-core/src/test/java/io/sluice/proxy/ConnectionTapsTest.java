package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.Traffic;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.Termination;
import io.sluice.proxy.ConnectionTaps.What;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What those who look at connections see, and what is kept of connections that have ended. */
class ConnectionTapsTest {

    private static final long SECOND = 1L << 30;
    private static final ServicePortName API =
            new ServicePortName(new ServiceName("shop", "api"), "http", Protocol.TCP);
    private static final EndpointAddress ENDPOINT = new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080);

    private final ConnectionTaps taps = new ConnectionTaps();
    private final AtomicInteger woken = new AtomicInteger();

    private static EndedConnection ended(long id) {
        return new EndedConnection(id, new InetSocketAddress(IpAddresses.parse("10.0.0.9"), 40_000 + (int) (id % 1000)),
                new InetSocketAddress(IpAddresses.parse("10.96.0.1"), 80), API, Traffic.INTERNAL, ENDPOINT,
                List.of(new Attempt(new EndpointAddress(IpAddresses.parse("10.1.0.4"), 8080), ConnectFailure.REFUSED,
                        1_000)),
                0, 2_000, 5_000, 7, 8, 1, Termination.NORMAL, false);
    }

    private void close(int from, int to, long now) {
        for (int id = from; id < to; id++) {
            taps.tell(What.CLOSED, ended(id).detail(Instant.EPOCH), now);
        }
    }

    @Test
    void nobody_looks_until_somebody_does_and_after_that_again() {
        assertThat(taps.on()).isFalse();
        try (ConnectionTaps.Tap tap = taps.open(ConnectionFilter.ALL, 1, woken::incrementAndGet)) {
            assertThat(taps.on()).isTrue();
            close(1, 3, 0);
            assertThat(tap.take(10)).extracting(event -> event.detail().view().id()).containsExactly(1L, 2L);
            assertThat(woken).hasValue(2);
        }
        assertThat(taps.on()).isFalse();
    }

    @Test
    void what_is_not_taken_is_bounded_and_what_is_too_much_is_counted() {
        ConnectionTaps.Tap tap = taps.open(ConnectionFilter.ALL, 1, woken::incrementAndGet);
        close(0, ConnectionTaps.PER_SECOND + 5, SECOND);
        assertThat(tap.takePassedOver()).as("more than in a second").isEqualTo(5);
        close(0, 100, 2 * SECOND);
        assertThat(tap.takePassedOver()).as("more than wait").isEqualTo(
                ConnectionTaps.PER_SECOND + 100 - ConnectionTaps.WAITING);
        assertThat(tap.takePassedOver()).isZero();
        assertThat(tap.take(Integer.MAX_VALUE)).hasSize(ConnectionTaps.WAITING);
        close(0, 3, 3 * SECOND);
        assertThat(tap.take(2)).hasSize(2);
        assertThat(tap.take(2)).hasSize(1);
    }

    @Test
    void of_a_sample_a_connection_is_shown_from_its_begin_to_its_end_or_not_at_all() {
        ConnectionTaps.Tap tap = taps.open(ConnectionFilter.ALL, 10, woken::incrementAndGet);
        for (int id = 1; id <= 100; id++) {
            taps.tell(What.OPENED, ended(id).detail(Instant.EPOCH), 0);
        }
        close(1, 101, 0);
        assertThat(tap.take(1000)).hasSize(20).allMatch(event -> event.detail().view().id() % 10 == 0);
    }

    @ParameterizedTest
    @CsvSource({"0, '', '', '', '', 0, true", "7, '', '', '', '', 0, true", "8, '', '', '', '', 0, false",
            "0, shop, '', '', '', 0, true", "0, other, '', '', '', 0, false", "0, shop, api, '', '', 0, true",
            "0, '', web, '', '', 0, false", "0, '', '', 10.1.0.3:8080, '', 0, true",
            "0, '', '', 10.1.0.3:80, '', 0, false",
            "0, '', '', 10.1.0.3:0, '', 0, true", "0, '', '', '', 10.0.0.9, 0, true",
            "0, '', '', '', 10.0.0.8, 0, false",
            "0, '', '', '', 10.0.0.9, 40007, true", "0, '', '', '', 10.0.0.9, 1, false"})
    void a_connection_is_meant_if_it_is_like_that_in_everything(long id, String namespace, String service,
            String endpoint, String client, int clientPort, boolean meant) {
        int colon = endpoint.indexOf(':');
        ConnectionFilter filter = new ConnectionFilter(id, namespace.isEmpty() ? null : namespace,
                service.isEmpty() ? null : service, null,
                endpoint.isEmpty()
                        ? Set.of()
                        : Set.of(new EndpointAddress(IpAddresses.parse(endpoint.substring(0, colon)),
                                Integer.parseInt(endpoint.substring(colon + 1)))),
                client.isEmpty() ? null : IpAddresses.parse(client), clientPort);
        EndedConnection it = ended(7);
        assertThat(filter.matches(it.id(), it.client(), it.port(), it.endpoint())).isEqualTo(meant);
    }

    @Test
    void the_last_connections_are_kept_and_the_newest_is_found() {
        RecentConnections recent = new RecentConnections(3);
        ConnectionFilter all = ConnectionFilter.ALL;
        assertThat(recent.newest(all)).isNull();
        for (int id = 1; id <= 4; id++) {
            recent.add(ended(id));
            assertThat(Objects.requireNonNull(recent.newest(all)).id()).isEqualTo(id);
        }
        assertThat(recent.newest(new ConnectionFilter(1, null, null, null, Set.of(), null, 0)))
                .as("it has given way").isNull();
        assertThat(recent.newest(new ConnectionFilter(2, null, null, null, Set.of(), null, 0))).isNotNull();
    }

    @Test
    void what_is_kept_of_the_last_connections_is_what_they_were() throws UnknownHostException {
        EndedConnection it = ended(7);
        List<EndedConnection> all = List.of(it,
                new EndedConnection(-1, new InetSocketAddress(IpAddresses.parse("fd00::1"), 65_535),
                        new InetSocketAddress(IpAddresses.parse("fd00:10::1"), 1), API, Traffic.EXTERNAL, null,
                        List.of(),
                        Long.MIN_VALUE, -1, Long.MAX_VALUE, 1L << 40, 0, 3, Termination.KILLED, true),
                new EndedConnection(9, new InetSocketAddress(Inet6Address.getByAddress(null,
                        IpAddresses.parse("fe80::1").getAddress(), 3), 5_000), it.listener(), API, Traffic.EXTERNAL,
                        ENDPOINT,
                        List.of(), 1, 2, 3, 4, 5, 6, Termination.NORMAL, false));
        RecentConnections recent = new RecentConnections(2_001);
        for (int i = 0; i < 3_000; i++) {
            EndedConnection ended = all.get(i % all.size());
            recent.add(ended);
            assertThat(recent.newest(ConnectionFilter.ALL)).isEqualTo(ended).hasToString(ended.toString());
        }
        assertThat(recent.newest(new ConnectionFilter(7, null, null, null, Set.of(), null, 0))).isEqualTo(it);
    }
}
