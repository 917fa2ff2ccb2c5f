package io.sluice.it.kubernetes;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.APIResourceBuilder;
import io.fabric8.kubernetes.api.model.APIResourceListBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesMixedDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.ServerRequest;
import io.fabric8.mockwebserver.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Fabric8's mock of an API server in CRUD mode. It sends the events of a watch over a WebSocket only; {@link #url} is a way
 * to it on which they come as lines of a plain answer, as from a real server, and everything else passes unchanged.
 */
final class MockCluster implements AutoCloseable {

    /** Has a line for each request otherwise. */
    private static final Logger CHATTER = Logger.getLogger(MockWebServer.class.getName());

    private final KubernetesMockServer mock;
    private final KubernetesClient client;
    private final HttpClient http = HttpClient.newHttpClient();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer front;

    MockCluster() throws IOException {
        CHATTER.setLevel(Level.WARNING);
        Map<ServerRequest, Queue<ServerResponse>> answers = new HashMap<>();
        mock = new KubernetesMockServer(new Context(), new MockWebServer(), answers,
                new KubernetesMixedDispatcher(answers), false);
        mock.init(InetAddress.getLoopbackAddress(), 0);
        // What a real server has and the mock does not: which resources there are.
        mock.expect().get().withPath("/apis/discovery.k8s.io/v1").andReturn(200, new APIResourceListBuilder()
                .withGroupVersion("discovery.k8s.io/v1").withResources(new APIResourceBuilder()
                        .withName("endpointslices").withKind("EndpointSlice").withNamespaced(true).build())
                .build()).always();
        client = mock.createClient();
        front = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        front.setExecutor(threads);
        front.createContext("/", this::handle);
        front.start();
    }

    /** Fabric8's own client, which speaks to the mock itself. */
    KubernetesClient client() {
        return client;
    }

    String url() {
        return "http://127.0.0.1:" + front.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (String.valueOf(exchange.getRequestURI().getQuery()).contains("watch=true")) {
                watch(exchange);
            } else {
                HttpResponse<byte[]> answer = http.send(HttpRequest.newBuilder(target("http", exchange)).build(),
                        HttpResponse.BodyHandlers.ofByteArray());
                exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
                exchange.getResponseBody().write(answer.body());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private URI target(String scheme, HttpExchange exchange) {
        return URI.create(scheme + "://127.0.0.1:" + mock.getPort() + exchange.getRequestURI());
    }

    private void watch(HttpExchange exchange) throws IOException, InterruptedException {
        BlockingQueue<Optional<String>> events = new LinkedBlockingQueue<>();
        WebSocket socket = http.newWebSocketBuilder().buildAsync(target("ws", exchange), new Events(events)).join();
        exchange.sendResponseHeaders(200, 0);
        OutputStream out = exchange.getResponseBody();
        out.flush();
        try {
            for (Optional<String> event = events.take(); event.isPresent(); event = events.take()) {
                out.write((event.get() + "\n").getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } finally {
            socket.abort();
        }
    }

    /** Puts whole messages into a queue, and nothing as the last. */
    private static final class Events implements WebSocket.Listener {

        private final BlockingQueue<Optional<String>> events;
        private final StringBuilder message = new StringBuilder();

        Events(BlockingQueue<Optional<String>> events) {
            this.events = events;
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            message.append(data);
            if (last) {
                events.add(Optional.of(message.toString()));
                message.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            events.add(Optional.empty());
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            events.add(Optional.empty());
        }
    }

    @Override
    public void close() {
        front.stop(0);
        threads.shutdownNow();
        http.shutdownNow();
        client.close();
        mock.destroy();
    }
}
