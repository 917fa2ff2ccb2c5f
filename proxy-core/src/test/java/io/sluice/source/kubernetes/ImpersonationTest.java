package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.sluice.source.SourceException;
import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A user of a kubeconfig who acts as another one. */
class ImpersonationTest {

    @TempDir
    private Path directory;

    private KubernetesOptions kubeconfig(String server, String user) throws IOException {
        Path file = Files.writeString(directory.resolve("config"), """
                apiVersion: v1
                kind: Config
                current-context: c
                contexts: [{name: c, context: {cluster: c, user: u}}]
                clusters: [{name: c, cluster: {server: "%s"}}]
                users: [{name: u, user: %s}]
                """.formatted(server, user));
        return new KubernetesOptions(Optional.of(file), Optional.empty(), Optional.empty(), "node", EndpointsFrom.AUTO,
                Duration.ofMinutes(3), Optional.empty(), false, false, Map.of());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
            "{token: t} | {}",
            "{as: jane} | {Impersonate-User=[jane]}",
            "{as: 'system:serviceaccount:a:b', as-uid: '7'} | {Impersonate-Uid=[7], Impersonate-User=[system:serviceaccount:a:b]}",
            "{as: jane, as-groups: [dev, ops]} | {Impersonate-Group=[dev, ops], Impersonate-User=[jane]}",
            "{as: jane, as-user-extra: {scopes: [view, edit]}} | {Impersonate-Extra-scopes=[view, edit], Impersonate-User=[jane]}",
            "{as: jane, as-user-extra: {'a.io/b c%é': [x]}} | {Impersonate-Extra-a.io%2Fb%20c%25%C3%A9=[x], Impersonate-User=[jane]}"})
    void each_request_says_as_whom_it_is_made(String user, String expected) throws Exception {
        AtomicReference<Map<String, List<String>>> seen = new AtomicReference<>(Map.of());
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
        server.createContext("/", exchange -> {
            Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            headers.putAll(exchange.getRequestHeaders());
            headers.keySet().removeIf(name -> !name.toLowerCase(Locale.ROOT).startsWith("impersonate-"));
            seen.set(headers);
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        try (ApiClient client = new ApiClient(
                kubeconfig("http://127.0.0.1:" + server.getAddress().getPort(), user), directory, ApiObserver.DEAF);
                InputStream body = client.get(client.nextServer(), "/api", Duration.ofSeconds(10),
                        Duration.ofSeconds(10))) {
            body.readAllBytes();
        } finally {
            server.stop(0);
        }

        assertThat(seen.get().toString()).isEqualToIgnoringCase(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {"{as-groups: [dev]} | as-groups or as-user-extra without 'as'",
            "{as-uid: '7'} | as-groups or as-user-extra without 'as'",
            "{as-user-extra: {a: [b]}} | as-groups or as-user-extra without 'as'",
            "{as: jürgen} | in 'as' what no HTTP header can have",
            "{as: \"a\\nb\"} | in 'as' what no HTTP header can have",
            "{as: a, as-groups: [\"b\\r\"]} | in 'as-groups' what no HTTP header can have"})
    void what_cannot_be_said_so_ends_the_start(String user, String why) throws IOException {
        KubernetesOptions options = kubeconfig("https://a", user);

        assertThatThrownBy(() -> Credentials.resolve(options, directory)).isInstanceOf(SourceException.class)
                .hasMessageContaining(why).hasMessageNotContaining("\n");
    }

    @Test
    void who_acts_as_nobody_else_sends_nothing_of_it() throws Exception {
        assertThat(Credentials.resolve(kubeconfig("https://a", "{}"), directory).impersonation())
                .isEqualTo(Impersonation.NONE);
    }
}
