package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointSetTest {

    private static Endpoint endpoint(String ip, int port) {
        return Endpoint.ready(new EndpointAddress(IpAddresses.parse(ip), port));
    }

    private static Endpoint endpoint(String condition, String node) {
        boolean ready = condition.equals("ready") || condition.equals("published");
        boolean serving = condition.equals("ready") || condition.equals("leaving");
        boolean terminating = condition.equals("leaving") || condition.equals("gone");
        return Endpoint.builder(new EndpointAddress(IpAddresses.parse("10.0.0.1"), 80)).ready(ready).serving(serving)
                .terminating(terminating).node(node).build();
    }

    @Test
    void sorted_by_address_and_port_ipv4_first() {
        EndpointSet set = EndpointSet.of(List.of(endpoint("fd00::1", 80), endpoint("10.0.0.10", 80),
                endpoint("10.0.0.9", 8080), endpoint("200.0.0.1", 80), endpoint("10.0.0.9", 80)));
        assertThat(set.endpoints()).extracting(e -> e.address().toString()).containsExactly("10.0.0.9:80",
                "10.0.0.9:8080", "10.0.0.10:80", "200.0.0.1:80", "[fd00::1]:80");
    }

    @ParameterizedTest(name = "{0}, then {1}: the {2} one")
    @CsvSource({
            "ready, ready, first",
            "ready, published, first",
            "ready, leaving, first",
            "ready, unready, first",
            "leaving, ready, second",
            "unready, ready, second",
            "gone, published, second",
            "leaving, unready, first",
            "leaving, gone, first",
            "unready, leaving, second",
            "gone, leaving, second",
            "unready, gone, first",
            "leaving, leaving, first",
    })
    void of_two_with_one_address_the_more_useful_stays(String one, String two, String expected) {
        EndpointSet set = EndpointSet.of(List.of(endpoint(one, "first"), endpoint(two, "second")));
        assertThat(set.endpoints()).singleElement().extracting(Endpoint::node).isEqualTo(expected);
    }

    @Test
    void the_first_of_the_best_stays_of_three() {
        EndpointSet set = EndpointSet.of(
                List.of(endpoint("gone", "first"), endpoint("ready", "second"), endpoint("ready", "third")));
        assertThat(set.endpoints()).singleElement().extracting(Endpoint::node).isEqualTo("second");
    }

    @Test
    void nothing_is_the_empty_set() {
        assertThat(EndpointSet.of(List.of())).isSameAs(EndpointSet.EMPTY);
        assertThat(EndpointSet.EMPTY.isEmpty()).isTrue();
    }

    @Test
    void one_family_at_a_time() {
        EndpointSet both = EndpointSet.of(List.of(endpoint("10.0.0.1", 80), endpoint("fd00::1", 80)));
        assertThat(both.of(IpFamily.IPV4).endpoints()).containsExactly(endpoint("10.0.0.1", 80));
        assertThat(both.of(IpFamily.IPV6).endpoints()).containsExactly(endpoint("fd00::1", 80));
        EndpointSet one = both.of(IpFamily.IPV4);
        assertThat(one.of(IpFamily.IPV4)).isSameAs(one);
        assertThat(one.of(IpFamily.IPV6).isEmpty()).isTrue();
    }

    @Test
    void a_list_out_of_order_or_with_an_address_twice_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EndpointSet(List.of(endpoint("10.0.0.2", 80), endpoint("10.0.0.1", 80))));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EndpointSet(List.of(endpoint("10.0.0.1", 80), endpoint("10.0.0.1", 80))));
    }
}
