package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** Whose turn it is to have a part of a long response made. */
class TurnsTest {

    private final Queue<Runnable> loop = new ArrayDeque<>();
    private final Turns turns = new Turns(loop::add, Runnable::run);
    private final List<String> ran = new ArrayList<>();

    @Test
    void a_client_with_many_answers_gets_no_more_turns_than_another() {
        for (int i = 1; i <= 3; i++) {
            add(client(1), "a" + i);
        }
        add(client(2), "b1");
        add(client(2), "b2");

        run();
        assertThat(ran).as("the first begins before the others are there").containsExactly("a1", "then a1", "a2",
                "then a2", "b1", "then b1", "a3", "then a3", "b2", "then b2");
    }

    @Test
    void the_loop_does_other_work_between_two_turns() {
        add(client(1), "a1");
        add(client(1), "a2");
        loop.add(() -> ran.add("other"));

        run();
        assertThat(ran).containsExactly("a1", "then a1", "a2", "other", "then a2");
    }

    @Test
    void what_fails_takes_no_turn_from_others() {
        turns.add(client(1), () -> {}, () -> {
            throw new IllegalStateException("the test's own failure");
        });
        add(client(2), "b1");

        while (!loop.isEmpty()) {
            try {
                loop.remove().run();
            } catch (IllegalStateException e) {
                ran.add("failed");
            }
        }
        assertThat(ran).containsExactly("b1", "failed", "then b1");
    }

    private void add(Client client, String name) {
        turns.add(client, () -> ran.add(name), () -> ran.add("then " + name));
    }

    private void run() {
        while (!loop.isEmpty()) {
            loop.remove().run();
        }
    }

    private static Client client(int address) {
        return new Client(false, false, address);
    }
}
