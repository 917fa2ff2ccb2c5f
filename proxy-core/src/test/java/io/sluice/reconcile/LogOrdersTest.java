package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is ordered of the log goes from one process to the next. */
class LogOrdersTest {

    private final List<String> done = new ArrayList<>();

    private LogOrders orders() {
        return new LogOrders((level, logger) -> {
            if (level.equals("loud")) {
                throw new IllegalArgumentException("there is no log level 'loud'");
            }
            done.add(level + " of " + logger);
        }, on -> done.add("access " + on));
    }

    @Test
    void the_next_process_does_the_same_in_the_same_order() throws IOException {
        LogOrders before = orders();
        before.level("trace", "io.sluice.dns");
        before.level("debug", null);
        before.level("warn", "io.sluice.dns");
        before.accessLog(true);
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
        first.accessLog(false);
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
        assertThatThrownBy(() -> orders.level("loud", null)).hasMessage("there is no log level 'loud'");
        assertThat(orders.message()).isEmpty();
    }

    @Test
    void only_so_many_loggers_are_remembered() throws IOException {
        LogOrders orders = orders();
        for (int i = 0; i <= LogOrders.MOST; i++) {
            orders.level("debug", "logger-" + i);
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
        orders.level("debug", null);
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
