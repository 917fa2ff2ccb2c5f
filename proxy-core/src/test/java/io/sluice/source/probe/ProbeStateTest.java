package io.sluice.source.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.probe.ReadinessProbe.Action;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a process is ready, by its probes: {@code +} is one that succeeds, {@code -} one that fails. */
class ProbeStateTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            one success makes it ready                   | +     | 1 | 3 | true  | ''
            before the first probe it is not             | ''    | 1 | 3 | false | its readiness probe has not succeeded yet
            a failure at the start is told at once       | -     | 1 | 3 | false | readiness probe: no
            fewer failures than the threshold are borne  | +--   | 1 | 3 | true  | ''
            as many as the threshold are not             | +---  | 1 | 3 | false | readiness probe: no
            failures count only one after another        | +--+-- | 1 | 3 | true | ''
            a success brings it back                     | +---+ | 1 | 3 | true  | ''
            more successes are needed if so many are asked for | + | 3 | 3 | false | 1 of 3 readiness probes have succeeded
            so many make it ready                        | +++   | 3 | 3 | true  | ''
            a failure among them begins anew             | ++-++ | 3 | 3 | false | 2 of 3 readiness probes have succeeded
            a ready one needs one success to stay so     | +++--+ | 3 | 3 | true | ''
            a threshold of one                           | +-    | 1 | 1 | false | readiness probe: no
            """)
    void probes_make_a_process_ready_by_their_thresholds(String name, String probes, int successes, int failures,
            boolean ready, String why) {
        ReadinessProbe probe = new ReadinessProbe(new Action.TcpSocket(1), Duration.ZERO, Duration.ofSeconds(10),
                Duration.ofSeconds(1), successes, failures);
        ProbeState state = ProbeState.UNKNOWN;
        for (int i = 0; i < probes.length(); i++) {
            state = probes.charAt(i) == '+' ? state.succeeded(probe) : state.failed(probe, "no");
        }

        assertThat(state.ready()).as(name).isEqualTo(ready);
        assertThat(state.why()).isEqualTo(why);
    }

    @ParameterizedTest(name = "every {0} s, {1}: {2} s")
    @CsvSource({"10,true,10", "10,false,1", "1,false,1", "1,true,1"})
    void a_process_that_is_not_ready_is_asked_more_often(int period, boolean ready, int wait) {
        ReadinessProbe probe = new ReadinessProbe(new Action.TcpSocket(1), Duration.ZERO, Duration.ofSeconds(period),
                Duration.ofSeconds(1), 1, 3);

        assertThat(probe.wait(ready)).hasSeconds(wait);
    }
}
