package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.source.InputFile;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The API server is found as kubectl finds it, and what cannot work is told in one line. */
class CredentialsTest {

    @TempDir
    private Path directory;
    private Path account;

    @BeforeEach
    void serviceAccountIsElsewhere() throws IOException {
        account = Files.createDirectory(directory.resolve("account"));
    }

    private Path kubeconfig(String name, String current, String context, String server, String user)
            throws IOException {
        return Files.writeString(directory.resolve(name), """
                apiVersion: v1
                kind: Config
                current-context: "%s"
                contexts: [{name: %s, context: {cluster: c-%s, user: u-%s}}]
                clusters: [{name: c-%s, cluster: {server: "%s"}}]
                users: [{name: u-%s, user: %s}]
                """.formatted(current, context, context, context, context, server, context, user));
    }

    private Credentials resolve(String file, String context, String server, Map<String, String> environment)
            throws SourceException {
        return Credentials.resolve(KubernetesOptions.builder("node")
                .kubeconfig(Optional.ofNullable(file).map(directory::resolve)).context(Optional.ofNullable(context))
                .server(Optional.ofNullable(server)).environment(environment).build(), account);
    }

    @Test
    void the_file_that_is_given_wins_over_the_environment() throws Exception {
        kubeconfig("a", "a", "a", "https://a:6443/", "{token: t}");
        Path b = kubeconfig("b", "b", "b", "https://b:6443", "{}");
        Credentials found = resolve("a", null, null, Map.of("KUBECONFIG", b.toString()));

        assertThat(found.server()).isEqualTo("https://a:6443");
        assertThat(found.config().getAutoOAuthToken()).isEqualTo("t");
    }

    @Test
    void several_files_are_merged_and_the_first_wins() throws Exception {
        Path a = kubeconfig("a", "", "a", "https://a:6443", "{}");
        Path b = kubeconfig("b", "b", "b", "https://b:6443", "{}");
        Path c = kubeconfig("c", "a", "b", "https://other:6443", "{}");
        Map<String, String> environment = Map.of("KUBECONFIG", a + ":" + directory.resolve("none") + ":" + b + ":" + c);

        assertThat(resolve(null, null, null, environment).server()).isEqualTo("https://b:6443");
        assertThat(resolve(null, "a", null, environment).server()).isEqualTo("https://a:6443");
        assertThat(resolve(null, "a", "https://x:1", environment).server()).isEqualTo("https://x:1");
    }

    @Test
    void then_comes_the_home_directory() throws Exception {
        Files.createDirectory(directory.resolve(".kube"));
        kubeconfig(".kube/config", "h", "h", "https://home:6443", "{}");

        assertThat(resolve(null, null, null, Map.of("HOME", directory.toString())).server())
                .isEqualTo("https://home:6443");
    }

    @Test
    void then_the_pods_service_account_whose_token_is_read_each_time() throws Exception {
        Files.writeString(account.resolve("token"), "one\n");
        Credentials found = resolve(null, null, null,
                Map.of("KUBERNETES_SERVICE_HOST", "fd00::1", "KUBERNETES_SERVICE_PORT", "6443"));

        assertThat(found.server()).isEqualTo("https://[fd00::1]:6443");
        assertThat(found.config().getOauthTokenProvider().getToken()).isEqualTo("one");
        Files.writeString(account.resolve("token"), "two\n");
        assertThat(found.config().getOauthTokenProvider().getToken()).isEqualTo("two");
        assertThat(resolve(null, null, "https://real:6443", Map.of()).config().getOauthTokenProvider().getToken())
                .isEqualTo("two");
    }

    @Test
    void a_token_file_stands_beside_its_kubeconfig() throws Exception {
        kubeconfig("a", "a", "a", "https://a", "{tokenFile: secret}");
        Files.writeString(directory.resolve("secret"), "s\n");

        assertThat(resolve("a", null, null, Map.of()).config().getOauthTokenProvider().getToken()).isEqualTo("s");
    }

    @Test
    void a_plugin_is_asked() throws Exception {
        kubeconfig("a", "a", "a", "https://a",
                """
                {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never,
                 args: ["-c", "echo '{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"p\\"}}'"]}}""");

        Credentials found = resolve("a", null, null, Map.of());
        found.with(found.plugin().orElseThrow().ask(CredentialPlugin.LONGEST, () -> false));
        assertThat(found.config().getAutoOAuthToken()).isEqualTo("p");
    }

