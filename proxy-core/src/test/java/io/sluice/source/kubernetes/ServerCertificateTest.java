package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server at another address than the configured one is believed for the name of the configured one, and for no other. */
class ServerCertificateTest {

    /** For 10.96.0.1, fd00::1, kubernetes.default.svc and *.example.com; its common name is kubernetes.default.svc.cn. */
    private static final String NAMED = """
            -----BEGIN CERTIFICATE-----
            MIIB6zCCAZGgAwIBAgIUVEM6MPrVDTBaGFKydsZ8S7oj28MwCgYIKoZIzj0EAwIw
            JDEiMCAGA1UEAwwZa3ViZXJuZXRlcy5kZWZhdWx0LnN2Yy5jbjAgFw0yNjExMjkx
            NjI2MTBaGA8yMTI2MTEwNTE2MjYxMFowJDEiMCAGA1UEAwwZa3ViZXJuZXRlcy5k
            ZWZhdWx0LnN2Yy5jbjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIUrRHMUMkrK
            gwgKMA+0LGq9kx+lhDhVm6uZyzmLhPx9cYItM/uguENo5hZDjkWwbJstRpHYJJwu
            1jaNJKq4dMCjgZ4wgZswHQYDVR0OBBYEFJqchwuyiQVNMBYHrwjlERMaLstmMB8G
            A1UdIwQYMBaAFJqchwuyiQVNMBYHrwjlERMaLstmMA8GA1UdEwEB/wQFMAMBAf8w
            SAYDVR0RBEEwP4cECmAAAYcQ/QAAAAAAAAAAAAAAAAAAAYIWa3ViZXJuZXRlcy5k
            ZWZhdWx0LnN2Y4INKi5leGFtcGxlLmNvbTAKBggqhkjOPQQDAgNIADBFAiEA8Uwr
            5r0ZSWpDVrBhL9aq9EkZYucqNLkIoLd5kPFecG0CIAMDX1x/I8Qc6hToYcDDXf4N
            +KZrxQj9ZF2xTj7dfJnt
            -----END CERTIFICATE-----
            """;

    /** Its common name is 10.96.0.1, and it has no other. */
    private static final String COMMON_NAME = """
            -----BEGIN CERTIFICATE-----
            MIIBfjCCASWgAwIBAgIUHgI38S6mAMm4dY4qvq5eNY1EV9YwCgYIKoZIzj0EAwIw
            FDESMBAGA1UEAwwJMTAuOTYuMC4xMCAXDTI2MTEyOTE2MjYxMFoYDzIxMjYxMTA1
            MTYyNjEwWjAUMRIwEAYDVQQDDAkxMC45Ni4wLjEwWTATBgcqhkjOPQIBBggqhkjO
            PQMBBwNCAASH8XQ4TjCkUthwOFuZ4oPB1rtJJpTJVLE9Z80uvRZMCxZ4zVL2k/u9
            xUpBs7x76wjLQ2EgyLZWjxJycL5FCTkuo1MwUTAdBgNVHQ4EFgQUy3eSnazZKtRx
            OtU3yFzb/Dwz2yQwHwYDVR0jBBgwFoAUy3eSnazZKtRxOtU3yFzb/Dwz2yQwDwYD
            VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA5WCWtvO7881ir3sVVKkjU
            zPQ47X/5WUGLDZN8hNWb6AIge3zgjTXXipeio/c8nxLaa/8DuF186AOFszMgKS1u
            Za0=
            -----END CERTIFICATE-----
            """;

    /** Believes everybody, and remembers whether it was to look at the name. */
    private static final class Authorities extends X509ExtendedTrustManager {

        private final List<String> asked = new ArrayList<>();

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
            asked.add("with the name");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {
            asked.add("with the name");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {
            asked.add("without the name");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    private final Authorities authorities = new Authorities();

    private boolean believed(String pem, String host, String name, String at) throws Exception {
        X509Certificate certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
        try {
            new ServerCertificate(authorities, host, name).checkServerTrusted(new X509Certificate[] {certificate}, "EC",
                    SSLContext.getDefault().createSSLEngine(at, 6443));
            return true;
        } catch (CertificateException e) {
            assertThat(e).hasMessageContaining("subject alternative name " + name);
            return false;
        }
    }

    @ParameterizedTest(name = "a server at {0} in the place of {1}: {2}")
    @CsvSource({"172.18.0.2, 10.96.0.1, true", "172.18.0.2, fd00::1, true", "172.18.0.2, fd00:0::0:1, true",
            "172.18.0.2, kubernetes.default.svc, true", "fd00::2, Kubernetes.Default.SVC, true",
            "172.18.0.2, api.example.com, true",
            "172.18.0.2, 10.96.0.2, false", "172.18.0.2, kubernetes.default, false",
            "172.18.0.2, kubernetes.default.svc.cn, false", "172.18.0.2, a.b.example.com, false",
            "10.96.0.1, 10.96.0.3, false"})
    void at_another_address_the_certificate_has_to_name_the_configured_server(String at, String name, boolean believed)
            throws Exception {
        assertThat(believed(NAMED, name, name, at)).isEqualTo(believed);
        assertThat(authorities.asked).containsExactly("without the name");
        assertThat(believed(COMMON_NAME, name, name, at)).isFalse();
    }

    @ParameterizedTest(name = "{0} known as {1}")
    @CsvSource({"10.96.0.2, 10.96.0.2", "10.96.0.2, kubernetes.default"})
    void at_the_configured_address_java_decides(String host, String name) throws Exception {
        assertThat(believed(NAMED, host, name, host)).isTrue();
        assertThat(authorities.asked).containsExactly("with the name");
    }

    @ParameterizedTest(name = "{0} for {1}: {2}")
    @CsvSource({
            "kubernetes.default.svc, kubernetes.default.svc, true",
            "Kubernetes.Default.svc, kubernetes.default.SVC, true",
            "kubernetes.default.svc., kubernetes.default.svc, true", "*.default.svc, kubernetes.default.svc, true",
            "*.svc, kubernetes.default.svc, false", "kube*.default.svc, kubernetes.default.svc, false",
            "*, kubernetes, false", "*.default.svc, default.svc, false", "default.svc, kubernetes.default.svc, false",
            "kubernetes.default.svc.evil, kubernetes.default.svc, false", "'', kubernetes, false",
            "*.default.svc, .default.svc, false"})
    void a_name_covers_itself_and_an_asterisk_one_label(String pattern, String name, boolean covered) {
        assertThat(ServerCertificate.covers(pattern, name)).isEqualTo(covered);
    }
}
