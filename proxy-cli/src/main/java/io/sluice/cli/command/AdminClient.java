package io.sluice.cli.command;

import io.sluice.admin.Admin;
import io.sluice.cli.config.ServerFlag;
import io.sluice.text.Printable;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.Reader;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/** Asks a running daemon for its views over HTTP. */
public final class AdminClient {

    private static final Duration USUAL_TIMEOUT = Duration.ofSeconds(5);

    /** The largest response: that of a daemon with tens of thousands of Services is a tenth, but another program may answer. */
    private static final HttpResponse.BodyHandler<String> BODY =
            HttpResponse.BodyHandlers.limiting(HttpResponse.BodyHandlers.ofString(), 512L * 1024 * 1024);

    /** Of server-sent events, in characters; those of sluice have some kilobytes. */
    private static final int LONGEST_LINE = 1 << 20;

    private final String address;
    private final URI base;
    private final PrintWriter err;
    private final Duration timeout;
    private boolean toldDraining;

    private AdminClient(String address, URI base, PrintWriter err, Duration timeout) {
        this.address = address;
        this.base = base;
        this.err = err;
        this.timeout = timeout;
    }

    /** This client, which waits no longer than {@code limit}. */
    AdminClient within(Duration limit) {
        return new AdminClient(address, base, err, limit);
    }

    /**
     * A client of the daemon at {@code host:port} or {@code http://host:port}.
     *
     * @throws IllegalArgumentException if {@code address} is neither; the message names it
     */
    private static AdminClient at(String address, PrintWriter err) {
        String authority = address.replaceFirst("^http://", "").replaceFirst("/$", "");
        try {
            URI base = URI.create("http://" + authority + "/api/v1/");
            if (base.getHost() != null && base.getPort() > 0) {
                return new AdminClient(authority, base, err, USUAL_TIMEOUT);
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + address + "' is not an address like " + ServerFlag.DEFAULT_ADDRESS,
                    e);
        }
        throw new IllegalArgumentException("'" + address + "' is not an address like " + ServerFlag.DEFAULT_ADDRESS);
    }

