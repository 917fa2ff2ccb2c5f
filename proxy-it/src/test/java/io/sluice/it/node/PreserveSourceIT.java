package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A client, a node with the proxy, and a pod, each in a namespace of its own: whom the pod sees. */
class PreserveSourceIT {

    private static final String YAML = """
            apiVersion: v1
            kind: Service
            metadata: {name: web, annotations: {sluice.io/preserve-source: "true"}}
            spec:
              clusterIPs: [10.96.77.1, "fd96:77::1"]
              ports: [{port: 80, targetPort: 8080}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: web-4, labels: {kubernetes.io/service-name: web}}
            addressType: IPv4
            ports: [{port: 8080}]
            endpoints: [{addresses: [10.50.2.2]}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: web-6, labels: {kubernetes.io/service-name: web}}
            addressType: IPv6
            ports: [{port: 8080}]
            endpoints: [{addresses: ["fd50:2::2"]}]
            """;

    @Test
    void the_pod_sees_the_clients_address_and_everything_is_taken_back(@TempDir Path directory) throws Exception {
        assumeThat(NetworkNamespace.whyNot()).isEmpty();
        try (NetworkNamespace node = NetworkNamespace.create("n"); NetworkNamespace client =
                NetworkNamespace.create("c"); NetworkNamespace pod = NetworkNamespace.create("p")) {
            node.join("c0", client, 1);
            node.join("p0", pod, 2);
            node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
            try (ServerSocket server = pod.inside(() -> new ServerSocket(8080))) {
                Thread.ofPlatform().daemon().start(() -> tellWhoCalls(server));
                Path manifest = Files.writeString(directory.resolve("web.yaml"), YAML);
                String before = rules(node);
                try (NodeDaemon daemon = NodeDaemon.run(node, "-f", manifest.toString(), "--address-mode",
                        "local-route", "--service-cidr", "10.96.77.0/24,fd96:77::/112")) {
                    for (int i = 0; i < 5; i++) {
                        assertThat(ask(client, "10.96.77.1", 80)).as(daemon.log()).isEqualTo("10.50.1.2");
                        assertThat(ask(client, "fd96:77::1", 80)).isEqualTo("fd50:1:0:0:0:0:0:2");
                    }
                    // Who goes to the pod itself is answered by the pod as before.
                    assertThat(ask(client, "10.50.2.2", 8080)).isEqualTo("10.50.1.2");
                    assertThat(ask(client, "fd50:2::2", 8080)).isEqualTo("fd50:1:0:0:0:0:0:2");
                    // The node calls with an address of its own, and a pod that calls itself does not see itself.
                    assertThat(ask(node, "10.96.77.1", 80)).startsWith("10.");
                    assertThat(ask(pod, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
                    assertThat(rules(node)).contains("from 10.50.2.2 ipproto tcp sport 8080 dport 61440-65534",
                            "from fd50:2::2 ipproto tcp sport 8080 dport 61440-65534");
                    assertThat(daemon.stop()).as(daemon.log()).isZero();
                }
                assertThat(rules(node)).isEqualTo(before);

                try (NodeDaemon crashed = NodeDaemon.run(node, "-f", manifest.toString(), "--address-mode",
                        "local-route", "--service-cidr", "10.96.77.0/24,fd96:77::/112")) {
                    crashed.kill();
                }
                assertThat(rules(node)).isNotEqualTo(before);
                try (NodeDaemon cleanup = NodeDaemon.start(node, "cleanup")) {
                    assertThat(cleanup.awaitExit()).isZero();
                    assertThat(cleanup.log()).contains("Removed 2 routing rules.");
                }
                assertThat(rules(node)).isEqualTo(before);
            }
        }
    }

    /** The proxy's socket towards the endpoint is in TIME_WAIT then, for a minute. */
    @Test
    void a_client_that_closes_first_is_served_more_often_than_there_are_ports_in_its_name(@TempDir Path directory)
            throws Exception {
        assumeThat(NetworkNamespace.whyNot()).isEmpty();
        try (NetworkNamespace node = NetworkNamespace.create("n"); NetworkNamespace client =
                NetworkNamespace.create("c"); NetworkNamespace pod = NetworkNamespace.create("p")) {
            node.join("c0", client, 1);
            node.join("p0", pod, 2);
            node.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
            try (ServerSocket server = pod.inside(() -> new ServerSocket(8080))) {
                Thread.ofPlatform().daemon().start(() -> echo(server));
                Path manifest = Files.writeString(directory.resolve("web.yaml"), YAML);
                try (NodeDaemon daemon = NodeDaemon.run(node, "-f", manifest.toString(), "--address-mode",
                        "local-route", "--service-cidr", "10.96.77.0/24,fd96:77::/112")) {
                    int ports = 65_534 - 61_440 + 1;
                    for (int i = 0; i < ports + ports / 8; i++) {
                        assertThat(closesFirst(client)).as("connection %d, %s", i, daemon.log()).isEqualTo('!');
                    }
                }
            }
        }
    }

    private static void echo(ServerSocket server) {
        while (!server.isClosed()) {
            try (Socket socket = server.accept()) {
                socket.getInputStream().transferTo(socket.getOutputStream());
            } catch (IOException e) {
                return;
            }
        }
    }

    private static int closesFirst(NetworkNamespace from) throws Exception {
        return from.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(10_000);
                socket.connect(new InetSocketAddress("10.96.77.1", 80), 10_000);
                socket.getOutputStream().write('!');
                return socket.getInputStream().read();
            }
        });
    }

    private static String rules(NetworkNamespace node) throws IOException, InterruptedException {
        return node.ip("-4 rule show", "-6 rule show") + node.ip("-4 route show table all proto 115")
                + node.ip("-6 route show table all proto 115");
    }

    private static void tellWhoCalls(ServerSocket server) {
        while (!server.isClosed()) {
            try (Socket socket = server.accept()) {
                socket.getOutputStream()
                        .write(socket.getInetAddress().getHostAddress().getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static String ask(NetworkNamespace from, String ip, int port) throws Exception {
        return from.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(10_000);
                socket.connect(new InetSocketAddress(ip, port), 10_000);
                return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            }
        });
    }
}
