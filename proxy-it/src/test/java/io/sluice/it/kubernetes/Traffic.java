package io.sluice.it.kubernetes;

import io.sluice.it.testbed.RunningSluice;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A client that connects again and again while a test does something else; every failure is kept. */
final class Traffic {

    private final List<String> failures = new CopyOnWriteArrayList<>();
    private final AtomicInteger answers = new AtomicInteger();
    private final Thread thread;
    private volatile boolean stopped;

    Traffic(RunningSluice sluice, String service) {
        thread = Thread.ofVirtual().start(() -> {
            while (!stopped) {
                try {
                    String answer = sluice.ask(service);
                    if (!answer.startsWith("pod")) {
                        failures.add("answered: " + answer);
                    }
                    answers.incrementAndGet();
                    Thread.sleep(2);
                } catch (IOException e) {
                    failures.add(e.toString());
                } catch (InterruptedException e) {
                    return;
                }
            }
        });
    }

    int answers() {
        return answers.get();
    }

    /** Everything that went wrong so far. */
    List<String> failures() {
        return failures;
    }

    void stop() throws InterruptedException {
        stopped = true;
        thread.join();
    }
}