    /** A client of the daemon at {@code address}, the value of {@code command}'s {@link ServerFlag}. */
    public static AdminClient of(CommandSpec command, String address) {
        try {
            return at(address, command.commandLine().getErr());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), "--server: " + e.getMessage());
        }
    }

    /**
     * The objects of one view.
     *
     * @param view      the last part of its path
     * @param namespace only objects of this namespace; null for all
     * @param service   only this Service; null for all
     */
    List<JsonNode> items(String view, @Nullable String namespace, @Nullable String service)
            throws FailureException, InterruptedException {
        return items(view, query(namespace, service));
    }

    /**
     * Why connections to a Service go where they go, one object for each port and family.
     *
     * @param query the parameters by name, not encoded
     */
    List<JsonNode> explain(Map<String, String> query) throws FailureException, InterruptedException {
        return items("explain", encoded(query));
    }

    /**
     * Everything about one connection.
     *
     * @param wanted the client's address and port, or the number of the connection
     */
    JsonNode connection(String wanted) throws FailureException, InterruptedException {
        JsonNode connection = get("explain", encoded(Map.of("connection", wanted))).path("connection");
        if (!connection.isObject()) {
            throw new FailureException("what answers at " + address + " is not sluice, or an older one");
        }
        return connection;
    }

    /**
     * A view as it is.
     *
     * @param view  the last part of its path, and the name of the list in it
     * @param query the parameters by name, not encoded
     */
    JsonNode page(String view, Map<String, String> query) throws FailureException, InterruptedException {
        JsonNode page = get(view, encoded(query));
        if (!page.path(view).isArray()) {
            throw new FailureException("what answers at " + address + " is not sluice: it has no " + view);
        }
        return page;
    }

    /**
     * Reads server-sent events until the daemon ends the stream.
     *
     * @param answered called when the daemon begins to answer
     * @param each     takes the data of each event
     * @throws ConnectionLostException when the stream has ended, or no daemon answers
     * @throws FailureException        if the daemon does not give what is asked for
     */
    void watch(String view, Map<String, String> query, Runnable answered, Consumer<JsonNode> each)
            throws FailureException, InterruptedException {
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(timeout).build()) {
            HttpResponse<InputStream> response = client.send(
                    HttpRequest.newBuilder(base.resolve(view + encoded(query))).timeout(timeout)
                            .header("Accept", "text/event-stream").build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            try (Reader body = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                if (response.statusCode() != 200) {
                    JsonNode refused = JsonMapper.shared().readTree(line(body));
                    throw new FailureException(refused.path("error").asString("the daemon at " + address + " answered "
                            + response.statusCode()));
                }
                answered.run();
                for (String line = line(body); line != null; line = line(body)) {
                    if (line.startsWith("data:")) {
                        each.accept(JsonMapper.shared().readTree(line.substring("data:".length())));
                    }
                }
            }
            throw new ConnectionLostException("the daemon at " + address + " has ended");
        } catch (JacksonException e) {
            throw new FailureException("what answers at " + address + " is not sluice: its answer is not JSON", e);
        } catch (ConnectException e) {
            throw new ConnectionLostException("no sluice answers at " + address + " any more", e);
        } catch (IOException e) {
            throw new ConnectionLostException("no answer from " + address + " any more: " + e.getMessage(), e);
        }
    }

    /** A line of bounded length; null at the end. */
    private static @Nullable String line(Reader from) throws IOException {
        StringBuilder line = new StringBuilder();
        int read = from.read();
        if (read < 0) {
            return null;
        }
        while (read >= 0 && read != '\n') {
            if (line.length() == LONGEST_LINE) {
                throw new IOException("a line is longer than " + LONGEST_LINE + " characters");
            }
            line.append((char) read);
            read = from.read();
        }
        return line.toString();
    }

    private static String encoded(Map<String, String> query) {
        StringBuilder text = new StringBuilder();
        query.forEach((name, value) -> text.append(text.isEmpty() ? '?' : '&').append(name).append('=')
                .append(URLEncoder.encode(value, StandardCharsets.UTF_8)));
        return text.toString();
    }

    private List<JsonNode> items(String view, String query) throws FailureException, InterruptedException {
        JsonNode items = get(view, query).path(view);
        if (!items.isArray()) {
            throw new FailureException("what answers at " + address + " is not sluice: it has no " + view);
        }
        return items.valueStream().toList();
    }

    /**
     * How a Pod finds Services.
     *
     * @param pod the Pod whose settings count; null for the defaults of a Pod
     */
    public JsonNode environment(String namespace, @Nullable String pod) throws FailureException, InterruptedException {
        return environment(namespace, pod, Map.of());
    }

    /**
     * The same.
     *
     * @param more further parameters by name, not encoded
     */
    JsonNode environment(String namespace, @Nullable String pod, Map<String, String> more)
            throws FailureException, InterruptedException {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("namespace", namespace);
        if (pod != null) {
            query.put("pod", pod);
        }
        query.putAll(new TreeMap<>(more));
        JsonNode environment = get("environment", encoded(query));
        if (!environment.path("variables").isObject()) {
            throw new FailureException("what answers at " + address + " is not sluice: it has no variables");
        }
        String notice = environment.path("notice").asString("");
        if (!notice.isEmpty()) {
            err.println("sluice: " + Printable.of(notice));
        }
        return environment;
    }

    private JsonNode get(String view, String query) throws FailureException, InterruptedException {
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(timeout).build()) {
            HttpRequest request = HttpRequest.newBuilder(base.resolve(view + query)).timeout(timeout)
                    .header("Accept", "application/json").build();
            HttpResponse<String> response = client.send(request, BODY);
            JsonNode body = response.statusCode() == 200 || isJson(response)
                    ? JsonMapper.shared().readTree(response.body())
                    : MissingNode.getInstance();
            String reason = body.path("error").asString("");
            if (response.statusCode() != 200) {
                throw new FailureException(reason.isEmpty() || reason.startsWith("nothing is here")
                        ? "the daemon at " + address + " answered " + response.statusCode() + " to GET "
                                + base.resolve(view).getPath() + ": is it another program, or an older sluice?"
                        : reason);
            }
            tellDraining(response);
            return body;
        } catch (ConnectException e) {
            throw new FailureException("no sluice answers at " + address
                    + ": start one with 'sluice run', or say --server ADDRESS", e);
        } catch (HttpTimeoutException e) {
            throw new FailureException("the daemon at " + address + " did not answer within " + timeout.toSeconds()
                    + " s", e);
        } catch (JacksonException e) {
            throw new FailureException("what answers at " + address + " is not sluice: its answer is not JSON", e);
        } catch (IOException e) {
            throw new FailureException("no answer from " + address + ": " + e.getMessage(), e);
        }
    }

    /** Who starts a daemon while the one before still drains would take its views for those of the new one. */
    private void tellDraining(HttpResponse<String> response) {
        OptionalLong open = response.headers().firstValueAsLong(Admin.DRAINING);
        if (open.isPresent() && !toldDraining) {
            toldDraining = true;
            err.println(
                    "sluice: the daemon at " + address + " is ending: it takes no connections any more, and waits for "
                            + open.getAsLong() + " that " + (open.getAsLong() == 1 ? "is" : "are") + " open");
            err.flush();
        }
    }

    private static boolean isJson(HttpResponse<String> response) {
        return response.headers().firstValue("Content-Type").filter(type -> type.startsWith("application/json"))
                .isPresent();
    }

    private static String query(@Nullable String namespace, @Nullable String service) {
        StringBuilder query = new StringBuilder("?limit=").append(Integer.MAX_VALUE);
        if (namespace != null) {
            query.append("&namespace=").append(URLEncoder.encode(namespace, StandardCharsets.UTF_8));
        }
        if (service != null) {
            query.append("&service=").append(URLEncoder.encode(service, StandardCharsets.UTF_8));
        }
        return query.toString();
    }
}
