package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluice.dns.Cluster;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.Zone;
import io.sluice.dns.zone.ZoneSettings;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;

/** What a client of the DNS server sends: the first octet says whether over TCP, the others are the message. */
class QueryFuzz {

    private static final Asker ASKER = new Asker(Zone
            .unsynced(new ZoneSettings(Name.fromConstantString("cluster.local."), 5, PodRecords.INSECURE, List.of(),
                    List.of()))
            .with(new Cluster().clusterIp("shop/kubia", "10.96.0.7,fd00::7", "http:80/TCP")
                    .headless("shop/db", "pg:5432/TCP", "db-0=10.1.0.3:80", "10.1.0.4:80")
                    .externalName("shop/alias", "kubia.shop.svc.cluster.local")
                    .externalName("shop/ext", "example.com").snapshot(), Map.of()),
            false);

    @FuzzTest(maxDuration = "10m")
    void any_query_has_a_reply_that_fits_or_none(byte[] octets) throws IOException {
        if (octets.length == 0) {
            return;
        }
        boolean stream = octets[0] < 0;
        byte[] query = Arrays.copyOfRange(octets, 1, octets.length);

        byte[] reply = ASKER.answer(query, stream);

        if (reply != null) {
            new Message(reply);
            assertThat(Arrays.copyOf(reply, 2)).isEqualTo(Arrays.copyOf(query, 2));
            assertThat(reply.length).isBetween(12, stream ? 65_535 : 1_232);
            assertThat(reply[2] & 0x80).isEqualTo(0x80);
        }
    }
}
