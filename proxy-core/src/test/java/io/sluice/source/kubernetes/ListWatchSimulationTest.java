package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ListWatchSimulation.Fault;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Follows many API servers that fail. {@code -Dsluice.simulation.seed=N} repeats one of them,
 * {@code -Dsluice.simulation.seeds=N} follows another number.
 */
class ListWatchSimulationTest {

    @Test
    void the_view_comes_to_what_the_server_has_and_nothing_is_dropped_on_the_word_of_one_that_forgets() {
        int seeds = Integer.getInteger("sluice.simulation.seeds", 5_000);
        Set<Fault> met = EnumSet.noneOf(Fault.class);
        for (long seed = 0; seed < seeds; seed++) {
            met.addAll(ListWatchSimulation.run(seed));
        }
        if (seeds >= 5_000) {
            assertThat(met).isEqualTo(EnumSet.allOf(Fault.class));
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sluice.simulation.seed", matches = "-?\\d+")
    void one_seed_again() {
        ListWatchSimulation.run(Long.getLong("sluice.simulation.seed"));
    }
}
