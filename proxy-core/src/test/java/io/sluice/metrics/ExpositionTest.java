package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The text that is written piece by piece is that of Prometheus's library. */
class ExpositionTest {

    private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ProxyMetrics metrics = new ProxyMetrics(registry, 200, 150, Runnable::run);

    @ParameterizedTest
    @ValueSource(strings = {TEXT, OPEN_METRICS})
    void it_is_the_text_that_the_library_writes(String contentType) throws IOException {
        count(new Random(1), 40);
        MetricCatalog.SERVICES.gauge(registry, () -> 40);
        MetricCatalog.DNS_REQUESTS.counter(registry, "cluster.local.", "udp", "1", "A").increment(3);

        assertThat(streamed(contentType)).isEqualTo(registry.scrape(contentType));
    }

    @ParameterizedTest
    @ValueSource(strings = {TEXT, OPEN_METRICS})
    void without_any_port_it_is_the_text_that_the_library_writes(String contentType) throws IOException {
        assertThat(streamed(contentType)).isEqualTo(registry.scrape(contentType));
    }

    @Test
    void names_are_escaped() throws IOException {
        metrics.port(new ServicePortName(new ServiceName("a\"b\\c", "d\ne"), "ü", Protocol.TCP));

        assertThat(streamed(TEXT)).isEqualTo(registry.scrape(TEXT)).contains("{namespace=\"a\\\"b\\\\c\",port=\"ü\"");
    }

    @Test
    void a_piece_is_small() throws IOException {
        count(new Random(2), 2_000);
        Exposition.Cursor cursor = Exposition.of(registry, metrics, TEXT).open();
        long[] most = new long[2];
        OutputStream out = new OutputStream() {
            @Override
            public void write(int octet) {
                throw new AssertionError("octet by octet");
            }

            @Override
            public void write(byte[] octets, int offset, int length) {
                most[0] = Math.max(most[0], length);
                most[1] += length;
            }
        };
        while (cursor.writeSome(out)) {
            assertThat(most[0]).isLessThan(16 * 1024);
        }
        assertThat(most[1]).isGreaterThan(1 << 20);
    }

    private String streamed(String contentType) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        Exposition.Cursor cursor = Exposition.of(registry, metrics, contentType).open();
        boolean more;
        do {
            more = cursor.writeSome(text);
        } while (more);
        return text.toString(StandardCharsets.UTF_8);
    }

    /** Ports of all kinds, of which some have counted something of everything. */
    private void count(Random random, int services) {
        for (int i = 0; i < services; i++) {
            ServiceName service = new ServiceName("namespace-" + i % 3, "service-" + i);
            for (Protocol protocol : new Protocol[] {Protocol.TCP, Protocol.UDP}) {
                PortMeters port = metrics.port(
                        new ServicePortName(service, protocol.name().toLowerCase(java.util.Locale.ROOT), protocol));
                for (ConnectionOutcome outcome : ConnectionOutcome.values()) {
                    if (random.nextBoolean()) {
                        port.accepted();
                        port.closed(outcome, Math.abs(random.nextLong(20_000_000_000L)));
                    }
                }
                if (random.nextBoolean()) {
                    port.unhealthyNow(random.nextInt(3));
                    port.checked(random.nextBoolean());
                    port.drainedNow(random.nextInt(3));
                    port.connected(random.nextLong(3_000_000_000L));
                    port.refused(random.nextBoolean() ? RefusalReason.LIMIT : RefusalReason.CONNECT_FAILED);
                }
                port.bytesFromClient(random.nextLong(1L << random.nextInt(60) + 1));
                port.datagramFromBackend();
                for (int j = 0; j < 3; j++) {
                    EndpointMeters endpoint = port.endpoint(
                            new EndpointAddress(IpAddresses.parse("10.0." + random.nextInt(3) + "." + j), 80 + i));
                    endpoint.opened();
                    endpoint.connectFailed(random.nextBoolean() ? EndpointFailure.REFUSED : EndpointFailure.OTHER);
                    if (random.nextBoolean()) {
                        endpoint.connected(random.nextLong(3_000_000_000L));
                        endpoint.firstByte(random.nextLong(3_000_000_000L));
                    }
                }
            }
        }
    }
}
