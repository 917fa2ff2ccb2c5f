package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Descriptors;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.LiveObjects;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Very many connections, and what is left of them. */
class ChurnIT {

    /** A million in the profile {@code nightly}. */
    private static final int CHURN = Integer.getInteger("sluice.it.churn", 20_000);
    private static final int CLIENTS = 8;

    /** How a client leaves. */
    private enum Parting {
        SERVER_CLOSES, CLIENT_CLOSES, CLIENT_RESETS;

        void from(InetSocketAddress address) throws IOException {
            if (this == SERVER_CLOSES) {
                HttpClientConnection.hit(address);
                return;
            }
            try (HttpClientConnection connection = new HttpClientConnection(address)) {
                connection.ask();
                if (this == CLIENT_RESETS) {
                    connection.reset();
                }
            }
        }
    }

    @EachTransport
    void short_connections_leave_nothing_behind(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            InetSocketAddress address = sluice.vip("kubia");
            churn(address, 300);
            sluice.awaitIdle();
            long sockets = Descriptors.sockets();
            long timers = timers();
            long buffers = RunningSluice.nettyBuffers();
            churn(address, CHURN);
            sluice.awaitIdle();
            assertThat(sluice.metric("sluice_connections_total", "kubia")).isEqualTo(CHURN + 300);
            await().atMost(Duration.ofMinutes(1))
                    .untilAsserted(() -> assertThat(Descriptors.sockets()).isLessThanOrEqualTo(sockets));
            assertThat(LiveObjects.count("io.sluice.connection.ConnectionMachine")).isZero();
            assertThat(timers()).as("timers").isLessThanOrEqualTo(timers + 2);
            // Each event loop keeps some buffers for the next reads.
            assertThat(RunningSluice.nettyBuffers()).as("buffers").isLessThanOrEqualTo(buffers + 300);
        }
    }

    /** Timers of event loops, those of the lag probe among them. */
    private static long timers() {
        return LiveObjects.count("io.netty.util.concurrent.ScheduledFutureTask");
    }

    private static void churn(InetSocketAddress address, int connections) {
        AtomicInteger left = new AtomicInteger(connections);
        List<CompletableFuture<Void>> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            CompletableFuture<Void> client = new CompletableFuture<>();
            clients.add(client);
            Thread.ofVirtual().start(() -> {
                try {
                    for (int n = left.getAndDecrement(); n > 0; n = left.getAndDecrement()) {
                        Parting.values()[n % 3].from(address);
                    }
                    client.complete(null);
                } catch (IOException e) {
                    client.completeExceptionally(e);
                }
            });
        }
        clients.forEach(CompletableFuture::join);
    }

    /**
     * A node has 28,232 local ports towards one address by default, and a port is not free for a minute after its
     * connection was closed from here: 40,000 connections need some of them twice.
     */
    @Test
    void forty_thousand_connections_in_a_row_to_one_endpoint_find_a_local_port() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            Pod pod = sluice.pod(1, "pod-1");
            sluice.service("kubia", sluice.address(1)).start();
            InetSocketAddress address = sluice.vip("kubia");
            for (int i = 0; i < 40_000; i++) {
                Parting.CLIENT_CLOSES.from(address);
            }
            assertThat(pod.connections()).isEqualTo(40_000);
            assertThat(sluice.metric("sluice_connections_failed_total", "kubia")).isZero();
            assertThat(sluice.metric("sluice_connect_retries_total", "kubia")).isZero();
        }
    }
}
