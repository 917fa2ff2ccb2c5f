package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is put aside, for how long, and how many of them. */
class EjectionsTest {

    private static final long SECOND = 1_000_000_000L;
    private static final EndpointAddress ONE = Endpoints.address(1);
    private static final EndpointAddress TWO = Endpoints.address(2);

    private final Ejections ejections =
            new Ejections(new Ejections.Rules(Duration.ofSeconds(1), Duration.ofSeconds(10), 50));

    @Test
    void the_time_out_doubles_up_to_a_maximum_while_probes_fail() {
        assertThat(ejections.failed(ONE, 0)).isEqualTo(SECOND);
        List<Long> times = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            times.add(ejections.probeFailed(ONE) / SECOND);
        }
        assertThat(times).containsExactly(2L, 4L, 8L, 10L, 10L, 10L);
        assertThat(ejections.ejected()).containsExactly(ONE);
    }

    @Test
    void who_takes_the_probe_is_back_and_out_for_longer_if_it_fails_again_soon() {
        ejections.failed(ONE, 0);
        ejections.recovered(ONE, SECOND);
        assertThat(ejections.ejected()).isEmpty();
        assertThat(ejections.failed(ONE, 2 * SECOND)).isEqualTo(2 * SECOND);
    }

    @Test
    void who_was_well_for_the_longest_time_out_begins_anew() {
        ejections.failed(ONE, 0);
        ejections.probeFailed(ONE);
        ejections.recovered(ONE, 5 * SECOND);
        assertThat(ejections.failed(ONE, 15 * SECOND)).isEqualTo(SECOND);
    }

    @Test
    void one_that_is_out_already_is_not_put_aside_again_nor_moved_in_the_order() {
        ejections.failed(ONE, 0);
        ejections.failed(TWO, 0);
        assertThat(ejections.failed(ONE, SECOND)).isEqualTo(Ejections.ALREADY_OUT);
        assertThat(ejections.ejected()).containsExactly(ONE, TWO);
    }

    @Test
    void a_probe_that_could_not_be_made_changes_nothing() {
        ejections.failed(ONE, 0);
        assertThat(ejections.probeImpossible(ONE)).isEqualTo(SECOND);
        assertThat(ejections.probeImpossible(ONE)).isEqualTo(SECOND);
    }

    @Test
    void nothing_is_remembered_of_an_endpoint_that_is_gone() {
        ejections.failed(ONE, 0);
        ejections.failed(TWO, 0);
        ejections.retain(Set.of(TWO));
        assertThat(ejections.ejected()).containsExactly(TWO);
        assertThat(ejections.probeFailed(ONE)).isEqualTo(Ejections.ALREADY_OUT);
    }

    @Test
    void off_means_off() {
        Ejections off = new Ejections(Ejections.Rules.OFF);
        assertThat(off.failed(ONE, 0)).isEqualTo(Ejections.ALREADY_OUT);
        assertThat(off.ejected()).isEmpty();
    }

    @ParameterizedTest(name = "of {0} endpoints and a share of {1} %: {2} at the most")
    @CsvSource({"1, 100, 0", "2, 50, 1", "2, 100, 1", "2, 0, 1", "3, 50, 1", "4, 50, 2", "10, 25, 2", "10, 100, 9",
            "100, 10, 10"})
    void never_more_than_the_share_but_one_and_never_the_last(int endpoints, int share, int most) {
        List<Endpoint> all = Endpoints.ready(0, endpoints);
        List<EndpointAddress> everybody = all.stream().map(Endpoint::address).toList().reversed();
        List<Endpoint> usable = EndpointPool.usable(all, everybody, share);
        assertThat(usable).isEqualTo(all.subList(0, endpoints - most));
    }

    @Test
    void whatever_happens_somebody_is_left_and_the_share_is_kept() {
        for (int seed = 0; seed < 500; seed++) {
            SplittableRandom dice = new SplittableRandom(seed);
            List<Endpoint> all = Endpoints.ready(0, 1 + dice.nextInt(20));
            int share = dice.nextInt(101);
            List<EndpointAddress> ejected = new ArrayList<>();
            for (int i = 0; i < 25; i++) {
                if (dice.nextBoolean()) {
                    ejected.add(Endpoints.address(i));
                }
            }
            List<Endpoint> usable = EndpointPool.usable(all, ejected, share);
            int out = all.size() - usable.size();
            assertThat(usable).as("seed %s", seed).isNotEmpty().isSubsetOf(all);
            assertThat(out).as("seed %s", seed).isLessThanOrEqualTo(Math.max(1, all.size() * share / 100));
            assertThat(all.stream().filter(e -> !ejected.contains(e.address()))).as("seed %s", seed)
                    .allMatch(usable::contains);
        }
    }
}
