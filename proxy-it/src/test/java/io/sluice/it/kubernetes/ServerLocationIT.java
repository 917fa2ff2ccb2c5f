package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.it.testbed.apiserver.ApiServer;
import io.sluice.it.testbed.apiserver.Certificates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nobody but the configured API server hears our token, whatever Services and servers say about where it is. */
class ServerLocationIT {

    @TempDir
    private Path directory;

    /** Whoever would like to be asked instead; it remembers what it was told. */
    private static final class Eavesdropper implements AutoCloseable {

        private final HttpServer server;
        private final List<String> heard = new CopyOnWriteArrayList<>();

        Eavesdropper(String ip, Optional<SSLContext> tls) throws IOException {
            InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral(ip), 0);
            if (tls.isPresent()) {
                HttpsServer secure = HttpsServer.create(address, 0);
                secure.setHttpsConfigurator(new HttpsConfigurator(tls.get()));
                server = secure;
            } else {
                server = HttpServer.create(address, 0);
            }
            server.createContext("/", exchange -> {
                heard.add(exchange.getRequestURI() + " " + exchange.getRequestHeaders().get("Authorization"));
                exchange.sendResponseHeaders(500, -1);
                exchange.close();
            });
            server.start();
        }

        int port() {
            return server.getAddress().getPort();
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    private static void service(Cluster cluster, String namespace, String name, String addresses, int port) {
        cluster.api.apply("""
                {"kind": "Service", "metadata": {"name": "%s", "namespace": "%s"}, "spec": {"type": "ClusterIP", %s,
                 "ports": [{"name": "https", "port": %d, "protocol": "TCP"}]}}"""
                .formatted(name, namespace, addresses, port));
    }

    private static void slice(Cluster cluster, String namespace, String service, String ip, int port) {
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "%s", "namespace": "%s",
                 "labels": {"kubernetes.io/service-name": "%s"}}, "addressType": "IPv4",
                 "ports": [{"name": "https", "port": %d}], "endpoints": [{"addresses": ["%s"]}]}"""
                .formatted(service, namespace, service, port, ip));
    }

    /** Changes are followed: the watches go on, whichever way. */
    private static void isFollowed(Cluster cluster, int number) {
        cluster.service("new-" + number, 200 + number);
        cluster.slice("new-" + number, "new-" + number, number);
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> cluster.awaitEndpoints("new-" + number, number));
    }

    @Test
    void a_service_of_a_tenant_with_the_servers_address_is_not_the_server() throws Exception {
        try (Cluster cluster = new Cluster();
                Eavesdropper pod = new Eavesdropper(cluster.sluice.address(52), Optional.empty())) {
            cluster.api.wantToken("secret");
            int port = URI.create(cluster.api.url()).getPort();
            String external = "\"clusterIP\": \"%s\", \"clusterIPs\": [\"%s\"], \"externalIPs\": [\"127.0.0.1\"]"
                    .formatted(cluster.sluice.address(101), cluster.sluice.address(101));
            service(cluster, "tenant", "evil", external, port);
            slice(cluster, "tenant", "evil", cluster.sluice.address(52), pod.port());
            service(cluster, "default", "kubernetes", external.replace(".101\"", ".102\""), port);
            slice(cluster, "default", "kubernetes", cluster.sluice.address(52), pod.port());
            cluster.user("{token: secret}").start().awaitSynced();
            cluster.awaitWatching();
            isFollowed(cluster, 1);

            assertThat(cluster.readyz().path("detail").asString()).isEqualTo("watching " + cluster.api.url());
            assertThat(pod.heard).isEmpty();
        }
    }

    @Test
    void without_tls_a_token_is_sent_to_the_configured_address_alone() throws Exception {
        try (Cluster cluster = new Cluster();
                Relay relay = Relay.at(cluster.sluice.address(51), URI.create(cluster.api.url()));
                Eavesdropper other = new Eavesdropper(cluster.sluice.address(52), Optional.empty())) {
            cluster.api.wantToken("secret");
            service(cluster, "default", "kubernetes",
                    "\"clusterIPs\": [\"%s\"]".formatted(cluster.sluice.address(51)), relay.port());
            slice(cluster, "default", "kubernetes", cluster.sluice.address(52), other.port());
            cluster.server("http://" + cluster.sluice.address(51) + ":" + relay.port()).user("{token: secret}").start()
                    .awaitSynced();
            isFollowed(cluster, 1);

            assertThat(other.heard).isEmpty();
        }
    }

    @Test
    void with_tls_a_direct_server_is_believed_for_the_configured_name_and_the_configured_address_stays_a_way()
            throws Exception {
        Certificates certificates = new Certificates(directory);
        ApiServer api = new ApiServer(0, Optional.of(certificates.server("dns:kubernetes.default")));
        try (Cluster cluster = new Cluster(api);
                Relay configured = Relay.at(cluster.sluice.address(51), URI.create(api.url()));
                Relay direct = Relay.at(cluster.sluice.address(52), URI.create(api.url()));
                Eavesdropper kubelet = new Eavesdropper(cluster.sluice.address(53),
                        Optional.of(certificates.server("ip:" + cluster.sluice.address(53))))) {
            api.wantToken("secret");
            String server = "https://" + cluster.sluice.address(51) + ":" + configured.port();
            service(cluster, "default", "kubernetes",
                    "\"clusterIPs\": [\"%s\"]".formatted(cluster.sluice.address(51)), configured.port());
            slice(cluster, "default", "kubernetes", cluster.sluice.address(52), direct.port());
            cluster.trust(certificates.authorities()).tlsServerName("kubernetes.default").user("{token: secret}")
                    .server(server).start().awaitSynced();
            await().until(() -> watched(cluster)
                    .equals("https://" + cluster.sluice.address(52) + ":" + direct.port()));
            cluster.awaitWatching();
            isFollowed(cluster, 1);

            slice(cluster, "default", "kubernetes", cluster.sluice.address(53), kubelet.port());
            await().until(() -> watched(cluster).equals(server));
            isFollowed(cluster, 2);
            assertThat(kubelet.heard).isEmpty();
        }
    }

    private static String watched(Cluster cluster) throws Exception {
        return cluster.readyz().path("detail").asString().replace("watching ", "");
    }

    @Test
    void a_redirection_is_not_followed() throws Exception {
        try (Cluster cluster = new Cluster();
                Eavesdropper other = new Eavesdropper(cluster.sluice.address(52), Optional.empty())) {
            HttpServer redirecting =
                    HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(cluster.sluice.address(51)), 0), 0);
            redirecting.createContext("/", exchange -> {
                exchange.getResponseHeaders().set("Location",
                        "http://" + cluster.sluice.address(52) + ":" + other.port() + exchange.getRequestURI());
                exchange.sendResponseHeaders(302, -1);
                exchange.close();
            });
            redirecting.start();
            cluster.server("http://" + cluster.sluice.address(51) + ":" + redirecting.getAddress().getPort())
                    .user("{token: secret}").start();
            await().until(() -> cluster.resource("services").path("problem").asString("")
                    .contains("a redirection, which is not followed"));
            redirecting.stop(0);

            assertThat(other.heard).isEmpty();
        }
    }

    @Test
    void a_list_may_begin_as_late_as_a_busy_server_begins_it() throws Exception {
        try (Cluster cluster = new Cluster()) {
            cluster.api.delay("services", Duration.ofSeconds(32));
            cluster.start().awaitSynced();

            assertThat(cluster.api.lists()).isEqualTo(3);
        }
    }
}
