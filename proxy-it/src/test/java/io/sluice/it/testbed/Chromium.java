package io.sluice.it.testbed;

import static org.awaitility.Awaitility.await;

import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A headless Chromium with one tab, driven by the DevTools protocol. */
public final class Chromium implements Closeable {

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private final Path profile = Files.createTempDirectory("sluice-chromium");
    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger next = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();

    /** Its program, if it is installed. */
    public static Optional<Path> program() {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":", -1))
                .flatMap(folder -> List.of("chromium", "chromium-browser", "google-chrome").stream()
                        .map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable).findFirst();
    }

    /** Starts it; {@link #program} must be there. */
    public Chromium() throws IOException, InterruptedException {
        process = new ProcessBuilder(program().orElseThrow().toString(), "--headless=new", "--no-sandbox",
                "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank")
                .redirectErrorStream(true).redirectOutput(profile.resolve("output").toFile()).start();
        Path port = profile.resolve("DevToolsActivePort");
        await("Chromium").atMost(PATIENCE).until(() -> Files.exists(port) && Files.readAllLines(port).size() > 1);
        JsonNode tabs = MAPPER.readTree(client.send(
                HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + Files.readAllLines(port).getFirst() + "/json/list")).build(),
                BodyHandlers.ofString()).body());
        String tab = "";
        for (JsonNode each : tabs) {
            if (each.path("type").asString("").equals("page")) {
                tab = each.path("webSocketDebuggerUrl").asString("");
            }
        }
        socket = client.newWebSocketBuilder().buildAsync(URI.create(tab), new Listener()).join();
    }

    /** Gathers answers. */
    private final class Listener implements WebSocket.Listener {

        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                JsonNode message = MAPPER.readTree(text.toString());
                text.setLength(0);
                CompletableFuture<JsonNode> waiting = answers.remove(message.path("id").asInt(-1));
                if (waiting != null) {
                    waiting.complete(message);
                }
            }
            from.request(1);
            return CompletableFuture.completedFuture(null);
        }
    }

    /** Sends one command and returns its result. */
    private JsonNode command(String method, Map<String, ?> parameters) {
        int id = next.incrementAndGet();
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        answers.put(id, answer);
        socket.sendText(MAPPER.writeValueAsString(Map.of("id", id, "method", method, "params", parameters)), true)
                .join();
        JsonNode message = answer.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
        if (message.has("error")) {
            throw new AssertionError(method + ": " + message.path("error"));
        }
        return message.path("result");
    }

    /** Goes to a page. */
    public Chromium open(String url) {
        command("Page.navigate", Map.of("url", url));
        return this;
    }

    /** Makes the window this large; a narrow one is a phone's. */
    public Chromium size(int width, int height) {
        command("Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
        return this;
    }

    /** Prefers dark or light colours. */
    public Chromium dark(boolean dark) {
        command("Emulation.setEmulatedMedia", Map.of("features",
                List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
        return this;
    }

    /** The value of an expression, as text. */
    public String value(String expression) {
        JsonNode result = command("Runtime.evaluate",
                Map.of("expression", "String(" + expression + ")", "returnByValue", true, "awaitPromise", true));
        if (result.has("exceptionDetails")) {
            return "exception: " + result.path("exceptionDetails");
        }
        return result.path("result").path("value").asString("");
    }

    /** Waits until an expression is true. */
    public Chromium awaitTrue(String expression) {
        await(expression).atMost(PATIENCE).until(() -> value(expression), "true"::equals);
        return this;
    }

    /** Presses and releases a key, named as by DOM's {@code KeyboardEvent.key}. */
    public Chromium press(String key) {
        for (String type : List.of("keyDown", "keyUp")) {
            command("Input.dispatchKeyEvent", key.length() == 1 && type.equals("keyDown")
                    ? Map.of("type", type, "key", key, "text", key)
                    : Map.of("type", type, "key", key, "code", key, "windowsVirtualKeyCode", code(key)));
        }
        return this;
    }

    private static int code(String key) {
        return switch (key) {
            case "Enter" -> 13;
            case "Escape" -> 27;
            case "End" -> 35;
            case "Home" -> 36;
            case "ArrowUp" -> 38;
            case "ArrowDown" -> 40;
            default -> 0;
        };
    }

    /** A picture of the window. */
    public byte[] picture() {
        return Base64.getDecoder()
                .decode(command("Page.captureScreenshot", Map.of("format", "png")).path("data").asString(""));
    }

    @Override
    public void close() throws IOException {
        socket.abort();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
        client.close();
        await().atMost(PATIENCE).until(() -> {
            Manifests.deleteTree(profile);
            return !Files.exists(profile);
        });
    }
}
