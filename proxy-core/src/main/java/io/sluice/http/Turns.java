package io.sluice.http;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * Clients in turn, and the long answers of each client in turn: whoever has many of them made gets no more of the processors' time
 * than others. Parts are made one after the other, on a thread of their own. Lives on the server's event loop.
 */
final class Turns {

    private final Executor loop;
    private final Executor makers;
    private final Map<Client, Queue<Turn>> waiting = new LinkedHashMap<>();
    private boolean running;

    private record Turn(Runnable make, Runnable then) {}

    /**
     * Runs nothing yet.
     *
     * @param loop   the event loop
     * @param makers runs what may take some milliseconds
     */
    Turns(Executor loop, Executor makers) {
        this.loop = loop;
        this.makers = makers;
    }

    /**
     * Waits for the turn of {@code client}.
     *
     * @param make runs on another thread; fails never
     * @param then runs on the event loop afterwards
     */
    void add(Client client, Runnable make, Runnable then) {
        waiting.computeIfAbsent(client, any -> new ArrayDeque<>()).add(new Turn(make, then));
        beginNext();
    }

    private void beginNext() {
        if (running || waiting.isEmpty()) {
            return;
        }
        running = true;
        Map.Entry<Client, Queue<Turn>> first = waiting.entrySet().iterator().next();
        Queue<Turn> turns = first.getValue();
        waiting.remove(first.getKey());
        Turn turn = turns.remove();
        if (!turns.isEmpty()) {
            waiting.put(first.getKey(), turns);
        }
        makers.execute(() -> {
            try {
                turn.make().run();
            } finally {
                loop.execute(() -> ended(turn));
            }
        });
    }

    private void ended(Turn turn) {
        running = false;
        try {
            turn.then().run();
        } finally {
            beginNext();
        }
    }
}
