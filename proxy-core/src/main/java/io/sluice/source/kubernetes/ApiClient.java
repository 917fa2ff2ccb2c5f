package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpResponse;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sends requests to the API server, over HTTP/1.1 with a connection for each request in flight: a dead connection
 * then fails one request, and not all that share it. It repeats no request. Any thread.
 */
final class ApiClient implements ApiRequests, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ApiClient.class);

    /** No object of the API is nested so deeply; the readers do not recurse, but code that prints an object may. */
    static final int DEEPEST = 100;
    /** Reads a sequence of values from a stream, within bounds. */
    static final JsonMapper JSON = JsonMapper
            .builder(JsonFactory.builder().streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEEPEST).maxStringLength(ObjectStream.LARGEST_OBJECT).build()).build())
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /** How long the server may take to begin a response: a busy one gives up after 60 s itself. */
    private static final Duration LONGEST_HEAD = Duration.ofSeconds(75);
    /** The same for a watch, which has nothing to collect before it begins. */
    private static final Duration LONGEST_HEAD_OF_WATCH = Duration.ofSeconds(30);
    /** Watches that cannot be resumed within this time of each other are logged once. */
    private static final Duration GONE_TOGETHER = Duration.ofMinutes(1);
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");
    private static final int LONGEST_ERROR = 64 * 1024;
    /** The TLS alert of a server that supports HTTP/2 only: RFC 7301. */
    private static final String NO_COMMON_PROTOCOL = "no_application_protocol";

    private final ApiObserver observer;
    private final ApiLogin login;
    private final ApiServerLocator locator = new ApiServerLocator(RandomGenerator.getDefault());
    private volatile boolean closed;
    private String lastTrouble = "";
    private long lastTroubleNanos;
    private boolean gone;
    private long goneNanos;

    /**
     * Reads the files with the credentials; connects to nothing and asks no credential plugin yet.
     *
     * @throws SourceException if they cannot be used
     */
    ApiClient(KubernetesOptions options, Path serviceAccount, ApiObserver observer) throws SourceException {
        this(new ApiLogin(options, serviceAccount, CredentialPlugin.LONGEST), observer);
    }

    ApiClient(ApiLogin login, ApiObserver observer) {
        this.login = login;
        this.observer = observer;
        configure();
    }

    private void configure() {
        Credentials now = login.credentials();
        locator.configure(now.server(), now.protection());
    }

    /** The URL that was configured. */
    String server() {
        return login.credentials().server();
    }

    @Override
    public String origin() {
        return login.credentials().origin();
    }

    /** Chooses the address of the server. */
    ApiServerLocator locator() {
        return locator;
    }

    /** The URL that requests go to now, for messages. */
    String currentServer() {
        return locator.current();
    }

    @Override
    public String nextServer() {
        return locator.server(System.nanoTime());
    }

    @Override
    public int failed(String server) {
        return locator.failed(server, System.nanoTime());
    }

    @Override
    public InputStream get(String server, String path, Duration longestSilence, Duration longest) throws IOException {
        return request(server, path, longestSilence, longest, true);
    }

    /**
     * GET of a single object, of at most {@link ObjectStream#LARGEST_OBJECT}.
     *
     * @throws ApiException if the server responds with another status
     * @throws IOException  if it does not respond; the message says why
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

    @Override
    public InputStream watch(String server, String path, Duration longestSilence, Duration longest) throws IOException {
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
        String encoding = head.header("Content-Encoding");
        boolean encoded = encoding != null && !encoding.equalsIgnoreCase("identity");
        if (head.code() == 200 && !encoded) {
            return body;
        }
        try (body) {
            if (head.code() == 200) {
                throw new SuspectAnswerException("is compressed (Content-Encoding: " + ApiException.line(encoding)
                        + "), which was not asked for: something between changes it");
            }
            throw new ApiException(head.code(),
                    message(head.code(), encoded ? new byte[0] : body.readNBytes(LONGEST_ERROR)),
                    retryAfter(head.code(), head.header("Retry-After")));
        }
    }

    /** An API server sends seconds, with 429 and with 5xx; a date, which HTTP allows as well, is ignored as by client-go. */
    static Duration retryAfter(int code, @Nullable String header) {
        return (code == 429 || code >= 500) && header != null && SECONDS.matcher(header.strip()).matches()
                ? Duration.ofSeconds(Long.parseLong(header.strip()))
                : Duration.ZERO;
    }

    private static String host(String server) {
        URI uri = URI.create(server);
        return uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
    }

    /** The client's own timeout covers the whole response from Java 26 on. */
    private HttpResponse<AsyncBody> head(String url, Duration longestHead, Duration longest, ResponseBody body)
            throws IOException {
        HttpClient client = login.client();
        CompletableFuture<HttpResponse<AsyncBody>> sent;
        try {
            sent = client.consumeBytes(
                    client.newHttpRequestBuilder().uri(url).header("Accept", "application/json")
                            .timeout(longest.toMillis(), TimeUnit.MILLISECONDS).build(),
                    body);
        } catch (IllegalStateException | RejectedExecutionException e) {
            if (closed) {
                throw new IOException("the client is closed", e);
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

    @Override
    public void renew(boolean refused) {
        if (login.renew(refused)) {
            configure();
        }
    }

    @Override
    public synchronized boolean shouldLog(String trouble, long now, Duration reminder) {
        if (trouble.equals(lastTrouble) && now - lastTroubleNanos < reminder.toNanos()) {
            return false;
        }
        lastTrouble = trouble;
        lastTroubleNanos = now;
        return true;
    }

    @Override
    public synchronized boolean shouldLogGone(long now) {
        if (gone && now - goneNanos < GONE_TOGETHER.toNanos()) {
            return false;
        }
        gone = true;
        goneNanos = now;
        return true;
    }

    @Override
    public synchronized void recovered() {
        lastTrouble = "";
    }

    /** Requests in flight, and later ones, fail with an {@link IOException}. */
    @Override
    public void close() {
        closed = true;
        login.close();
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

    /** The message of the innermost cause that has one, in one line for the user. */
    static String reason(Throwable failure) {
        String message = "";
        boolean refused = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            refused |= cause instanceof ConnectException;
            String line = firstLine(cause);
            if (!line.isEmpty()) {
                message = cause instanceof UnknownHostException ? "no such host: " + line : line;
            }
        }
        if (message.endsWith(NO_COMMON_PROTOCOL)) {
            return "it offers no HTTP/1.1 (TLS alert no_application_protocol), and Sluice does not use HTTP/2:"
                    + " let the balancer in front of it offer http/1.1 (ALPN)";
        }
        return message.isEmpty() ? refused ? "cannot be connected to" : failure.getClass().getSimpleName() : message;
    }

    private static String firstLine(Throwable cause) {
        String message = cause.getMessage();
        boolean saysNothing = message == null
                || cause.getCause() != null && message.equals(cause.getCause().toString());
        return saysNothing ? "" : String.valueOf(message).lines().findFirst().orElse("").strip();
    }
}
