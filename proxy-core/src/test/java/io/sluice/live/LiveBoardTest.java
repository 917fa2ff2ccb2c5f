package io.sluice.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** When pictures are drawn, and for how many pages. */
class LiveBoardTest {

    private static final LivePicture.Frame FRAME = new LivePicture.Frame("{}", "{}");

    private final AtomicInteger drawn = new AtomicInteger();
    private final LiveBoard board = new LiveBoard(last -> {
        drawn.incrementAndGet();
        return last.next(FRAME, List.of(), 1);
    }, Duration.ofMillis(1));

    @Test
    void nothing_is_drawn_before_a_page_is_open_and_after_the_last_is_closed() {
        assertThat(board.picture()).isSameAs(LivePicture.EMPTY);
        LiveFeed first = new LiveFeed(board, new Wake(1));
        LiveFeed second = new LiveFeed(board, new Wake(2));
        assertThat(first.next()).as("it does not wait").isNotNull();
        await().untilAsserted(() -> assertThat(drawn.get()).isGreaterThan(3));

        first.close();
        int before = drawn.get();
        await().untilAsserted(() -> assertThat(drawn.get()).isGreaterThan(before + 3));
        second.close();
        assertThat(board.picture()).isSameAs(LivePicture.EMPTY);
        int atTheEnd = drawn.get();
        assertThat(drawn.get()).as("at most the one that was being drawn").isLessThanOrEqualTo(atTheEnd + 1);
        assertThat(board.picture()).as("a picture that was being drawn is dropped").isSameAs(LivePicture.EMPTY);
    }

    @Test
    void every_page_is_woken_and_told_each_picture_once() {
        AtomicInteger woken = new AtomicInteger();
        LiveFeed feed = new LiveFeed(board, woken::incrementAndGet);
        await().untilAsserted(() -> assertThat(woken.get()).isPositive());

        StringBuilder told = new StringBuilder();
        await().until(() -> told.append(new String(feed.next(), StandardCharsets.UTF_8)).indexOf("event: tick\n") > 0);
        assertThat(told.toString()).startsWith("event: begin\ndata: {}\n\n").containsOnlyOnce("event: begin");
        feed.close();
    }

    @Test
    void one_page_too_many_is_told_so_and_the_place_of_a_closed_one_is_free() {
        List<LiveFeed> open = IntStream.range(0, LiveBoard.MOST_PAGES)
                .mapToObj(i -> new LiveFeed(board, new Wake(i))).toList();
        assertThat(board.isFull()).isTrue();
        LiveFeed tooMany = new LiveFeed(board, new Wake(9));
        assertThat(new String(tooMany.next(), StandardCharsets.UTF_8))
                .startsWith("event: full\ndata: \"4 pages are open");
        assertThat(tooMany.next()).isEmpty();

        tooMany.close();
        assertThat(board.isFull()).isTrue();
        open.getFirst().close();
        assertThat(board.isFull()).isFalse();
        open.forEach(LiveFeed::close);
    }

    @Test
    void a_picture_that_cannot_be_drawn_does_not_end_the_next() {
        AtomicInteger tried = new AtomicInteger();
        LiveBoard unlucky = new LiveBoard(last -> {
            if (tried.incrementAndGet() % 2 == 1) {
                throw new IllegalStateException("thrown by the test");
            }
            return last.next(FRAME, List.of(), 1);
        }, Duration.ofMillis(1));
        LiveFeed feed = new LiveFeed(unlucky, () -> {});
        await().untilAsserted(() -> assertThat(unlucky.picture().number()).isGreaterThan(1));
        feed.close();
    }

    /** Each page has a wake of its own. */
    private record Wake(int page) implements Runnable {
        @Override
        public void run() {
            assertThat(page).isNotNegative();
        }
    }
}
