package io.sluice.it.soak;

import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Clients and endpoints that run one {@link Exchange} after the other and check all of both their sides. */
final class CheckedLoad {

    private static final int CLIENTS = 16;
    private static final int CONNECT_MILLIS = 60_000;
    private static final long LONGEST_PAUSE_NANOS = 10_000_000;

    private final Failures failures;
    private final List<Thread> clients = new ArrayList<>();
    private final AtomicLong asked = new AtomicLong();
    private final AtomicLong served = new AtomicLong();
    private volatile boolean stopped;

    CheckedLoad(Failures failures) {
        this.failures = failures;
    }

    /** An endpoint of the load. */
    Backend endpoint(String ip) throws IOException {
        return Backend.at(ip, this::serve);
    }

    private void serve(Socket socket) {
        Object what = "a connection of which nothing was read";
        try {
            Exchange exchange = Exchange.read(socket);
            what = exchange;
            exchange.asServer(socket);
            served.incrementAndGet();
        } catch (IOException | RuntimeException | AssertionError e) {
            failures.add("server of " + what, e);
        }
    }

    /** Begins; what each client does follows from {@code seed}. */
    void start(InetSocketAddress service, long seed) {
        for (int i = 0; i < CLIENTS; i++) {
            RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed + i);
            clients.add(Thread.ofVirtual().name("soak-" + i).start(() -> {
                while (!stopped) {
                    ask(service, Exchange.of(random.nextLong()));
                    LockSupport.parkNanos(random.nextLong(LONGEST_PAUSE_NANOS));
                }
            }));
        }
    }

    private void ask(InetSocketAddress service, Exchange exchange) {
        try (Socket socket = new Socket()) {
            socket.connect(service, CONNECT_MILLIS);
            exchange.asClient(socket);
            asked.incrementAndGet();
        } catch (IOException | RuntimeException | AssertionError e) {
            failures.add("client of " + exchange, e);
        }
    }

    /** Exchanges that both sides have ended, as far as is known by now. */
    long exchanges() {
        return Math.min(asked.get(), served.get());
    }

    /** Ends when the exchanges that are under way have ended. */
    void stop() throws InterruptedException {
        stopped = true;
        for (Thread client : clients) {
            client.join();
        }
    }

    /** Waits until servers have ended what clients have. */
    void awaitServers() {
        await("servers that end as their clients did").atMost(Duration.ofMinutes(1))
                .until(() -> served.get() == asked.get());
    }
}
