package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ClusterView.Contents;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The state file is written soon after a change, seldom, and never with what may be wrong. */
class StateSaverTest {

    private long now = Long.MAX_VALUE - 5;
    private Duration writeTime = Duration.ZERO;
    private boolean suspect;
    private boolean diskIsFull;
    private int states;
    private final List<String> written = new ArrayList<>();
    private final Deque<Runnable> writes = new ArrayDeque<>();

    private final StateSaver saver = new StateSaver(Path.of("state"), this::write, this::state, writes::add, () -> now);

    private void write(SavedState state) throws IOException {
        now += writeTime.toNanos();
        if (diskIsFull) {
            throw new IOException("No space left on device");
        }
        written.add(state.servicesVersion());
    }

    private Optional<SavedState> state() {
        return suspect
                ? Optional.empty()
                : Optional.of(new SavedState(Instant.EPOCH, "", "", Integer.toString(++states), "",
                        new Contents(List.of(), Map.of(), Map.of())));
    }

    private void later(Duration time) {
        now += time.toNanos();
    }

    /** The writer's thread does what it was given. */
    private void writerRuns() {
        while (!writes.isEmpty()) {
            writes.remove().run();
        }
    }

    private boolean savesNow() {
        int before = written.size();
        saver.saveIfDue();
        writerRuns();
        return written.size() > before;
    }

    @Test
    void without_a_change_nothing_is_written() throws InterruptedException {
        assertThat(savesNow()).isFalse();
        saver.finish();
        assertThat(written).isEmpty();
    }

    @ParameterizedTest(name = "a write of {0} ms is followed by a pause of {1} ms")
    @CsvSource({"0, 10000", "500, 10000", "1111, 10000", "2000, 18000", "60000, 540000"})
    void a_change_is_saved_at_once_and_the_next_after_a_pause_of_nine_times_the_write_or_ten_seconds(long millis,
            long pauseMillis) {
        writeTime = Duration.ofMillis(millis);
        saver.changed();
        assertThat(savesNow()).isTrue();

        saver.changed();
        later(Duration.ofMillis(pauseMillis - 1));
        assertThat(savesNow()).isFalse();
        later(Duration.ofMillis(1));
        assertThat(savesNow()).isTrue();
    }

    @Test
    void no_second_write_begins_while_one_is_under_way() {
        saver.changed();
        saver.saveIfDue();
        saver.changed();
        later(Duration.ofMinutes(1));
        saver.saveIfDue();

        assertThat(writes).hasSize(1);
    }

    @Test
    void a_change_that_comes_during_a_write_is_saved_by_the_next_one() {
        saver.changed();
        saver.saveIfDue();
        Runnable write = writes.remove();
        writes.add(() -> {
            write.run();
            saver.changed();
        });
        writerRuns();
        later(StateSaver.INTERVAL);

        assertThat(savesNow()).isTrue();
        assertThat(written).hasSize(2);
    }

    @Test
    void nothing_is_written_while_a_list_is_suspect_and_what_changed_is_written_afterwards() {
        suspect = true;
        saver.changed();
        assertThat(savesNow()).isFalse();
        later(Duration.ofMinutes(1));
        assertThat(savesNow()).isFalse();

        suspect = false;
        assertThat(savesNow()).isTrue();
    }

    @Test
    void a_write_that_fails_is_repeated_after_the_pause() {
        diskIsFull = true;
        saver.changed();
        assertThat(savesNow()).isFalse();
        diskIsFull = false;
        assertThat(savesNow()).isFalse();
        later(StateSaver.INTERVAL);
        assertThat(savesNow()).isTrue();
    }

    @Test
    void the_end_does_not_wait_for_the_pause() throws InterruptedException {
        saver.changed();
        assertThat(savesNow()).isTrue();
        saver.changed();
        saver.finish();

        assertThat(written).containsExactly("1", "2");
    }
}
