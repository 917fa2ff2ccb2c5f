package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.junit.jupiter.api.AfterEach;

/** A node whose daemon hands connections to the kernel. */
abstract class NodeThatHandsOver extends NodeWithPods {

    void runHanding(String policy, String transport) throws Exception {
        run("--kernel-handoff", policy, "--transport", transport, "--access-log", "--handover-socket",
                directory.resolve("handover").toString());
        await().atMost(PATIENCE).ignoreExceptions()
                .untilAsserted(() -> assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2"));
    }

    /** With one that goes on, the daemon would leave a table. */
    @AfterEach
    void the_kernel_has_none_that_goes_on() {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(node.run("sh", "-c",
                "for f in ipv4 ipv6; do conntrack -L -f $f 2>/dev/null; done | grep -w mark=20480 || true").lines())
                .allMatch(line -> line.contains("TIME_WAIT") || line.contains(" CLOSE ")));
    }

    /** The connections that the kernel has, from the client's port. */
    static String entry(Socket socket) throws Exception {
        return node.run("sh", "-c",
                "conntrack -L -f " + family(socket) + " 2>/dev/null | grep -w mark=20480 | grep -w sport="
                        + socket.getLocalPort() + " || true");
    }

    static String family(Socket socket) {
        return socket.getInetAddress() instanceof java.net.Inet4Address ? "ipv4" : "ipv6";
    }

    static void awaitKernel(Socket socket) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(entry(socket)).contains("ESTABLISHED"));
    }

    /** Sockets of the daemon's connections. */
    static String sockets() throws Exception {
        return node.run("ss", "-Htn", "state", "established");
    }

    static Socket connect(String ip) throws Exception {
        return connect(0, ip);
    }

    /** @param from the client's port; 0 for any */
    static Socket connect(int from, String ip) throws Exception {
        return client.inside(() -> {
            Socket connected = new Socket();
            connected.setReuseAddress(true);
            connected.bind(new InetSocketAddress(from));
            connected.setSoTimeout(10_000);
            connected.connect(new InetSocketAddress(InetAddress.getByName(ip), 80), 5_000);
            return connected;
        });
    }

    static double metric(String name) throws Exception {
        return node.ask("127.0.0.1", 10249, "/metrics").lines().filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ')))).sum();
    }

    static String told(String... words) throws Exception {
        try (NodeDaemon asked = NodeDaemon.start(node, words)) {
            assertThat(asked.awaitExit()).as(asked.log()).isZero();
            return asked.log();
        }
    }
}
