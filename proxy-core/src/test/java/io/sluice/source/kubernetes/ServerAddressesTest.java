package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.IpAddresses;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerAddressesTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(textBlock = """
            https://10.99.0.1:6443, 10.99.0.1, 6443
            https://10.99.0.1, 10.99.0.1, 443
            http://10.99.0.1/prefix, 10.99.0.1, 80
            https://[fd00::1]:6443, fd00::1, 6443
            """)
    void a_written_address_is_known_without_asking_anybody(String url, String ip, int port) {
        assertThat(ServerAddresses.written(url)).containsExactly(new InetSocketAddress(IpAddresses.parse(ip), port));
    }

    @Test
    void a_name_is_looked_up() throws UnknownHostException {
        assertThat(ServerAddresses.written("https://localhost:6443")).isEmpty();
        assertThat(ServerAddresses.lookUp("https://localhost:6443"))
                .contains(new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 6443));
    }
}
