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
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks the API server, over HTTP/1.1 with a connection for each request that is under way: a dead connection then is one
 * request's trouble and not that of all that share it. Nothing is tried again here. Any thread.
 */
final class ApiClient implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ApiClient.class);

    /** No object of the API is nested so deeply; the code that reads it recurses nowhere, but what prints it may. */
    static final int DEEPEST = 100;
    /** Reads one value after the other out of a stream, within bounds. */
    static final JsonMapper JSON = JsonMapper
            .builder(JsonFactory.builder().streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEEPEST).maxStringLength(ObjectStream.LARGEST_OBJECT).build()).build())
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /** How long the server may take to begin an answer: a busy one is given up by itself after 60 s. */
    private static final Duration LONGEST_HEAD = Duration.ofSeconds(75);
    /** The same of a watch, which has nothing to collect before it begins. */
    private static final Duration LONGEST_HEAD_OF_WATCH = Duration.ofSeconds(30);
    /** Credentials are not read anew more often. */
    private static final Duration CREDENTIALS_INTERVAL = Duration.ofSeconds(10);
    private static final int LONGEST_ERROR = 64 * 1024;

    private final KubernetesOptions options;
    private final Path serviceAccount;
    private final ApiObserver observer;
    private HttpClient http;
    private Credentials credentials;
    private long credentialsReadNanos = System.nanoTime();
    private final ApiServerLocator locator = new ApiServerLocator(RandomGenerator.getDefault());
    private volatile boolean closed;
    private String lastTrouble = "";
    private long lastTroubleNanos;

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
        locator.configure(credentials.server(), credentials.protection());
    }

    private static HttpClient open(Credentials credentials) throws SourceException {
        try {
            return NamedServer.open(credentials);
        } catch (KubernetesClientException | IllegalArgumentException | IOException | GeneralSecurityException e) {
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

    /** Who decides at which address the server is asked. */
    ApiServerLocator locator() {
        return locator;
    }

    /** The URL that requests go to now, for people. */
    String currentServer() {
        return locator.current();
    }

    /** The URL to ask now. */
    String nextServer() {
        return locator.server(System.nanoTime());
    }

    /** See {@link ApiServerLocator#failed}. */
    int failed(String server) {
        return locator.failed(server, System.nanoTime());
    }

    /**
     * GET.
     *
     * @param server         of {@link #nextServer}: nothing else is ever shown the credentials
     * @param path           with its query, beginning with a slash
     * @param longestSilence how long the body may be silent before reading it fails
     * @param longest        how long all of it may take
     * @return the body of a 200; to be closed
     * @throws ApiException if the server answers with anything else
     * @throws IOException  if it does not answer; the message says why
     */
    InputStream get(String server, String path, Duration longestSilence, Duration longest) throws IOException {
        return request(server, path, longestSilence, longest, true);
    }

    /**
     * GET of a single object, of at most {@link ObjectStream#LARGEST_OBJECT}.
     *
     * @throws ApiException if the server answers with anything else
     * @throws IOException  if it does not answer; the message says why
     */
    JsonNode object(String server, String path) throws IOException {
        try (ObjectStream body = new ObjectStream(get(server, path, Duration.ofSeconds(30), Duration.ofSeconds(60)))) {
            JsonNode object = body.nextEvent();
            if (object == null) {
                throw new SuspectAnswerException("is empty");
            }
            return object;
        }
    }

    /** GET of a watch, whose time says nothing about the server and is not told to the observer. */
    InputStream watch(String server, String path, Duration longestSilence, Duration longest) throws IOException {
        return request(server, path, longestSilence, longest, false);
    }

    private InputStream request(String server, String path, Duration longestSilence, Duration longest, boolean timed)
            throws IOException {
        String host = host(server);
        long begun = System.nanoTime();
        ResponseBody body = new ResponseBody(longestSilence, longest, () -> {
            if (timed) {
                observer.took("GET", host, Duration.ofNanos(System.nanoTime() - begun));
            }
        });
        HttpResponse<AsyncBody> head;
        try {
            head = head(server + path, timed ? LONGEST_HEAD : LONGEST_HEAD_OF_WATCH, longest, body);
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

    /** The client's own timeout is for the whole answer from Java 26 on. */
    private HttpResponse<AsyncBody> head(String url, Duration longestHead, Duration longest, ResponseBody body)
            throws IOException {
        HttpClient client;
        synchronized (this) {
            client = http;
        }
        CompletableFuture<HttpResponse<AsyncBody>> sent;
        try {
            sent = client.consumeBytes(
                    client.newHttpRequestBuilder().uri(url).header("Accept", "application/json")
                            .timeout(longest.toMillis(), TimeUnit.MILLISECONDS).build(),
                    body);
        } catch (IllegalStateException | RejectedExecutionException e) {
            if (closed) {
                throw new IOException("no more is asked", e);
            }
            throw e;
        }
        try {
            return sent.get(longestHead.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            abandon(sent);
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } catch (TimeoutException e) {
            abandon(sent);
            throw (IOException) new SilenceException(longestHead).initCause(e);
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
            locator.configure(now.server(), now.protection());
        } catch (SourceException e) {
            LOG.warn("{}; the credentials that were read before stay in use", e.getMessage());
        }
    }

    /** Whether a trouble that all who ask the server have in common has not been told yet, or not for a while. */
    synchronized boolean isNews(String trouble, long now, Duration reminder) {
        if (trouble.equals(lastTrouble) && now - lastTroubleNanos < reminder.toNanos()) {
            return false;
        }
        lastTrouble = trouble;
        lastTroubleNanos = now;
        return true;
    }

    /** A watch goes on: what trouble comes after that is another one. */
    synchronized void recovered() {
        lastTrouble = "";
    }

    /** Requests that are under way, and those to come, fail with an {@link IOException}. */
    @Override
    public synchronized void close() {
        closed = true;
        http.close();
    }

    private static String message(int code, byte[] body) {
        if (code >= 300 && code < 400) {
            return "HTTP status " + code + ": a redirection, which is not followed; configure the server's own URL";
        }
        try {
            String message = ApiException.line(JSON.readTree(body).path("message").asString(""));
            if (!message.isEmpty()) {
                return message;
            }
        } catch (JacksonException e) {
            LOG.debug("an error without a Status: {}", e.getMessage());
        }
        String text = ApiException.line(new String(body, StandardCharsets.UTF_8));
        return text.isEmpty() ? "HTTP status " + code : text;
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
