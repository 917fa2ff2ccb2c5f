package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is ordered of the log goes from one process to the next. */
class LogOrdersTest {

    private final List<String> done = new ArrayList<>();
    private final List<String> ended = new ArrayList<>();
    private final SteppingClock clock = new SteppingClock();
    private final NavigableMap<Instant, Runnable> tasks = new TreeMap<>();

    /** Stands still until it is advanced. */
    private static final class SteppingClock extends Clock {
        private Instant now = Instant.parse("2026-01-01T00:00:00Z");

        void advance(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private LogOrders orders() {
        return new LogOrders((level, logger) -> {
            if ("loud".equals(level)) {
                throw new IllegalArgumentException("there is no log level 'loud'");
            }
            done.add(level + " of " + logger);
        }, on -> done.add("access " + on), (task, after) -> tasks.put(clock.instant().plus(after), task), clock,
                ended::add);
    }

    /** Time passes. */
    private void pass(Duration time) {
        clock.advance(time);
        tasks.headMap(clock.instant(), true).values().forEach(Runnable::run);
    }

    @Test
    void what_was_ordered_for_a_while_is_taken_back_when_its_time_is_over() {
        LogOrders orders = orders();
        orders.level("debug", null, Duration.ofMinutes(10));
        orders.level("trace", "io.sluice.dns", Duration.ofMinutes(20));
        orders.accessLog(true, Duration.ofMinutes(30));
        done.clear();

        pass(Duration.ofMinutes(10));
        assertThat(done).containsExactly("null of null");
        pass(Duration.ofMinutes(20));
        assertThat(done).containsExactly("null of null", "null of io.sluice.dns", "access null");
        assertThat(ended).containsExactly("what is logged is what it was at the start",
                "what is logged of io.sluice.dns is what it was at the start",
                "the access log is what it was at the start");
        assertThat(orders.message()).isEmpty();
    }

    @Test
    void what_was_ordered_later_does_not_end_with_what_was_before() {
        LogOrders orders = orders();
        orders.level("debug", null, Duration.ofMinutes(10));
        orders.level("trace", null, null);
        orders.accessLog(true, Duration.ofMinutes(10));
        orders.accessLog(false, Duration.ofMinutes(20));
        done.clear();

        pass(Duration.ofMinutes(15));
        assertThat(done).isEmpty();
        pass(Duration.ofMinutes(15));
        assertThat(done).containsExactly("access null");
    }

    @Test
    void the_next_process_ends_it_when_this_one_would_have() throws IOException {
        LogOrders before = orders();
        before.level("debug", null, Duration.ofMinutes(10));
        tasks.clear(); // this process has ended
        pass(Duration.ofMinutes(4));
        orders().resume(before.message().orElseThrow());
        done.clear();

        pass(Duration.ofMinutes(5));
        assertThat(done).isEmpty();
        pass(Duration.ofMinutes(1));
        assertThat(done).containsExactly("null of null");
    }

    @Test
    void the_next_process_does_the_same_in_the_same_order() throws IOException {
        LogOrders before = orders();
        before.level("trace", "io.sluice.dns", null);
        before.level("debug", null, null);
        before.level("warn", "io.sluice.dns", null);
        before.accessLog(true, null);
        done.clear();
        byte[] message = before.message().orElseThrow();
        assertThat(LogOrders.isMessage(message)).isTrue();
        assertThat(orders().resume(message))
                .isEqualTo("log level debug, log level warn of io.sluice.dns, access log on");
        assertThat(done).containsExactly("debug of null", "warn of io.sluice.dns", "access true");
    }

    @Test
    void it_goes_on_through_a_second_hand_over() throws IOException {
        LogOrders first = orders();
        first.accessLog(false, null);
        LogOrders second = orders();
        second.resume(first.message().orElseThrow());
        assertThat(second.message()).get().isEqualTo(first.message().orElseThrow());
    }

    @Test
    void nothing_is_passed_on_where_nothing_was_ordered() {
        assertThat(orders().message()).isEmpty();
    }

    @Test
    void a_level_that_there_is_not_is_not_remembered() {
        LogOrders orders = orders();
        assertThatThrownBy(() -> orders.level("loud", null, null)).hasMessage("there is no log level 'loud'");
        assertThat(orders.message()).isEmpty();
    }

    @Test
    void only_so_many_loggers_are_remembered() throws IOException {
        LogOrders orders = orders();
        for (int i = 0; i <= LogOrders.MOST; i++) {
            orders.level("debug", "logger-" + i, null);
        }
        done.clear();
        orders().resume(orders.message().orElseThrow());
        assertThat(done).hasSize(LogOrders.MOST).doesNotContain("debug of logger-0")
                .contains("debug of logger-" + LogOrders.MOST);
    }

    /** They know of lists of orders alone, and an object would be one that they do not understand. */
    @Test
    void earlier_versions_pass_it_over() throws IOException {
        LogOrders orders = orders();
        orders.level("debug", null, null);
        assertThat(OrderFormat.read(orders.message().orElseThrow())).isEmpty();
        assertThat(LogOrders.isMessage(OrderFormat.write(List.of()))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"", "\"{\"", "\"{\\\"levels\\\":{\\\"\\\":\\\"loud\\\"}}\""})
    void what_is_not_understood_is_told_in_one_line(String message) {
        assertThatThrownBy(() -> orders().resume(message.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("what was ordered of the log is not understood: ")
                .hasMessageNotContaining("\n");
    }
}
