package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.Zone;
import io.sluice.dns.zone.ZoneSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;

/**
 * Any octets are survived: real queries with bits flipped, octets changed, cut, repeated and joined. A reply, if there is
 * one, parses, carries the query's ID and is not longer than it may be.
 *
 * <p>{@code -Dsluice.dns.mutations=1000000} and {@code -Dsluice.dns.seed=…} make it longer or repeat it.
 */
class MutationsTest {

    private static final int COUNT = Integer.getInteger("sluice.dns.mutations", 100_000);
    private static final long SEED = Long.getLong("sluice.dns.seed", 20_260_101L);

    private static final Zone ZONE = Zone
            .unsynced(new ZoneSettings(Name.fromConstantString("cluster.local."), 5, PodRecords.INSECURE, List.of(),
                    List.of()))
            .with(new Cluster().clusterIp("shop/kubia", "10.96.0.7,fd00::7", "http:80/TCP")
                    .headless("shop/db", "pg:5432/TCP", "db-0=10.1.0.3:80", "10.1.0.4:80")
                    .externalName("shop/alias", "kubia.shop.svc.cluster.local")
                    .externalName("shop/ext", "example.com").snapshot(), Map.of());

    @Test
    void any_octets_are_survived() {
        Asker asker = new Asker(ZONE, false);
        List<byte[]> real = queries();
        Random random = new Random(SEED);
        int answered = 0;
        for (int i = 0; i < COUNT; i++) {
            byte[] query = mutated(real, random);
            boolean stream = random.nextInt(8) == 0;
            try {
                byte[] reply = asker.answer(query, stream);
                if (reply != null) {
                    answered++;
                    new Message(reply);
                    assertThat(Arrays.copyOf(reply, 2)).isEqualTo(Arrays.copyOf(query, 2));
                    assertThat(reply.length).isBetween(12, stream ? 65_535 : 1_232);
                    assertThat(reply[2] & 0x80).isEqualTo(0x80);
                }
            } catch (Exception | AssertionError e) {
                throw new AssertionError("seed " + SEED + ", mutation " + i + ": " + Arrays.toString(query), e);
            }
        }
        assertThat(answered).isGreaterThan(COUNT / 2);
    }

    private static List<byte[]> queries() {
        List<byte[]> queries = new ArrayList<>();
        for (String name : List.of("kubia.shop.svc.cluster.local", "_http._tcp.kubia.shop.svc.cluster.local",
                "db-0.db.shop.svc.cluster.local", "alias.shop.svc.cluster.local", "ext.shop.svc.cluster.local",
                "example.com.shop.svc.cluster.local", "7.0.96.10.in-addr.arpa", "10-1-0-3.shop.pod.cluster.local",
                "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "cluster.local",
                "example.com", ".")) {
            for (String type : List.of("A", "AAAA", "SRV", "PTR", "ANY", "TXT", "NS")) {
                queries.add(DnsMessages.query(name, type).toWire());
                queries.add(DnsMessages.edns(DnsMessages.query(name, type), 4096, 0, 0x8000).toWire());
            }
        }
        return queries;
    }

    private static byte[] mutated(List<byte[]> real, Random random) {
        byte[] query = real.get(random.nextInt(real.size())).clone();
        for (int changes = random.nextInt(5); changes >= 0; changes--) {
            query = switch (random.nextInt(6)) {
                case 0 -> {
                    if (query.length > 0) {
                        query[random.nextInt(query.length)] ^= (byte) (1 << random.nextInt(8));
                    }
                    yield query;
                }
                case 1 -> {
                    if (query.length > 12) {
                        query[12 + random.nextInt(query.length - 12)] = (byte) random.nextInt(256);
                    }
                    yield query;
                }
                case 2 -> random.nextInt(4) == 0 ? Arrays.copyOf(query, random.nextInt(query.length + 1)) : query;
                case 3 -> random.nextInt(4) == 0
                        ? DnsMessages.concat(query, real.get(random.nextInt(real.size())))
                        : query;
                case 4 -> {
                    if (query.length > 12) {
                        query[4 + random.nextInt(8)] = (byte) (random.nextInt(8) == 0 ? 255 : random.nextInt(3));
                    }
                    yield query;
                }
                default -> {
                    if (query.length > 14) {
                        int at = 12 + random.nextInt(query.length - 13);
                        query[at] = (byte) 0xc0;
                        query[at + 1] = (byte) random.nextInt(query.length);
                    }
                    yield query;
                }
            };
        }
        return query;
    }
}
