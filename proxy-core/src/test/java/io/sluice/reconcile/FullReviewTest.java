package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When everything is looked at although only endpoints differ. */
class FullReviewTest {

    /** Words are {@code wait N} (minutes), {@code demand} and {@code begin}. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            just after everything was looked at nothing is due | begin                  | false | false
            nor ten minutes later                              | begin, wait 10         | false | false
            but after that                                     | begin, wait 11         | false | true
            it is due again only after another ten minutes     | begin, wait 11, begin  | false | false
            what is demanded is due at once                    | begin, demand          | true  | true
            and no more once it was done                       | begin, demand, begin   | false | false
            """)
    void everything_is_looked_at_when_somebody_demands_it_or_it_was_too_long_ago(String what, String events,
            boolean demanded, boolean due) {
        FullReview review = new FullReview();
        // Such a clock may begin anywhere.
        long now = Long.MAX_VALUE - Duration.ofMinutes(5).toNanos();
        for (String event : events.split(", ", -1)) {
            String[] words = event.split(" ", -1);
            switch (words[0]) {
                case "wait" -> now += Duration.ofMinutes(Integer.parseInt(words[1])).toNanos();
                case "demand" -> review.demand();
                case "begin" -> review.begin(now);
                default -> throw new IllegalArgumentException(event);
            }
        }
        assertThat(review.isDemanded()).as("demanded").isEqualTo(demanded);
        assertThat(review.isDue(now)).as("due").isEqualTo(due);
    }
}
