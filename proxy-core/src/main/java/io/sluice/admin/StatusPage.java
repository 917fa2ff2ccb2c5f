package io.sluice.admin;

import io.sluice.healthcheck.Health;
import io.sluice.http.Response;
import io.sluice.text.Printable;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** {@code /} of an address with health checks alone: a page with its paths and a summary of the state. */
final class StatusPage {

    private final Health health;
    private final DaemonStatus status;
    private final Set<String> paths;

    StatusPage(DaemonStatus status, Health health, Set<String> paths) {
        this.status = status;
        this.health = health;
        this.paths = new TreeSet<>(paths);
    }

    Response show() {
        Health.ReadyView ready = health.ready();
        String summary = (ready.ready() ? "Ready" : ready.draining() ? "Draining" : "Not ready") + ". "
                + status.applied().map(a -> a.snapshot().services().size() + " Services").orElse("No Services yet")
                + ", " + ready.failedListeners().size() + " failed listeners, " + ready.problems().size()
                + " problems. " + ready.detail();
        String links = paths.stream().map(path -> "<li><a href=\"" + path + "\">" + path + "</a></li>")
                .collect(Collectors.joining("\n"));
        return Response.html("""
                <!DOCTYPE html>
                <html lang="en">
                <head><meta charset="utf-8"><title>sluice</title>
                <style>body { font: 16px/1.5 system-ui, sans-serif; margin: 2em; }</style></head>
                <body>
                <h1>sluice %s</h1>
                <p>%s</p>
                <ul>
                %s
                </ul>
                </body>
                </html>
                """.formatted(escape(ready.version()), escape(summary), links));
    }

    private static String escape(String text) {
        return Printable.of(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
