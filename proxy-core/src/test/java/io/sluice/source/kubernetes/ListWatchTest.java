package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ListWatch.Failure;
import io.sluice.source.kubernetes.ListWatch.FailureKind;
import io.sluice.source.kubernetes.ListWatch.Reaction;
import io.sluice.source.kubernetes.ListWatch.Request;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is asked next, and when, after what a server says. */
class ListWatchTest {

    private final ListWatch rules = new ListWatch(Duration.ofMinutes(3), false, new SplittableRandom(1));
    private long now = Long.MAX_VALUE - 5;

    private void later(Duration time) {
        now += time.toNanos();
    }

    /** Everything was listed at version 1034, and a watch has brought a bookmark. */
    private void watching() {
        rules.next();
        rules.listed(2, "1034", 0, now);
        opened();
        rules.eventReceived("1034", now);
        later(Duration.ofSeconds(20));
        assertThat(rules.current(now)).isTrue();
    }

    private void opened() {
        assertThat(rules.next()).isEqualTo(Request.WATCH);
        rules.watchBegins(now);
        rules.watchOpened(now);
    }

    private Reaction watchFailed(FailureKind kind) {
        Failure failure = new Failure(kind, 0);
        assertThat(rules.watchFailed(failure, now)).isTrue();
        return rules.failed(failure, 1, "a line", now);
    }

    @Test
    void after_an_event_that_is_none_the_watch_goes_on_from_the_last_good_version() {
        watching();
        assertThat(watchFailed(FailureKind.SUSPECT).pauseNanos()).isPositive();

        assertThat(rules.version()).isEqualTo("1034");
        assertThat(rules.current(now)).as("what the server says is not believed").isFalse();
        opened();
        rules.eventReceived("1035", now);
        assertThat(rules.current(now)).isTrue();
    }

    @Test
    void events_that_are_none_over_and_over_end_in_a_new_list() {
        watching();
        watchFailed(FailureKind.SUSPECT);
        opened();
        watchFailed(FailureKind.SUSPECT);
        opened();
        watchFailed(FailureKind.SUSPECT);

        assertThat(rules.next()).isEqualTo(Request.LIST);
    }

    @Test
    void after_an_event_from_before_what_is_known_everything_is_listed_and_nothing_is_current_until_it_is_believed() {
        watching();
        watchFailed(FailureKind.WENT_BACK);
        assertThat(rules.current(now)).isFalse();

        assertThat(rules.next()).isEqualTo(Request.LIST);
        assertThat(rules.listed(1, "505", 2, now).verdict()).isEqualTo(ListTrust.Verdict.SUSPECT_LIST);
        assertThat(rules.current(now)).isFalse();
        later(ListTrust.SUSPECT_LIST_GRACE);
        assertThat(rules.next()).isEqualTo(Request.LIST);
        assertThat(rules.listed(1, "505", 2, now).verdict()).isEqualTo(ListTrust.Verdict.ACCEPTED_AFTER_GRACE);
        opened();
        rules.eventReceived("505", now);
        assertThat(rules.current(now)).isTrue();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the server gives no time            | 0    | 400   | 800
            it gives less than the backoff      | 0.1  | 400   | 800
            it gives some seconds               | 7    | 7000  | 7000
            it gives as much as is obeyed       | 60   | 60000 | 60000
            it gives an hour                    | 3600 | 60000 | 60000
            """)
    void a_server_that_asks_to_be_left_alone_is_left_alone_for_a_minute_at_the_most(String what, double seconds,
            long atLeast, long atMost) {
        rules.next();
        Failure busy = new Failure(FailureKind.REFUSED, 429, Duration.ofMillis((long) (1000 * seconds)));

        assertThat(Duration.ofNanos(rules.failed(busy, 1, "busy", now).pauseNanos()))
                .isBetween(Duration.ofMillis(atLeast), Duration.ofMillis(atMost));
        assertThat(Duration.ofNanos(rules.failed(new Failure(FailureKind.BROKEN, 0), 1, "gone", now).pauseNanos()))
                .as("the next failure has its own pause").isLessThan(Duration.ofSeconds(2));
    }

    @Test
    void of_several_addresses_the_next_is_asked_at_once_and_the_longest_time_counts_after_the_last() {
        rules.next();
        assertThat(rules.failed(new Failure(FailureKind.REFUSED, 503, Duration.ofSeconds(9)), 2, "busy", now)
                .pauseNanos()).isZero();
        later(Duration.ofSeconds(1));
        assertThat(rules.failed(new Failure(FailureKind.REFUSED, 429, Duration.ofSeconds(2)), 2, "busy", now)
                .pauseNanos()).isEqualTo(Duration.ofSeconds(8).toNanos());
    }
}
