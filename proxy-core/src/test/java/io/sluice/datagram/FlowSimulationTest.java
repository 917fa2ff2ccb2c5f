package io.sluice.datagram;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Plays many histories. {@code -Dsluice.simulation.seed=N} repeats one of them, {@code -Dsluice.simulation.seeds=N} plays
 * another number.
 */
class FlowSimulationTest {

    @Test
    void the_table_does_what_the_plainest_rules_say() {
        int seeds = Integer.getInteger("sluice.simulation.seeds", 3_000);
        Set<FlowEnd> ends = EnumSet.noneOf(FlowEnd.class);
        for (long seed = 0; seed < seeds; seed++) {
            FlowSimulation.run(seed, ends);
        }
        if (seeds >= 3_000) {
            assertThat(ends).contains(FlowEnd.ANSWERED, FlowEnd.EXPIRED, FlowEnd.UNANSWERED, FlowEnd.GAVE_WAY,
                    FlowEnd.NO_ENDPOINT, FlowEnd.CLOSED, FlowEnd.HANDED_OVER);
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sluice.simulation.seed", matches = "-?\\d+")
    void one_seed_again() {
        FlowSimulation.run(Long.getLong("sluice.simulation.seed"), EnumSet.noneOf(FlowEnd.class));
    }
}
