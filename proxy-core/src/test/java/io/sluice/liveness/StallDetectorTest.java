package io.sluice.liveness;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.liveness.StallDetector.Change;
import io.sluice.liveness.StallDetector.Sample;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.CsvSource;

/** Progress and time in, stalls out: a thread may make no progress for 30 s, and there is a look every second. */
class StallDetectorTest {

    private static final Instant START = Instant.parse("2026-11-23T12:00:00Z");

    private final StallDetector detector = new StallDetector(Duration.ofSeconds(30), Duration.ofSeconds(1));
    private long nanos = 42;
    private Instant now = START;

    /**
     * Each letter is a look at a thread a second after the one before: {@code p} it has made progress, {@code .} it has not,
     * {@code i} it has not and has nothing to do, {@code x} it has ended, {@code -} it is not watched. {@code Z} is a look
     * after an hour in which everything stood still.
     *
     * @param seen by looks: {@code S} a stall begins, {@code o} one is over, else {@code .}
     */
    @ParameterizedTest(name = "{0}: {1} is seen as {2}")
    @CsvSource({"a thread that makes progress with each look, pppp, ....",
            "one that rests for 30 s, p..............................p, ................................",
            "one that rests for longer, p...............................p, ...............................So",
            "one that stands still is told once, p...................................,"
                    + " ...............................S....",
            "one that goes on and stands still again, p...............................p...............................,"
                    + " ...............................So..............................S",
            "one with nothing to do, piiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii, ..........................................",
            "one that has something to do after a long rest, piiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii.,"
                    + " ...........................................",
            "one that stands still and has nothing to do any more, p...............................i,"
                    + " ...............................So",
            "one that has ended, ppxxx, ...S.", "one that ends while it is let go, ppx-, ....",
            "one that stands still and is not watched any more, p...............................-,"
                    + " ...............................So",
            "one that did nothing before the first look, ................................, ...............................S",
            "an hour in which the whole machine stood still, ppZp, ....",
            "such an hour does not count, p.........Z..........p, ......................",
            "such an hour counts no more than two looks, p.............Z................p,"
                    + " ..............................So"})
    void a_thread_is_stalled_when_it_makes_no_progress_while_others_do(String thread, String looks, String seen) {
        List<String> all = new ArrayList<>();
        long progress = 0;
        for (char look : looks.strip().toCharArray()) {
            advance(look == 'Z' ? Duration.ofHours(1) : Duration.ofSeconds(1));
            progress += look == 'p' ? 1 : 0;
            List<Sample> samples = look == '-'
                    ? List.of()
                    : List.of(new Sample(ThreadKind.EVENT_LOOP, "loop", progress, look != 'i', null, look == 'x'));
            List<Change> changes = detector.look(nanos, now, samples);
            all.add(changes.isEmpty() ? "." : changes.getFirst().over() ? "o" : "S");
        }
        assertThat(String.join("", all)).as(thread).isEqualTo(seen.strip());
    }

    @Test
    void a_stall_has_its_thread_since_when_and_how_long() {
        look(0, 0);
        for (int i = 0; i < 30; i++) {
            assertThat(look(0, i)).isEmpty();
        }
        List<Change> begun = look(0, 31);
        Stall stall = new Stall(ThreadKind.CONTROL, "hanging", START.plusSeconds(1), null, false);
        assertThat(begun).containsExactly(new Change(stall, false, Duration.ofSeconds(31)));
        assertThat(detector.stalls()).containsExactly(stall);
        assertThat(detector.still("hanging")).isEqualTo(Duration.ofSeconds(31));
        assertThat(detector.still("going")).isZero();
        assertThat(stall.restartHelps()).isTrue();

        assertThat(look(1, 32)).containsExactly(new Change(stall, true, Duration.ofSeconds(32)));
        assertThat(detector.stalls()).isEmpty();
    }

    @ParameterizedTest(name = "{0}, waiting for {1}, ended {2}: {3}")
    @CsvSource({"EVENT_LOOP, , false, true", "CONTROL, , false, true", "SOURCE, , false, true",
            "SOURCE, /manifests/a.yaml, false, false", "SOURCE, , true, true"})
    void a_restart_helps_unless_the_thread_waits_for_something_outside(ThreadKind kind, @Nullable String waitsFor,
            boolean ended, boolean restart) {
        assertThat(new Stall(kind, "x", START, waitsFor, ended).restartHelps()).isEqualTo(restart);
    }

    private List<Change> look(long hanging, long going) {
        advance(Duration.ofSeconds(1));
        return detector.look(nanos, now, List.of(new Sample(ThreadKind.CONTROL, "hanging", hanging, true, null, false),
                new Sample(ThreadKind.EVENT_LOOP, "going", going, true, null, false)));
    }

    private void advance(Duration time) {
        nanos += time.toNanos();
        now = now.plus(time);
    }
}
