package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.source.SourceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What kubectl reads is read, as kubectl reads it. */
class KubeconfigTest {

    private static final String CONTEXT =
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: c, user: %s}}]\n";

    @TempDir
    private Path directory;

    private Credentials resolve(String kubeconfig) throws SourceException, IOException {
        Path file = Files.writeString(directory.resolve("config"), kubeconfig);
        return Credentials.resolve(KubernetesOptions.builder("node").kubeconfig(Optional.of(file)).build(), directory);
    }

    private static String pem() throws IOException {
        try (InputStream file =
                Objects.requireNonNull(KubeconfigTest.class.getResourceAsStream("client-keys/ec-sec1.pem"))) {
            return new String(file.readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static String wrapped(byte[] bytes) {
        return Base64.getMimeEncoder(76, "\n        ".getBytes(StandardCharsets.US_ASCII)).encodeToString(bytes);
    }

    @Test
    void base64_in_lines_is_read() throws Exception {
        byte[] pem = pem().getBytes(StandardCharsets.US_ASCII);
        Credentials found = resolve(CONTEXT.formatted("u") + """
                users:
                - name: u
                  user:
                    client-certificate-data: |
                        %s
                    client-key-data: |
                        %s
                clusters:
                - name: c
                  cluster:
                    server: https://a
                    certificate-authority-data: |
                        %s
                """.formatted(wrapped(pem), wrapped(pem), wrapped(pem)));

        assertThat(found.config().getCaCertData()).isEqualTo(Base64.getEncoder().encodeToString(pem));
        assertThat(found.certificate()).contains(new ClientCertificate(pem(), pem()));
        NamedServer.open(found).close();
    }

    @Test
    void a_binary_tag_stands_for_a_text_that_is_base64_itself() throws Exception {
        String once = Base64.getEncoder().encodeToString(pem().getBytes(StandardCharsets.US_ASCII));
        Credentials found = resolve(CONTEXT.formatted("u") + """
                users: [{name: u, user: {token: abc}}]
                clusters:
                - name: c
                  cluster:
                    server: https://a
                    certificate-authority-data: !!binary |
                        %s
                """.formatted(wrapped(once.getBytes(StandardCharsets.US_ASCII))));

        assertThat(found.config().getCaCertData()).isEqualTo(once);
    }

    @ParameterizedTest
    @ValueSource(strings = {"users: null", "users:", "users: []", "users: [null]", "",
            "users: null\npreferences: null\nextensions: null"})
    void a_context_without_a_user_needs_no_users(String users) throws Exception {
        assertThat(resolve(CONTEXT.formatted("''") + "clusters: [{name: c, cluster: {server: 'http://a:1'}}]\n" + users
                + "\n").server()).isEqualTo("http://a:1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "{token: null}", "{exec: null, client-key-data: null, auth-provider: null}", "{}"})
    void a_user_may_have_nothing(String user) throws Exception {
        assertThat(resolve(CONTEXT.formatted("u") + "clusters: [{name: c, cluster: {server: 'http://a:1'}}]\n"
                + "users: [{name: u, user: " + user + "}]\n").certificate()).isEmpty();
    }

    @ParameterizedTest(name = "{0}, {1}, {2}: {3}")
    @CsvSource({"127.0.0.1:16443, '', {}, http://127.0.0.1:16443", "api.example, '', {}, http://api.example",
            "'[fd00::1]:6443', '', {}, 'http://[fd00::1]:6443'",
            "a:1, ', insecure-skip-tls-verify: true', {}, https://a:1",
            "a:1, ', certificate-authority: ca', {}, https://a:1",
            "a:1, '', '{client-certificate: ca, client-key: ca}', https://a:1"})
    void a_server_without_a_scheme_has_tls_if_there_are_settings_of_it(String server, String cluster, String user,
            String url) throws Exception {
        Files.writeString(directory.resolve("ca"), pem());

        assertThat(resolve(CONTEXT.formatted("u") + "clusters: [{name: c, cluster: {server: '" + server + "'" + cluster
                + "}}]\nusers: [{name: u, user: " + user + "}]\n").server()).isEqualTo(url);
    }

    @ParameterizedTest(name = "{0} {1}: {2}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
            "certificate-authority-data: '@@@' | {} | its certificate-authority-data is not base64",
            "certificate-authority-data: czNjcmV0 | {} | its certificate-authority-data is base64, but of no file with 'BEGIN CERTIFICATE'",
            "proxy-url: '' | {client-certificate-data: s3cret@} | its client-certificate-data is not base64",
            "proxy-url: '' | {client-key-data: czNjcmV0} | its client-key-data is base64, but of no file with 'PRIVATE KEY'",
            "proxy-url: '' | {client-key: ca} | has a client key without client-certificate",
            "proxy-url: '' | {client-certificate: ca} | has a client certificate without client-key"})
    void what_cannot_be_used_is_named_by_its_field(String cluster, String user, String why) throws Exception {
        Files.writeString(directory.resolve("ca"), pem());

        assertThatThrownBy(() -> resolve(CONTEXT.formatted("u") + "clusters: [{name: c, cluster: {server: 'https://a', "
                + cluster + "}}]\nusers: [{name: u, user: " + user + "}]\n")).isInstanceOf(SourceException.class)
                .hasMessageContaining(why).hasMessageNotContaining("s3cret").hasMessageNotContaining("\n");
    }
}
