package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.service.IpAddresses;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What may be written behind {@code --endpoint}, and in the annotation of the same meaning. */
class GivenEndpointTest {

    private static String text(ProcessAddress address) {
        return address.ips().stream().map(ip -> IpAddresses.format(ip)).collect(Collectors.joining(",")) + " "
                + address.port();
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({"127.0.0.1:3000,127.0.0.1 3000", "localhost:3000,127.0.0.1 3000", "localhost,127.0.0.1 0",
            "3000,127.0.0.1 3000", ":3000,127.0.0.1 3000", "127.0.1.1,127.0.1.1 0", "[::1]:3000,::1 3000",
            "[::1],::1 0", "::1,::1 0", "192.0.2.7:65535,192.0.2.7 65535", "fd00::5:3000,fd00::5:3000 0"})
    void an_address_has_a_port_or_the_ports_of_the_containers(String written, String meant) {
        assertThat(text(ProcessAddress.parse(written))).isEqualTo(meant);
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = '|', value = {"'' | is not an address", "HOST:PORT | is not an address",
            "http://localhost:3000 | is not an address", "localhost: | is not an address", ": | is not an address",
            "[::1 | is not an address", "[::1]3000 | is not an address", "[127.0.0.1]:80 | is not an address",
            "127.0.0.1:http | has no port between", "127.0.0.1:0 | has no port between", "0 | has no port between",
            "127.0.0.1:65536 | has no port between", "127.0.0.1:99999999999 | has no port between",
            "0.0.0.0:3000 | cannot be connected to: a program that listens on all addresses is reached at localhost",
            "[::]:3000 | cannot be connected to: a program", "224.0.0.1:80 | cannot be connected to",
            "fe80::1%eth0 | is not an address", "127.1:80 | is not an address"})
    void what_is_no_address_is_named(String written, String reason) {
        assertThatThrownBy(() -> ProcessAddress.parse(written)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("'" + written + "' " + reason);
    }

    @Test
    void addresses_of_one_target_are_gathered() {
        List<GivenEndpoint> given = GivenEndpoint.parse(List.of("shop/api=3000", "127.0.0.1:3001", " web=[::1]:5173",
                "shop/api=3002", "shop/api:metrics=9102"));

        assertThat(given).extracting(endpoint -> endpoint.target().toString() + " " + endpoint.addresses().size())
                .containsExactly("shop/api 3", "web 1", "shop/api:metrics 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"3000", "=3000", "shop/=3000", "/api=3000", "Shop/api=3000", "a/b/c=3000", "api:=3000",
            "shop.x/api=3000", "shop api=3000"})
    void what_names_no_workload_is_refused(String word) {
        assertThatThrownBy(() -> GivenEndpoint.parse(List.of(word))).hasMessage("'" + word
                + "' is not NAMESPACE/NAME=HOST:PORT, such as shop/api=127.0.0.1:3000");
    }

    @Test
    void a_thousand_addresses_are_the_most() {
        List<String> words = IntStream.rangeClosed(1, 1_001).mapToObj(port -> "api=" + port).toList();

        assertThat(GivenEndpoint.parse(words.subList(0, 1_000)).getFirst().addresses()).hasSize(1_000);
        assertThatThrownBy(() -> GivenEndpoint.parse(words))
                .hasMessage("'api=1001' is one of more than 1000 addresses");
    }

    /** Whatever is written, there are addresses or one message. */
    @Test
    void nothing_that_is_written_is_a_surprise() {
        String letters = "a1:/=.[],-%:0: ";
        for (long seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            String word = random.ints(random.nextInt(12), 0, letters.length())
                    .mapToObj(i -> letters.substring(i, i + 1)).collect(Collectors.joining());
            try {
                GivenEndpoint.parse(List.of(word)).forEach(endpoint -> assertThat(endpoint.addresses()).isNotEmpty());
            } catch (IllegalArgumentException e) {
                assertThat(e).as("seed %s: %s", seed, word).isExactlyInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("'");
            }
        }
    }
}