    @ParameterizedTest(name = "{0} {1}: {3}")
    @CsvSource(delimiter = '|', nullValues = "-", value = {"none | - | - | there is no such file",
            "text | - | - | is not a kubeconfig", "yaml | - | - | is not a kubeconfig",
            "a | x | - | has no context 'x'; there are a",
            "nocurrent | - | - | has no current-context: set --context NAME; there are nocurrent",
            "a | - | 10.0.0.1:6443 | is not a URL like https://10.0.0.1:6443", "badserver | - | - | is not a URL",
            "endless | - | - | is not a kubeconfig", "large | - | - | it is larger than 1 MiB",
            "notoken | - | - | names the token file", "pipe | - | - | which cannot be read: it is a device, not a file",
            "nocert | - | - | which cannot be read",
            "- | - | - | no API server is known"})
    void what_cannot_work_is_one_line(String file, String context, String server, String why) throws Exception {
        Files.writeString(directory.resolve("text"), "password: [s3cret\nx");
        Files.writeString(directory.resolve("yaml"), "s3cret");
        kubeconfig("a", "a", "a", "https://a", "{}");
        kubeconfig("nocurrent", "", "nocurrent", "https://a", "{}");
        kubeconfig("badserver", "b", "b", "ftp://x", "{}");
        Files.writeString(directory.resolve("endless"), "kind: Config\nclusters: &a {<<: *a, s3cret: 1}\n");
        Files.write(directory.resolve("large"), new byte[InputFile.SMALL + 1]);
        kubeconfig("pipe", "b", "b", "https://x", "{tokenFile: /dev/zero}");
        kubeconfig("notoken", "b", "b", "https://x", "{tokenFile: nowhere}");
        kubeconfig("nocert", "b", "b", "https://x", "{client-certificate: nowhere.crt, client-key: nowhere.key}");

        assertThatThrownBy(() -> resolve(file, context, server, Map.of("HOME", directory.toString())))
                .isInstanceOf(SourceException.class).hasMessageContaining(why)
                .hasMessageNotContaining("\n").hasMessageNotContaining("s3cret");
    }

    private Path kubeconfigWithCluster(String cluster) throws IOException {
        return Files.writeString(directory.resolve("a"), """
                apiVersion: v1
                kind: Config
                current-context: a
                contexts: [{name: a, context: {cluster: c, user: u}}]
                clusters: [{name: c, cluster: %s}]
                users: [{name: u, user: {}}]
                """.formatted(cluster));
    }

    @Test
    void the_proxy_of_the_kubeconfig_wins_over_the_environments() throws Exception {
        Map<String, String> environment = Map.of("HTTPS_PROXY", "http://p:3128", "NO_PROXY", "b.example.com");
        kubeconfig("a", "a", "a", "https://a.example.com", "{}");
        assertThat(resolve("a", null, null, environment).config().getHttpsProxy()).isEqualTo("http://p:3128");
        assertThat(resolve("a", null, "https://b.example.com", environment).config().getHttpsProxy()).isNull();
        kubeconfigWithCluster("{server: 'https://a.example.com', proxy-url: 'http://other:1'}");

        assertThat(resolve("a", null, null, environment).config().getHttpsProxy()).isEqualTo("http://other:1");
        kubeconfigWithCluster("{server: 'https://a.example.com', proxy-url: 'socks5://other:1'}");
        assertThatThrownBy(() -> resolve("a", null, null, environment)).isInstanceOf(SourceException.class)
                .hasMessageContaining("its proxy-url has to be an HTTP proxy");
        kubeconfig("a", "a", "a", "https://a.example.com", "{}");
        assertThatThrownBy(() -> resolve("a", null, null, Map.of("HTTPS_PROXY", "socks5://p:1")))
                .isInstanceOf(SourceException.class)
                .hasMessageContaining("the variable HTTPS_PROXY has to be an HTTP proxy");
    }

    @Test
    void a_server_that_is_given_by_its_address_may_have_another_name() throws Exception {
        kubeconfigWithCluster("{server: 'https://10.0.0.1:6443', tls-server-name: kubernetes.default}");
        assertThat(resolve("a", null, null, Map.of()).tlsServerName()).isEqualTo("kubernetes.default");
        kubeconfigWithCluster("{server: 'https://[fd00::1]:6443', tls-server-name: kubernetes.default}");
        assertThat(resolve("a", null, null, Map.of()).tlsServerName()).isEqualTo("kubernetes.default");
        kubeconfigWithCluster("{server: 'https://api.example.com', tls-server-name: kubernetes.default}");
        assertThatThrownBy(() -> resolve("a", null, null, Map.of())).isInstanceOf(SourceException.class)
                .hasMessageContaining("the server https://api.example.com to be given by its address");
        kubeconfigWithCluster("{server: 'https://10.0.0.1', tls-server-name: 'not a name'}");
        assertThatThrownBy(() -> resolve("a", null, null, Map.of())).isInstanceOf(SourceException.class)
                .hasMessageContaining("has to be a host name");
    }
}
