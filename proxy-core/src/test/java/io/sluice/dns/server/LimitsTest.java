package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.dns.server.ConnectionCaps.Slot;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What bounds clients, with a clock of the test's. */
class LimitsTest {

    private static final InetAddress CLIENT = IpAddresses.parse("10.0.0.1");
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    @Test
    void a_client_has_its_burst_and_then_its_rate() {
        RateLimiter rates = new RateLimiter(10, 5, 100, 0);

        assertThat(allowed(rates, CLIENT, 20, 0)).isEqualTo(5);
        assertThat(allowed(rates, CLIENT, 20, SECOND / 10)).isEqualTo(1);
        assertThat(allowed(rates, CLIENT, 20, SECOND / 10 + 3 * SECOND / 10)).isEqualTo(3);
        assertThat(allowed(rates, CLIENT, 20, 100 * SECOND)).as("after silence").isEqualTo(5);
        assertThat(allowed(rates, IpAddresses.parse("10.0.0.2"), 20, 0)).as("another client").isEqualTo(5);
    }

    @Test
    void the_clock_may_overflow() {
        long almost = Long.MAX_VALUE - SECOND / 100;
        RateLimiter rates = new RateLimiter(10, 5, 100, almost);

        assertThat(allowed(rates, CLIENT, 20, almost)).isEqualTo(5);
        assertThat(allowed(rates, CLIENT, 20, almost + SECOND)).isEqualTo(5);
        assertThat(allowed(rates, CLIENT, 20, almost + SECOND)).isZero();
    }

    @Test
    void more_clients_than_are_told_apart_share_one_bucket() {
        RateLimiter rates = new RateLimiter(1, 1, 100, 0);
        int allowed = 0;
        for (int i = 0; i < 1_000; i++) {
            allowed += allowed(rates, client(i), 1, 0);
        }

        assertThat(allowed).isEqualTo(101);
        assertThat(rates.clients()).isEqualTo(100);
    }

    @Test
    void clients_that_were_silent_are_forgotten() {
        RateLimiter rates = new RateLimiter(1, 1, 100, 0);
        for (int i = 0; i < 100; i++) {
            rates.allow(client(i), 0);
        }

        assertThat(allowed(rates, client(5_000), 1, 10 * SECOND)).isEqualTo(1);
        assertThat(rates.clients()).isEqualTo(1);
    }

    @Test
    void connections_are_counted_in_all_and_by_client() {
        ConnectionCaps caps = new ConnectionCaps(3, 2);
        Slot first = admit(caps, CLIENT);

        assertThat(first).isNotNull();
        assertThat(admit(caps, CLIENT)).isNotNull();
        assertThat(admit(caps, CLIENT)).as("third of one client").isNull();
        assertThat(admit(caps, client(1))).isNotNull();
        assertThat(admit(caps, client(2))).as("fourth in all").isNull();
        first.release();
        assertThat(admit(caps, CLIENT)).isNotNull();
        assertThat(caps.open()).isEqualTo(3);
    }

    @Test
    void the_longest_idle_connection_gives_way() {
        ConnectionCaps caps = new ConnectionCaps(4, 3);
        List<String> gone = new ArrayList<>();
        Slot busy = caps.admit(CLIENT, false, () -> gone.add("busy"));
        Slot old = caps.admit(CLIENT, false, () -> gone.add("old"));
        Slot young = caps.admit(CLIENT, false, () -> gone.add("young"));
        Slot others = caps.admit(client(1), false, () -> gone.add("others"));
        busy.idle(Long.MAX_VALUE - 9);
        busy.busy();
        others.idle(Long.MAX_VALUE - 7);
        old.idle(Long.MAX_VALUE - 5);
        young.idle(Long.MIN_VALUE + 5);

        assertThat(admit(caps, CLIENT)).isNotNull();
        assertThat(gone).as("at the limit of one client only its own").containsExactly("old");
        old.release();
        assertThat(caps.open()).as("counted once").isEqualTo(4);
        assertThat(admit(caps, client(2))).isNotNull();
        assertThat(admit(caps, client(3))).isNotNull();
        assertThat(gone).as("in all any").containsExactly("old", "others", "young");
        assertThat(admit(caps, client(4))).as("none is idle").isNull();
    }

    @Test
    void this_machine_is_not_one_client() {
        ConnectionCaps caps = new ConnectionCaps(4, 2);
        for (int i = 0; i < 4; i++) {
            assertThat(caps.admit(CLIENT, true, () -> {})).isNotNull();
        }

        assertThat(caps.admit(CLIENT, true, () -> {})).as("in all").isNull();
    }

    private static Slot admit(ConnectionCaps caps, InetAddress client) {
        return caps.admit(client, false, () -> {});
    }

    private static int allowed(RateLimiter rates, InetAddress client, int queries, long now) {
        int allowed = 0;
        for (int i = 0; i < queries; i++) {
            allowed += rates.allow(client, now) ? 1 : 0;
        }
        return allowed;
    }

    private static InetAddress client(int number) {
        return IpAddresses.parse("10.1." + number / 250 + '.' + number % 250);
    }
}
