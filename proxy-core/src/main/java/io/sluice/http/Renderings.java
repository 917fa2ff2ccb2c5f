package io.sluice.http;

import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Views that are being made, a few at once, each on a virtual thread. Equal requests that wait for a view to begin get the
 * same response: a hundred scrapes that wait cost as much as one. Lives on one event loop.
 */
final class Renderings {

    private static final Logger LOG = LoggerFactory.getLogger(Renderings.class);

    /** A request for a view. */
    record Question(Route route, String path, Request request, boolean compress) {

        /** Makes the response; any thread. */
        Rendered answer() {
            try {
                return Rendered.of(route.answerer().answer(request), compress);
            } catch (Request.BadRequestException e) {
                return Rendered.of(Response.error(400, String.valueOf(e.getMessage())), false);
            } catch (RuntimeException e) {
                LOG.warn("Answering {} failed", path, e);
                return Rendered.of(Response.error(500, "internal error; the log has the details"), false);
            }
        }
    }

    /** A request that waits for the response. */
    interface Asker {

        Client client();

        /** Receives the response; null if there will be none. */
        void answered(@Nullable Rendered response);
    }

    private final EventLoop loop;
    private final int atOnce;
    private final Map<Question, List<Asker>> waiting = new LinkedHashMap<>();
    private int running;

    Renderings(EventLoop loop, int atOnce) {
        this.loop = loop;
        this.atOnce = atOnce;
    }

    /** Answers later, on the event loop. */
    void ask(Question question, Asker asker) {
        waiting.computeIfAbsent(question, any -> new ArrayList<>()).add(asker);
        beginNext();
    }

    /** {@code asker} is gone; a view that it alone asked for is not made any more. */
    void forget(Asker asker) {
        waiting.values().removeIf(askers -> {
            askers.remove(asker);
            return askers.isEmpty();
        });
    }

    private void beginNext() {
        while (running < atOnce && !waiting.isEmpty()) {
            Question question = next();
            List<Asker> askers = waiting.remove(question);
            running++;
            Thread.ofVirtual().name("http-view").start(() -> make(question, askers == null ? List.of() : askers));
        }
    }

    /** The first question from this node itself, else the first. */
    private Question next() {
        Optional<Question> own = waiting.entrySet().stream()
                .filter(entry -> entry.getValue().stream().anyMatch(asker -> asker.client().ownNode()))
                .map(Map.Entry::getKey).findFirst();
        return own.orElseGet(() -> waiting.keySet().iterator().next());
    }

    private void make(Question question, List<Asker> askers) {
        Rendered made = null;
        try {
            made = question.answer();
        } finally {
            Rendered response = made;
            try {
                loop.execute(() -> {
                    running--;
                    beginNext();
                    askers.forEach(asker -> asker.answered(response));
                });
            } catch (RejectedExecutionException e) {
                LOG.debug("a response to {} came after the end", question.path());
            }
        }
    }
}
