package io.sluice.it.testbed;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A developer's program in a process of its own: a small HTTP server at {@code HOST} and {@code PORT} that answers with the name
 * of the Pod that it plays, {@code /via/NAME:PORT} with what another one answers, and ends on {@code /exit}.
 */
public final class PodProgram {

    private PodProgram() {}

    /** The words that start it. */
    public static List<String> command() {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-Xshare:auto", "-cp", System.getProperty("java.class.path"), PodProgram.class.getName());
    }

    /** Serves until it is ended. */
    public static void main(String[] args) throws IOException {
        Map<String, String> environment = System.getenv();
        HttpServer server = HttpServer.create(new InetSocketAddress(environment.get("HOST"),
                Integer.parseInt(environment.get("PORT"))), 0);
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            if (path.equals("/exit")) {
                Runtime.getRuntime().halt(7);
            }
            byte[] answer = path.startsWith("/via/")
                    ? URI.create("http://" + path.substring("/via/".length()) + "/").toURL().openStream().readAllBytes()
                    : environment.get("POD_NAME").getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Connection", "close");
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        System.out.println("listening at " + server.getAddress());
    }
}
