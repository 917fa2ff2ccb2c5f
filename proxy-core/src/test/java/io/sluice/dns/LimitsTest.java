package io.sluice.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** What bounds clients and memory, with a clock of the test's. */
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

        assertThat(caps.admit(CLIENT)).isTrue();
        assertThat(caps.admit(CLIENT)).isTrue();
        assertThat(caps.admit(CLIENT)).as("third of one client").isFalse();
        assertThat(caps.admit(client(1))).isTrue();
        assertThat(caps.admit(client(2))).as("fourth in all").isFalse();
        caps.release(CLIENT);
        assertThat(caps.admit(CLIENT)).isTrue();
        assertThat(caps.open()).isEqualTo(3);
    }

    @Test
    void the_cache_forgets_the_least_recently_used_and_what_is_too_old() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        ReplyCache cache = new ReplyCache(3, 1 << 20, new DnsMetrics(registry));
        for (int i = 0; i < 3; i++) {
            cache.put(question(i), answer(i, 60), 0);
        }
        assertThat(cache.get(question(0), 0)).isNotNull();
        cache.put(question(3), answer(3, 60), 0);

        assertThat(cache.get(question(1), 0)).isNull();
        assertThat(cache.get(question(0), 59 * SECOND)).isNotNull();
        assertThat(cache.get(question(0), 60 * SECOND)).isNull();
        assertThat(cache.size()).isEqualTo(2);
        assertThat(registry.get("sluice.dns.cache.evictions").counter().count()).isEqualTo(1);
    }

    @Test
    void the_cache_is_bounded_in_octets_too() {
        int size = answer(0, 60).size();
        ReplyCache cache = new ReplyCache(1_000, 20 * size + 19, new DnsMetrics(new SimpleMeterRegistry()));
        for (int i = 0; i < 100; i++) {
            cache.put(question(i % 10), answer(i % 10, 60), 0);
            cache.put(question(i), answer(i, 60), 0);
        }

        assertThat(cache.size()).isBetween(18, 20);
    }

    @Test
    void any_octets_of_an_upstream_are_survived() {
        Random random = new Random(5);
        byte[] real = answer(7, 60).replyTo(query(7), 0);
        int read = 0;
        for (int i = 0; i < 50_000; i++) {
            byte[] octets = Arrays.copyOf(real, real.length - (i % 4 == 0 ? random.nextInt(real.length) : 0));
            for (int changes = random.nextInt(4); changes > 0 && octets.length > 4; changes--) {
                octets[4 + random.nextInt(octets.length - 4)] = (byte) random.nextInt(256);
            }
            UpstreamMessage message = UpstreamMessage.read(octets, 99, question(7));
            if (message != null) {
                read++;
                assertThat(message.replyTo(query(7), 10).length).isLessThanOrEqualTo(512);
                message.parsed(10);
            }
        }
        assertThat(read).isPositive();
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

    private static Question question(int number) {
        return new Question(Name.fromConstantString("h" + number + ".example."), Type.A, false, false);
    }

    private static Query query(int number) {
        Message query = Asker.query("h" + number + ".example", "A");
        query.getHeader().setID(99);
        return ((Incoming.Accepted) Incoming.read(query.toWire(), false)).query();
    }

    private static UpstreamMessage answer(int number, int ttl) {
        Message query = Asker.query("h" + number + ".example", "A");
        query.getHeader().setID(99);
        return UpstreamMessage.read(ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER,
                "h" + number + ".example. " + ttl + " A 192.0.2.1").toWire(), 99, question(number));
    }
}
