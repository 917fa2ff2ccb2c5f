package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A server that wants a certificate gets it, in whichever form the key is written; the files hold throw-away keys. */
class ClientCertificateTest {

    /** Believes everybody. */
    private static final class Trusting extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    private static String file(String name) throws IOException {
        try (InputStream file = Objects
                .requireNonNull(ClientCertificateTest.class.getResourceAsStream("client-keys/" + name))) {
            return new String(file.readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static SSLContext tls(String certificate, String key) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(new ClientCertificate(certificate, key).keyManagers(), new TrustManager[] {new Trusting()},
                new SecureRandom());
        return context;
    }

    @ParameterizedTest
    @ValueSource(strings = {"ec-pkcs8", "ec-with-parameters", "ec-sec1", "ed25519", "rsa-pkcs1", "rsa-pkcs8"})
    void a_server_gets_the_certificate_with_each_form_of_key(String form) throws Exception {
        String server = file("rsa-pkcs8.pem");
        String client = file(form + ".pem");
        try (SSLServerSocket listening = (SSLServerSocket) tls(server, server).getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            listening.setNeedClientAuth(true);
            CompletableFuture<String> seen = CompletableFuture.supplyAsync(() -> {
                try (SSLSocket accepted = (SSLSocket) listening.accept()) {
                    accepted.startHandshake();
                    accepted.getOutputStream().write(1);
                    return accepted.getSession().getPeerPrincipal().getName();
                } catch (IOException e) {
                    return e.toString();
                }
            });
            try (SSLSocket connected = (SSLSocket) tls(client, client).getSocketFactory()
                    .createSocket(InetAddress.getLoopbackAddress(), listening.getLocalPort())) {
                assertThat(connected.getInputStream().read()).isEqualTo(1);
            }
            assertThat(seen.get(30, TimeUnit.SECONDS)).isEqualTo("CN=" + form);
        }
    }

    @ParameterizedTest(name = "{0} with the key {1}: {2}")
    @CsvSource({"rsa-pkcs8.pem, rsa-pkcs1.pem, the client key is not that of the client certificate",
            "rsa-pkcs8.pem, ec-pkcs8.pem, the client key is not that of the client certificate",
            "ec-sec1.pem, encrypted.key, the client key is encrypted",
            "encrypted.key, ec-sec1.pem, the client certificate has no block BEGIN CERTIFICATE"})
    void what_cannot_be_used_is_named(String certificate, String key, String why) throws Exception {
        ClientCertificate pair = new ClientCertificate(file(certificate), file(key));

        assertThatThrownBy(pair::keyManagers).isInstanceOf(CertificateException.class).hasMessageContaining(why);
    }

    @ParameterizedTest(name = "a key of {0}")
    @CsvSource({"'', no block BEGIN PRIVATE KEY", "@@, not base64", "MIIB, is broken", "MAA=, is broken"})
    void a_broken_key_is_named_and_not_shown(String body, String why) throws Exception {
        String key = body.isEmpty() ? "" : "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n";

        assertThatThrownBy(new ClientCertificate(file("ec-sec1.pem"), key)::keyManagers)
                .isInstanceOf(CertificateException.class).hasMessageContaining(why);
    }

    @Test
    void an_ec_key_without_a_curve_is_named() throws Exception {
        String key = "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";

        assertThatThrownBy(new ClientCertificate(file("ec-sec1.pem"), key)::keyManagers)
                .isInstanceOf(CertificateException.class).hasMessageContaining("names no curve");
    }
}
