package io.sluice.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Plays many connections. {@code -Dsluice.simulation.seed=N} repeats one of them,
 * {@code -Dsluice.simulation.seeds=N} plays another number.
 */
class ConnectionSimulationTest {

    @Test
    void every_byte_arrives_once_and_in_order_or_both_sides_see_a_reset() {
        int seeds = Integer.getInteger("sluice.simulation.seeds", 20_000);
        Map<Termination, Integer> endings = new EnumMap<>(Termination.class);
        for (long seed = 0; seed < seeds; seed++) {
            endings.merge(ConnectionSimulation.run(seed), 1, Integer::sum);
        }
        if (seeds >= 20_000) {
            assertThat(endings.keySet())
                    .as("the scenarios, which have neither an operator nor a kernel, reach every ending: " + endings)
                    .isEqualTo(EnumSet.range(Termination.NORMAL, Termination.KILLED));
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sluice.simulation.seed", matches = "-?\\d+")
    void one_seed_again() {
        ConnectionSimulation.run(Long.getLong("sluice.simulation.seed"));
    }
}
