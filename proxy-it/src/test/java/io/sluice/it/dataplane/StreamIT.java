package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.Pattern;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens to the bytes of one connection, to its ends and to its resets, on each transport. */
class StreamIT {

    /** Raise it with {@code -Dsluice.bulk=1073741824}. */
    private static final long BULK = Long.getLong("sluice.bulk", 64L << 20);

    private static RunningSluice started(Transport transport, Backend.Conversation conversation) throws Exception {
        RunningSluice sluice = new RunningSluice().transport(transport);
        sluice.with(Backend.at(sluice.address(1), conversation));
        return sluice.service("kubia", sluice.address(1)).start();
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void a_client_that_has_finished_sending_still_gets_its_whole_answer(Transport transport) throws Exception {
        try (RunningSluice sluice = started(transport, socket -> {
            long got = Pattern.verify(socket.getInputStream(), 1);
            Pattern.write(socket.getOutputStream(), 2, got * 10);
        }); Socket client = sluice.connect("kubia")) {
            Pattern.write(client.getOutputStream(), 1, 1 << 20);
            client.shutdownOutput();
            assertThat(Pattern.verify(client.getInputStream(), 2)).isEqualTo(10 << 20);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void a_backend_that_has_finished_first_still_gets_all_that_the_client_sends(Transport transport) throws Exception {
        CompletableFuture<Long> got = new CompletableFuture<>();
        try (RunningSluice sluice = started(transport, socket -> {
            socket.getOutputStream().write("hello".getBytes(StandardCharsets.UTF_8));
            socket.shutdownOutput();
            got.complete(Pattern.verify(socket.getInputStream(), 3));
        }); Socket client = sluice.connect("kubia")) {
            assertThat(client.getInputStream().readAllBytes()).asString().isEqualTo("hello");
            Pattern.write(client.getOutputStream(), 3, 5 << 20);
            client.shutdownOutput();
            assertThat(got.get()).isEqualTo(5 << 20);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void a_backend_that_speaks_first_is_heard_by_a_silent_client(Transport transport) throws Exception {
        try (RunningSluice sluice = started(transport, socket -> {
            socket.getOutputStream().write("220 ready\r\n".getBytes(StandardCharsets.UTF_8));
            socket.getInputStream().read();
        }); Socket client = sluice.connect("kubia")) {
            assertThat(Backend.read(client.getInputStream(), 11)).asString().isEqualTo("220 ready\r\n");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void a_backends_reset_is_a_reset_for_the_client_after_all_that_came_before(Transport transport) throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        try (RunningSluice sluice = started(transport, socket -> {
            Pattern.write(socket.getOutputStream(), 4, 100_000);
            told.await();
            Backend.reset(socket);
        }); Socket client = sluice.connect("kubia")) {
            byte[] answer = Backend.read(client.getInputStream(), 100_000);
            assertThat(answer[99_999]).isEqualTo(Pattern.at(4, 99_999));
            told.countDown();
            assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class)
                    .hasMessageContaining("reset");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING"})
    void what_a_backend_sent_before_its_reset_reaches_a_slow_client(Transport transport) throws Exception {
        CountDownLatch wasReset = new CountDownLatch(1);
        int length = 300_000;
        try (RunningSluice sluice = started(transport, socket -> {
            Pattern.write(socket.getOutputStream(), 4, length);
            // The proxy has read it all once nothing is left to acknowledge; a reset would throw away what is.
            await().until(() -> sluiceHasRead(socket));
            Backend.reset(socket);
            wasReset.countDown();
        }); Socket client = sluice.connect("kubia")) {
            wasReset.await();
            InputStream in = client.getInputStream();
            for (int i = 0; i < length; i++) {
                assertThat((byte) in.read()).isEqualTo(Pattern.at(4, i));
            }
            assertThatThrownBy(in::read).isInstanceOf(SocketException.class).hasMessageContaining("reset");
        }
    }

    /** Nothing unread in the proxy's socket: the local kernel shows an empty receive queue at the other end. */
    private static boolean sluiceHasRead(Socket backend) throws IOException {
        return QueueLengths.unreadByPeerOf(backend) == 0;
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void a_clients_reset_is_a_reset_for_the_backend(Transport transport) throws Exception {
        CompletableFuture<Throwable> seen = new CompletableFuture<>();
        try (RunningSluice sluice = started(transport, socket -> {
            socket.getOutputStream().write('x');
            try {
                socket.getInputStream().read();
                seen.complete(null);
            } catch (IOException e) {
                seen.complete(e);
            }
        }); Socket client = sluice.connect("kubia")) {
            client.getInputStream().read();
            Backend.reset(client);
            assertThat(seen.get()).isNotNull().hasMessageContaining("reset");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void an_answer_given_before_the_whole_request_was_read_is_not_lost(Transport transport) throws Exception {
        try (RunningSluice sluice = started(transport, socket -> {
            Backend.read(socket.getInputStream(), 1000);
            socket.getOutputStream().write("413 too large".getBytes(StandardCharsets.UTF_8));
            socket.shutdownOutput();
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        }); Socket client = sluice.connect("kubia")) {
            Pattern.write(client.getOutputStream(), 5, 1000);
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    client.getOutputStream().write(new byte[1 << 20]);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            assertThat(client.getInputStream().readAllBytes()).asString().isEqualTo("413 too large");
            sender.join();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void bulk_both_ways_at_once_arrives_whole(Transport transport) throws Exception {
        try (RunningSluice sluice = started(transport, socket -> {
            CompletableFuture<Long> upload = CompletableFuture.supplyAsync(() -> {
                try {
                    return Pattern.verify(socket.getInputStream(), 6);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Pattern.write(socket.getOutputStream(), 7, BULK);
            socket.shutdownOutput();
            upload.get();
        }); Socket client = sluice.connect("kubia")) {
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    Pattern.write(client.getOutputStream(), 6, BULK);
                    client.shutdownOutput();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            assertThat(Pattern.verify(client.getInputStream(), 7)).isEqualTo(BULK);
            sender.join();
            await().until(() -> sluice.sluice().activeConnections() == 0);
            assertThat(sluice.metric(
                    "sluice_relayed_bytes_total{direction=\"from_client\",namespace=\"default\",port=\"\",service=\"kubia\"}"))
                    .isEqualTo((double) BULK);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void a_client_that_does_not_read_stops_the_backend_instead_of_filling_the_proxy(Transport transport)
            throws Exception {
        CompletableFuture<Long> written = new CompletableFuture<>();
        long[] progress = new long[1];
        try (RunningSluice sluice = started(transport, socket -> {
            byte[] chunk = new byte[64 * 1024];
            while (progress[0] < 1L << 30) {
                socket.getOutputStream().write(chunk);
                progress[0] += chunk.length;
            }
            written.complete(progress[0]);
        }); Socket client = sluice.connect("kubia")) {
            client.getInputStream().read();
            long[] last = {-1};
            await().pollInterval(Duration.ofSeconds(1)).until(() -> {
                boolean stands = progress[0] == last[0];
                last[0] = progress[0];
                return stands;
            });
            assertThat(written).isNotDone();
            assertThat(sluice.metric("jvm_buffer_memory_used_bytes{id=\"direct\"}")).isLessThan(64 << 20);
        }
    }

    @Test
    void a_client_that_resets_while_an_endpoint_is_being_connected_cancels_it() throws Exception {
        try (RunningSluice sluice = new RunningSluice().connectTimeout(Duration.ofMinutes(5))) {
            sluice.with(Backend.blackHole(sluice.address(1)));
            sluice.service("kubia", sluice.address(1)).start();
            Socket client = sluice.connect("kubia");
            client.getOutputStream().write("GET /".getBytes(StandardCharsets.UTF_8));
            await().until(() -> sluice.get(false, "/api/v1/connections").contains("onnecting"));
            Backend.reset(client);
            await().until(() -> sluice.sluice().activeConnections() == 0);
        }
    }

    @Test
    void what_a_client_sends_and_finishes_before_the_endpoint_is_connected_arrives() throws Exception {
        try (RunningSluice sluice = new RunningSluice().connectTimeout(Duration.ofMillis(500))) {
            sluice.with(Backend.blackHole(sluice.address(1)));
            sluice.with(Backend.echo(sluice.address(2)));
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            for (int i = 0; i < 2; i++) {
                try (Socket client = sluice.connect("kubia")) {
                    Pattern.write(client.getOutputStream(), 8, 10_000);
                    client.shutdownOutput();
                    assertThat(Pattern.verify(client.getInputStream(), 8)).isEqualTo(10_000);
                }
            }
        }
    }
}
