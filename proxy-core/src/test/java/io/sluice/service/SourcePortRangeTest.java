package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SourcePortRangeTest {

    @Test
    void every_port_has_its_turn_and_none_outside_also_when_the_count_overflows() {
        SourcePortRange range = new SourcePortRange(61_440, 61_443);

        assertThat(range.size()).isEqualTo(4);
        assertThat(IntStream.of(0, 1, 2, 3, 4, -1, Integer.MAX_VALUE, Integer.MIN_VALUE).map(range::port))
                .containsExactly(61_440, 61_441, 61_442, 61_443, 61_440, 61_443, 61_443, 61_440);
    }

    @Test
    void the_kernel_takes_the_range_in_a_rule_and_chooses_none_of_it_by_itself() {
        assertThat(SourcePortRange.ROUTED.first()).as("ip_local_port_range ends before").isGreaterThan(60_999);
        assertThat(SourcePortRange.ROUTED.last()).isLessThan(65_535);
    }

    @Test
    void intercepted_connections_have_ports_that_are_neither_node_ports_nor_chosen_by_a_client() {
        assertThat(SourcePortRange.INTERCEPTED.first()).as("memcached's is below").isGreaterThan(11_211);
        assertThat(SourcePortRange.INTERCEPTED.last()).as("node ports begin after").isLessThan(30_000);
    }
}
