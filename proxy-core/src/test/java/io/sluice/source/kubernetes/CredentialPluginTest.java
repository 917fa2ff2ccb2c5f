package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A credential plugin gets what client-go gives it, and whatever it does ends in a token or in one line. */
class CredentialPluginTest {

    private static final String TOKEN = """
            printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"%s}}'
            """;

    @TempDir
    private Path directory;

    private final List<String> seen = new CopyOnWriteArrayList<>();
    private volatile int code = 200;
    private HttpServer server;

    @BeforeEach
    void listen() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            seen.add(exchange.getRequestHeaders().getFirst("Authorization"));
            exchange.sendResponseHeaders(code, -1);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void end() {
        server.stop(0);
    }

    private ApiLogin login(String script, String exec, Duration longest) throws IOException, SourceException {
        Path plugin =
                Files.writeString(directory.resolve("plugin.sh"), "#!/bin/sh\ncd \"$(dirname \"$0\")\"\n" + script);
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path file = Files.writeString(directory.resolve("config"), """
                apiVersion: v1
                kind: Config
                current-context: c
                contexts: [{name: c, context: {cluster: c, user: u}}]
                clusters:
                - name: c
                  cluster:
                    server: "http://127.0.0.1:%d"
                    extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: 7}}]
                users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, %s}}}]
                """.formatted(server.getAddress().getPort(), exec));
        return new ApiLogin(KubernetesOptions.builder("node").kubeconfig(Optional.of(file))
                .environment(Map.of("PATH", "/usr/bin:/bin")).build(), directory, longest);
    }

    private ApiClient client(String script, String exec) throws IOException, SourceException {
        return new ApiClient(login(script, exec, Duration.ofSeconds(20)), ApiObserver.DEAF);
    }

    private static void request(ApiClient client) throws IOException {
        client.get(client.nextServer(), "/", Duration.ofSeconds(10), Duration.ofSeconds(20)).close();
    }

    @Test
    void it_gets_its_arguments_as_they_stand_and_the_cluster_in_a_variable() throws Exception {
        try (ApiClient client = client("""
                printf '%%s\\n' "$#" "$@" "$MORE" "$KUBERNETES_EXEC_INFO" >seen
                """.formatted() + TOKEN.formatted("abc", ""),
                "command: ./plugin.sh, args: ['--secret=a$HOME`id`', 'two words'], env: [{name: MORE, value: m}], "
                        + "interactiveMode: IfAvailable, provideClusterInfo: true")) {
            assertThat(directory.resolve("seen")).doesNotExist();
            request(client);

            assertThat(seen).containsExactly("Bearer abc");
            assertThat(Files.readAllLines(directory.resolve("seen"))).containsExactly("2", "--secret=a$HOME`id`",
                    "two words", "m",
                    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{"
                            + "\"cluster\":{\"server\":\"http://127.0.0.1:" + server.getAddress().getPort()
                            + "\",\"config\":{\"audience\":7}},\"interactive\":false}}");
        }
    }

    @Test
    void it_is_asked_again_when_what_it_issued_has_expired_and_not_for_each_request() throws Exception {
        String script = "echo once >>runs\nnumber=$(wc -l <runs)\n";
        try (ApiClient client = client(script + TOKEN.formatted("'$number'", ""), "command: ./plugin.sh, args: null")) {
            request(client);
            request(client);
            assertThat(seen).containsExactly("Bearer 1", "Bearer 1");
        }
        try (ApiClient client = client(script + TOKEN.formatted("'$number'", ",\"expirationTimestamp\":\""
                + Instant.now().minusSeconds(9) + "\""), "command: ./plugin.sh")) {
            request(client);
            request(client);
            assertThat(seen).containsExactly("Bearer 1", "Bearer 1", "Bearer 2", "Bearer 3");
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
            "echo >&2; echo line >&2; echo no session, log in >&2; exit 7 | './plugin.sh' ended with exit code 7: no session, log in",
            "exit 3 | ended with exit code 3", "echo s3cret | printed no JSON",
            "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}' | of 'client.authentication.k8s.io/v1beta1', which has to be ExecCredential of client.authentication.k8s.io/v1",
            "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}' | neither a token nor a client certificate",
            "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"clientKeyData\":\"s3cret\"}}' | printed a client certificate without its key, or a key without it",
            "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"s3cret\",\"expirationTimestamp\":\"soon\"}}' | an expirationTimestamp that is no time: soon"})
    void what_goes_wrong_is_one_line_and_the_plugin_is_not_run_for_each_request(String script, String why)
            throws Exception {
        try (ApiClient client = client("echo once >>runs\n" + script + "\n", "command: ./plugin.sh")) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> request(client)).isInstanceOf(IOException.class)
                        .satisfies(e -> assertThat(ApiClient.reason(e)).contains("the credential plugin").contains(why)
                                .doesNotContain("s3cret").doesNotContain("\n"));
            }
            assertThat(Files.readAllLines(directory.resolve("runs"))).hasSize(1);
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', value = {
            "command: no-such-plugin, installHint: \"get it\\n\\n at example.com\" | 'no-such-plugin' is not installed: no such program in PATH; get it at example.com",
            "command: ./none | './none' is not installed: no such program", "command: null | has no command",
            "command: ./plugin.sh, interactiveMode: Always | has interactiveMode Always, and there is nobody to answer it",
            "command: ./plugin.sh, apiVersion: client.authentication.k8s.io/v1alpha1 | v1alpha1'; it has to be"})
    void what_can_never_work_ends_the_start(String exec, String why) {
        assertThatThrownBy(() -> login("", exec, Duration.ofSeconds(20))).isInstanceOf(SourceException.class)
                .hasMessageContaining(why).hasMessageNotContaining("\n");
    }

    @Test
    void one_that_hangs_holds_up_requests_for_a_time_and_nothing_else() throws Exception {
        ApiLogin login = login("sleep 600 & echo $! >child\nwait\n", "command: ./plugin.sh", Duration.ofSeconds(1));
        try (ApiClient client = new ApiClient(login, ApiObserver.DEAF)) {
            Thread waiting = Thread.ofVirtual()
                    .start(() -> assertThatThrownBy(() -> request(client)).isInstanceOf(IOException.class)
                            .hasMessageContaining("had not ended after 1 s"));
            assertThat(client.server()).startsWith("http://127.0.0.1:");
            client.renew(true);
            assertThat(waiting.join(Duration.ofSeconds(30))).isTrue();
            long child = Long.parseLong(Files.readString(directory.resolve("child")).strip());
            await().until(() -> ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
        }
    }

    @Test
    void one_that_hangs_ends_with_its_client() throws Exception {
        ApiLogin login = login("sleep 600\n", "command: ./plugin.sh", Duration.ofMinutes(10));
        ApiClient client = new ApiClient(login, ApiObserver.DEAF);
        Thread waiting = Thread.ofVirtual()
                .start(() -> assertThatThrownBy(() -> request(client)).isInstanceOf(IOException.class));
        client.close();
        assertThat(waiting.join(Duration.ofSeconds(30))).isTrue();
    }
}
