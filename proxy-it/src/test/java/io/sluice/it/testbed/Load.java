package io.sluice.it.testbed;

import static org.awaitility.Awaitility.await;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Clients that never stop asking until they are told to, and remember whatever went wrong. */
public final class Load implements Closeable {

    private static final int REMEMBERED = 10;

    private final InetSocketAddress address;
    private final List<Thread> clients = new ArrayList<>();
    private final AtomicLong answers = new AtomicLong();
    private final AtomicInteger failures = new AtomicInteger();
    private final Queue<String> first = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicLong> byPod = new ConcurrentHashMap<>();
    private final CountDownLatch allAnswered;
    private volatile boolean stopped;

    private Load(InetSocketAddress address, int clients) {
        this.address = address;
        this.allAnswered = new CountDownLatch(clients);
    }

    /** {@code clients} that open a connection for each question. */
    public static Load ofShortConnections(InetSocketAddress address, int clients) {
        Load load = new Load(address, clients);
        load.start(clients, () -> {
            boolean once = false;
            while (!load.stopped) {
                load.count(HttpClientConnection.hit(address));
                if (!once) {
                    load.allAnswered.countDown();
                    once = true;
                }
            }
        });
        return load;
    }

    /** {@code clients} with one connection each; returns when every one has had an answer. */
    public static Load ofLongConnections(InetSocketAddress address, int clients) {
        Load load = new Load(address, clients);
        load.start(clients, () -> {
            try (HttpClientConnection connection = new HttpClientConnection(address)) {
                load.count(connection.ask());
                load.allAnswered.countDown();
                while (!load.stopped) {
                    load.count(connection.ask());
                    LockSupport.parkNanos(500_000);
                }
            }
        });
        load.awaitFirstAnswers();
        return load;
    }

    private interface Client {
        void work() throws IOException;
    }

    private void start(int number, Client client) {
        for (int i = 0; i < number; i++) {
            clients.add(Thread.ofVirtual().name("load-" + i).start(() -> {
                while (!stopped) {
                    try {
                        client.work();
                    } catch (IOException | RuntimeException e) {
                        failures.incrementAndGet();
                        if (first.size() < REMEMBERED) {
                            first.add(e.toString());
                        }
                        LockSupport.parkNanos(1_000_000);
                    }
                }
            }));
        }
    }

    private void count(String pod) {
        answers.incrementAndGet();
        byPod.computeIfAbsent(pod, p -> new AtomicLong()).incrementAndGet();
    }

    private void awaitFirstAnswers() {
        try {
            allAnswered.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** How many questions were answered. */
    public long answers() {
        return answers.get();
    }

    /** How many of them by {@code pod}. */
    public long answersOf(String pod) {
        AtomicLong count = byPod.get(pod);
        return count == null ? 0 : count.get();
    }

    /** Waits for so many more answers: proof that traffic went on. */
    public Load awaitAnswers(long more) {
        long target = answers() + more;
        await("answers at " + address).atMost(Duration.ofMinutes(1))
                .until(() -> answers() >= target || failures.get() > 0);
        return this;
    }

    /** Stops all clients and fails if any question ever failed. */
    public void stopAndExpectNoFailure() {
        stop();
        if (failures.get() > 0) {
            throw new AssertionError(failures + " of " + (answers.get() + failures.get()) + " questions failed: "
                    + first);
        }
        if (answers.get() == 0) {
            throw new AssertionError("nothing was asked");
        }
    }

    /** Questions that failed. */
    public int failures() {
        return failures.get();
    }

    public void stop() {
        stopped = true;
        for (Thread client : clients) {
            try {
                client.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void close() {
        stop();
    }
}
