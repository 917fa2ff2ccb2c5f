package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.apiserver.ApiServer;
import io.sluice.it.testbed.apiserver.Certificates;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An API server over TLS is believed if the kubeconfig's authority has signed its certificate, and not otherwise. */
class TlsIT {

    @TempDir
    private Path directory;

    private Cluster secure() throws IOException, InterruptedException, GeneralSecurityException {
        return secure("ip:127.0.0.1");
    }

    private Cluster secure(String name) throws IOException, InterruptedException, GeneralSecurityException {
        Cluster cluster = new Cluster(new ApiServer(0, Optional.of(new Certificates(directory).server(name))));
        cluster.pod("pod-1", 1);
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        return cluster;
    }

    @Test
    void a_server_with_the_right_certificate_is_asked_and_shown_the_token() throws Exception {
        try (Cluster cluster = secure()) {
            cluster.api.wantToken("secret");
            cluster.trust(directory.resolve("ca.crt")).user("{token: secret}").start().awaitSynced();
            cluster.awaitEndpoints("kubia", 1);
            cluster.awaitWatching();
            cluster.slice("kubia-a", "kubia", 1, 2);
            cluster.awaitEndpoints("kubia", 1, 2);
        }
    }

    @Test
    void a_server_is_asked_by_its_address_for_the_name_of_its_certificate() throws Exception {
        try (Cluster cluster = secure("dns:kubernetes.default")) {
            cluster.trust(directory.resolve("ca.crt")).tlsServerName("kubernetes.default").start().awaitSynced();
            cluster.awaitEndpoints("kubia", 1);
            cluster.awaitWatching();
        }
    }

    @ParameterizedTest(name = "certificate for kubernetes.default, tls-server-name {0}")
    @ValueSource(strings = {"", "kubernetes.another"})
    void a_server_with_a_certificate_for_another_name_is_not_believed(String name) throws Exception {
        try (Cluster cluster = secure("dns:kubernetes.default")) {
            cluster.trust(directory.resolve("ca.crt"));
            if (!name.isEmpty()) {
                cluster.tlsServerName(name);
            }
            cluster.start();
            await().until(
                    () -> cluster.resource("services").path("problem").asString("").contains("subject alternative"));
            assertThat(cluster.sluice.sluice().applied()).isEmpty();
        }
    }

    @ParameterizedTest(name = "by {0}")
    @ValueSource(strings = {"HTTPS_PROXY", "proxy-url"})
    void a_proxy_leads_to_the_server(String by) throws Exception {
        try (Cluster cluster = secure("dns:kubernetes.default");
                Relay proxy = Relay.proxy(cluster.sluice.address(51), URI.create(cluster.api.url()))) {
            String url = "http://" + cluster.sluice.address(51) + ":" + proxy.port();
            cluster.trust(directory.resolve("ca.crt")).server("https://kubernetes.default:6443");
            if (by.equals("HTTPS_PROXY")) {
                cluster.environment(Map.of("HTTPS_PROXY", url));
            } else {
                cluster.proxyUrl(url);
            }
            cluster.start().awaitSynced();
            cluster.awaitEndpoints("kubia", 1);
            cluster.awaitWatching();

            assertThat(proxy.asked()).isNotEmpty().allMatch("CONNECT kubernetes.default:6443 HTTP/1.1"::equals);
        }
    }

    @Test
    void a_server_with_another_certificate_is_not_believed() throws Exception {
        try (Cluster cluster = secure()) {
            cluster.start();
            await().until(() -> cluster.resource("services").path("problem").asString("").contains("certif"));
            assertThat(cluster.sluice.sluice().applied()).isEmpty();
        }
    }
}
