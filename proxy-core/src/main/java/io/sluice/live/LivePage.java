package io.sluice.live;

import io.sluice.healthcheck.Health;
import io.sluice.healthcheck.HealthStatus;
import io.sluice.http.Response;
import io.sluice.http.Route;
import io.sluice.metrics.ProxyMetrics;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code /}: a page for a browser that follows the daemon, its files below {@code /assets}, and {@code /api/v1/live}, the
 * stream that it reads. Everything comes from this address, and no code stands in the page itself: its policy allows neither.
 */
public final class LivePage {

    /** The path of the stream. */
    public static final String STREAM = "/api/v1/live";

    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    private static final String JAVASCRIPT = "text/javascript; charset=utf-8";
    private static final Map<String, String> ASSETS = Map.of("page.js", JAVASCRIPT, "detail.js", JAVASCRIPT, "list.js",
            JAVASCRIPT, "stream.js", JAVASCRIPT, "dom.js", JAVASCRIPT, "page.css", "text/css; charset=utf-8",
            "icon.svg",
            "image/svg+xml");

    private final LiveBoard board;
    private final Map<String, Route> routes = new LinkedHashMap<>();

    /** Reads the files; nothing else happens before a page is open. */
    public LivePage(HealthStatus status, Health health, ProxyMetrics metrics) {
        board = new LiveBoard(new LiveView(status, health, metrics));
        routes.put("/", file("page.html", "text/html; charset=utf-8"));
        ASSETS.forEach((name, type) -> routes.put("/assets/" + name, file(name, type)));
        routes.put(STREAM, Route.view(request -> answer()));
    }

    /** What is served, by exact path. */
    public Map<String, Route> routes() {
        return routes;
    }

    private Response answer() {
        return board.isFull()
                ? Response.error(503, LiveBoard.TOO_MANY)
                : Response.events(wake -> new LiveFeed(board, wake));
    }

    private static Route file(String name, String type) {
        byte[] content = read(name);
        Response response = new Response(200, type, out -> out.write(content)).with("Content-Security-Policy", POLICY)
                .with("Referrer-Policy", "no-referrer");
        return Route.view(request -> response);
    }

    private static byte[] read(String name) {
        try (InputStream in = LivePage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the program is incomplete: " + name + " is missing");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
