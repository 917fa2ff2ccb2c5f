package io.sluice.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.history.Journal.Page;
import io.sluice.history.Journal.Wanted;
import io.sluice.service.ServiceName;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class JournalTest {

    private static final Instant START = Instant.ofEpochSecond(1_000);

    private Instant now = START;
    private final Journal journal = new Journal(5, new Clock() {
        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    });

    @Test
    void events_are_numbered_one_after_the_other_from_the_time_on_and_dated() {
        record("a/x");
        now = START.plusSeconds(7);
        record("a/y");
        Page page = journal.first(Wanted.ALL, 10);
        assertThat(page.events()).extracting(Event::id).containsExactly(1_000_000_000L, 1_000_000_001L);
        assertThat(page.events()).extracting(Event::at).containsExactly(START, START.plusSeconds(7));
        assertThat(page.last()).isEqualTo(1_000_000_001L).isEqualTo(journal.newest());
        assertThat(page.more()).isFalse();
    }

    @Test
    void the_oldest_gives_way_and_a_reader_that_is_late_is_told_how_many_it_has_lost() {
        record("a/1", "a/2");
        long seen = journal.newest();
        record("a/3", "a/4", "a/5", "a/6", "a/7", "a/8", "a/9");
        Page page = journal.first(Wanted.ALL.after(seen), 10);
        assertThat(names(page)).containsExactly("a/5", "a/6", "a/7", "a/8", "a/9");
        assertThat(page.lost()).isEqualTo(2);
        assertThat(journal.first(Wanted.ALL, 10).lost()).as("it had seen nothing").isZero();
    }

    @Test
    void pages_follow_each_other_without_a_gap() {
        record("a/1", "b/2", "a/3", "b/4", "a/5");
        Wanted wanted = new Wanted(0, Instant.MIN, "a", null);
        Page first = journal.first(wanted, 2);
        assertThat(names(first)).containsExactly("a/1", "a/3");
        assertThat(first.more()).isTrue();
        Page second = journal.first(wanted.after(first.last()), 2);
        assertThat(names(second)).containsExactly("a/5");
        assertThat(second.more()).isFalse();
        assertThat(journal.first(wanted.after(second.last()), 2).events()).isEmpty();
    }

    @Test
    void the_last_ones_are_the_newest() {
        record("a/1", "a/2", "a/3");
        assertThat(names(journal.last(Wanted.ALL, 2))).containsExactly("a/2", "a/3");
    }

    @Test
    void events_are_selected_by_namespace_service_and_time() {
        record("a/x");
        journal.record(new Change.SourceStale("no answer"));
        now = START.plusSeconds(60);
        record("b/x", "a/y");
        assertThat(names(journal.first(new Wanted(0, Instant.MIN, "a", null), 10)))
                .as("those of the daemon concern every namespace").containsExactly("a/x", "sluice", "a/y");
        assertThat(names(journal.first(new Wanted(0, Instant.MIN, null, "x"), 10))).containsExactly("a/x", "b/x");
        assertThat(names(journal.first(new Wanted(0, START.plusSeconds(1), "a", null), 10))).containsExactly("a/y");
    }

    @Test
    void the_number_of_another_process_begins_at_the_oldest() {
        record("a/1", "a/2");
        assertThat(names(journal.first(Wanted.ALL.after(17), 10))).containsExactly("a/1", "a/2");
        assertThat(names(journal.first(Wanted.ALL.after(Long.MAX_VALUE), 10))).containsExactly("a/1", "a/2");
        assertThat(journal.first(Wanted.ALL.after(journal.newest()), 10).events()).isEmpty();
    }

    @Test
    void whoever_follows_is_called_for_each_event_until_it_ends() {
        AtomicInteger calls = new AtomicInteger();
        Runnable follower = calls::incrementAndGet;
        journal.follow(follower);
        record("a/1", "a/2");
        journal.unfollow(follower);
        record("a/3");
        assertThat(calls).hasValue(2);
    }

    /** A reader beside a writer gets events in order, each once, or is told that they are lost. */
    @Test
    void a_reader_beside_a_writer_misses_no_event_without_being_told() throws InterruptedException {
        int count = 20_000;
        Journal small = new Journal(64, Clock.systemUTC());
        long from = small.newest();
        AtomicBoolean ended = new AtomicBoolean();
        Thread writer = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < count; i++) {
                small.record(new Change.Started(i));
            }
            ended.set(true);
        });
        long seen = 0;
        long before = from;
        Wanted wanted = Wanted.ALL;
        boolean last = false;
        while (!last) {
            last = ended.get();
            Page page = small.first(wanted, 1000);
            for (Event event : page.events()) {
                assertThat(event.id()).isGreaterThan(before);
                before = event.id();
            }
            if (seen > 0) {
                seen += page.events().size() + page.lost();
            } else if (!page.events().isEmpty()) {
                seen = page.last() - from; // those of this page that are lost are before its end as well
            }
            wanted = seen > 0 ? wanted.after(page.last()) : wanted;
        }
        writer.join();
        assertThat(seen).isEqualTo(count);
    }

    private void record(String... services) {
        for (String service : services) {
            String[] parts = service.split("/", -1);
            journal.record(new Change.ServiceRemoved(new ServiceName(parts[0], parts[1])));
        }
    }

    private static List<String> names(Page page) {
        List<String> names = new ArrayList<>();
        page.events().forEach(event -> names.add(event.change().subject()));
        return names;
    }
}
