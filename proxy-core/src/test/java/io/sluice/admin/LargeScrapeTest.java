package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import io.sluice.metrics.ConnectionOutcome;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.PortMeters;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A scrape of a large cluster: its text has 100 MB, and little of it is in memory at a time. */
class LargeScrapeTest extends ServedAdmin {

    private static final Logger LOG = LoggerFactory.getLogger(LargeScrapeTest.class);
    private static final int PORTS = 20_000;
    private static final long HELD_BYTES = 8 << 20;

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"identity", "gzip"})
    void a_scrape_of_many_used_ports_holds_little(String encoding) throws IOException {
        for (int i = 0; i < PORTS; i++) {
            use(metrics.port(new ServicePortName(new ServiceName("namespace-" + i % 50, "service-" + i), "http",
                    Protocol.TCP)), i);
        }
        start();
        scrape(encoding, false);
        long before = heapBytes();
        long cpu = cpuNanos();
        long length = scrape(encoding, false);
        LOG.info("{} ports, {}: {} octets on the wire, {} ms of CPU time in server and client together", PORTS,
                encoding,
                length, (cpuNanos() - cpu) / 1_000_000);

        assertThat(length).isGreaterThan(encoding.equals("gzip") ? 1_000_000 : 80_000_000);
        LOG.info("{}: {} KiB are held in the middle of a scrape", encoding, (scrape(encoding, true) - before) >> 10);
        assertThat(scrape(encoding, true) - before).isLessThan(HELD_BYTES);
    }

    private static void use(PortMeters port, int number) {
        port.accepted();
        port.connected(1_000_000 + number);
        port.bytesFromClient(number);
        EndpointMeters endpoint = port.endpoint(
                new EndpointAddress(IpAddresses.parse("10.1." + number / 250 + "." + number % 250), 8080));
        endpoint.opened();
        endpoint.connected(1_000_000);
        endpoint.firstByte(2_000_000);
        endpoint.closed();
        port.closed(ConnectionOutcome.COMPLETED, 3_000_000 + number);
    }

    /** The length of the response; if {@code stops}, the heap in use while the client has read a part and reads no more. */
    private long scrape(String encoding, boolean stops) throws IOException {
        InetSocketAddress address = admin.metricsAddress().orElseThrow();
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(64 * 1024);
            socket.connect(address);
            socket.getOutputStream().write(("GET /metrics HTTP/1.0\r\nAccept-Encoding: " + encoding + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[64 * 1024];
            long length = 0;
            for (int some = in.read(buffer); some >= 0; some = in.read(buffer)) {
                length += some;
                if (stops && length > 500_000) {
                    return heapBytes();
                }
            }
            return length;
        }
    }

    private static long heapBytes() {
        System.gc();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long cpuNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }
}
