package io.sluice.dns.forward;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.ScriptedUpstream;
import io.sluice.dns.wire.Incoming;
import io.sluice.dns.wire.Query;
import io.sluice.dns.wire.Question;
import io.sluice.dns.wire.UpstreamMessage;
import io.sluice.metrics.DnsMetrics;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** What is kept of upstreams' answers, with a clock of the test's. */
class ReplyCacheTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

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

    private static Question question(int number) {
        return new Question(Name.fromConstantString("h" + number + ".example."), Type.A, false, false);
    }

    private static Query query(int number) {
        Message query = DnsMessages.query("h" + number + ".example", "A");
        query.getHeader().setID(99);
        return ((Incoming.Accepted) Incoming.read(query.toWire(), 1_232, false)).query();
    }

    private static UpstreamMessage answer(int number, int ttl) {
        Message query = DnsMessages.query("h" + number + ".example", "A");
        query.getHeader().setID(99);
        return UpstreamMessage.read(ScriptedUpstream.answer(query, Rcode.NOERROR, Section.ANSWER,
                "h" + number + ".example. " + ttl + " A 192.0.2.1").toWire(), 99, question(number));
    }
}
