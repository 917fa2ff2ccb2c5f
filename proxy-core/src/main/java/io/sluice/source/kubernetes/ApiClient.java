package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks the API server, over HTTP/1.1 with a connection for each request that is under way: a dead connection then is one
 * request's trouble and not that of all that share it. Nothing is tried again here. Any thread.
 */
final class ApiClient implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ApiClient.class);

    /** Reads one value after the other out of a stream. */
    static final JsonMapper JSON =
            JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /** How long the server may take to begin an answer. */
    private static final Duration HEAD_TIMEOUT = Duration.ofSeconds(30);
    /** Credentials are not read anew more often. */
    private static final Duration CREDENTIALS_INTERVAL = Duration.ofSeconds(10);
    private static final int LONGEST_ERROR = 64 * 1024;

    private final KubernetesOptions options;
    private final Path serviceAccount;
    private final ApiObserver observer;
    private HttpClient http;
    private Credentials credentials;
    private long credentialsReadNanos = System.nanoTime();
    private volatile List<String> directServers = List.of();
    private volatile boolean closed;
    private String lastTrouble = "";
    private Instant lastTroubleTold = Instant.EPOCH;

    /**
     * Reads the credentials; connects to nothing yet.
     *
     * @throws SourceException if they cannot work
     */
    ApiClient(KubernetesOptions options, Path serviceAccount, ApiObserver observer) throws SourceException {
        this.options = options;
        this.serviceAccount = serviceAccount;
        this.observer = observer;
        this.credentials = Credentials.resolve(options, serviceAccount);
        this.http = open(credentials);
    }

    private static HttpClient open(Credentials credentials) throws SourceException {
        try {
            return new NamedServer(credentials.tlsServerName()).newBuilder(credentials.config()).build();
        } catch (KubernetesClientException | IllegalArgumentException e) {
            throw new SourceException(List.of(new Problem(Severity.ERROR, credentials.origin(), "",
                    "the credentials cannot be used: " + reason(e))));
        }
    }

    /** The URL that was configured. */
    synchronized String server() {
        return credentials.server();
    }

    /** What the server and the credentials were read from. */
    synchronized String origin() {
        return credentials.origin();
    }

    /** The URL that requests go to now. */
    String currentServer() {
        List<String> direct = directServers;
        return direct.isEmpty() ? server() : direct.getFirst();
    }

    /** Ask these from now on, whichever answers, and the configured one no more; none for the configured one. */
    void useServers(List<String> servers) {
        directServers = List.copyOf(servers);
    }

    /** The server that was asked last did not answer: another one has its turn, if there is one. */
    void turn() {
        List<String> servers = directServers;
        if (servers.size() > 1) {
            List<String> turned = new ArrayList<>(servers.subList(1, servers.size()));
            turned.add(servers.getFirst());
            directServers = List.copyOf(turned);
        }
    }

    /**
     * GET.
     *
     * @param path           with its query, beginning with a slash
     * @param longestSilence how long the body may be silent before reading it fails
     * @param longest        how long all of it may take
     * @return the body of a 200; to be closed
     * @throws ApiException if the server answers with anything else
     * @throws IOException  if it does not answer; the message says why
     */
    InputStream get(String path, Duration longestSilence, Duration longest) throws IOException {
        return request(path, longestSilence, longest, true);
    }

    /** The same for a watch, whose time says nothing about the server and is not told to the observer. */
    InputStream watch(String path, Duration longestSilence, Duration longest) throws IOException {
        return request(path, longestSilence, longest, false);
    }

    private InputStream request(String path, Duration longestSilence, Duration longest, boolean timed)
            throws IOException {
        String server = currentServer();
        String host = host(server);
        long begun = System.nanoTime();
        ResponseBody body = new ResponseBody(longestSilence, () -> {
            if (timed) {
                observer.took("GET", host, Duration.ofNanos(System.nanoTime() - begun));
            }
        });
        HttpResponse<AsyncBody> head;
        try {
            head = head(server + path, longest, body);
        } catch (IOException e) {
            body.close();
            observer.answered("GET", host, "<error>");
            throw e;
        }
        observer.answered("GET", host, Integer.toString(head.code()));
        body.begin(head.body());
        if (head.code() == 200) {
            return body;
        }
        try (body) {
            throw new ApiException(head.code(), message(head.code(), body.readNBytes(LONGEST_ERROR)));
        }
    }

    private static String host(String server) {
        URI uri = URI.create(server);
        return uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
    }

    private HttpResponse<AsyncBody> head(String url, Duration longest, ResponseBody body) throws IOException {
        HttpClient client;
        synchronized (this) {
            client = http;
        }
        CompletableFuture<HttpResponse<AsyncBody>> sent = client.consumeBytes(
                client.newHttpRequestBuilder().uri(url).header("Accept", "application/json")
                        .timeout(longest.toMillis(), TimeUnit.MILLISECONDS).build(),
                body);
        try {
            return sent.get(HEAD_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            abandon(sent);
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } catch (TimeoutException e) {
            abandon(sent);
            throw (IOException) new SilenceException(HEAD_TIMEOUT).initCause(e);
        } catch (ExecutionException e) {
            throw new IOException(reason(e), e);
        }
    }

    private static void abandon(CompletableFuture<HttpResponse<AsyncBody>> sent) {
        sent.thenAccept(late -> late.body().cancel());
        sent.cancel(true);
    }

    /**
     * The server does not accept us, or cannot be reached: read the credentials anew, but not all the time. Requests that
     * are under way go on with the old ones, whose client goes when the last of them has ended.
     */
    synchronized void renew() {
        if (closed || System.nanoTime() - credentialsReadNanos < CREDENTIALS_INTERVAL.toNanos()) {
            return;
        }
        credentialsReadNanos = System.nanoTime();
        try {
            Credentials now = Credentials.resolve(options, serviceAccount);
            http = open(now);
            credentials = now;
        } catch (SourceException e) {
            LOG.warn("{}; the credentials that were read before stay in use", e.getMessage());
        }
    }

    /** Whether a trouble that all who ask the server have in common has not been told yet, or not for a while. */
    synchronized boolean isNews(String trouble, Instant now, Duration reminder) {
        if (trouble.equals(lastTrouble) && lastTroubleTold.plus(reminder).isAfter(now)) {
            return false;
        }
        lastTrouble = trouble;
        lastTroubleTold = now;
        return true;
    }

    @Override
    public synchronized void close() {
        closed = true;
        http.close();
    }

    private static String message(int code, byte[] body) {
        try {
            JsonNode status = JSON.readTree(body);
            String message = status.path("message").asString("");
            if (!message.isEmpty()) {
                return message;
            }
        } catch (JacksonException e) {
            LOG.debug("an error without a Status: {}", e.getMessage());
        }
        String text = new String(body, StandardCharsets.UTF_8).strip().lines().findFirst().orElse("");
        return text.isEmpty() ? "HTTP status " + code : text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }

    /** The innermost cause that says something, in a line for a person. */
    static String reason(Throwable failure) {
        String said = "";
        boolean refused = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            refused |= cause instanceof ConnectException;
            String line = firstLine(cause);
            if (!line.isEmpty()) {
                said = cause instanceof UnknownHostException ? "no such host: " + line : line;
            }
        }
        return said.isEmpty() ? refused ? "cannot be connected to" : failure.getClass().getSimpleName() : said;
    }

    private static String firstLine(Throwable cause) {
        String message = cause.getMessage();
        boolean saysNothing = message == null
                || cause.getCause() != null && message.equals(cause.getCause().toString());
        return saysNothing ? "" : String.valueOf(message).lines().findFirst().orElse("").strip();
    }
}
