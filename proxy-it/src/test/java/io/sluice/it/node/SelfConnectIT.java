package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.EachTransport;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.io.TempDir;

/** A machine on which the kernel has one local port to choose, and that is the endpoint's, where nobody listens. */
class SelfConnectIT {

    private static final int PORT = 20_000;
    private static final int CLIENT_PORT = 30_000;

    @EachTransport
    void a_connection_that_meets_itself_is_refused_and_leaves_the_port_to_its_server(Transport transport,
            @TempDir Path directory) throws Exception {
        assumeTrue(NetworkNamespace.whyNot().isEmpty());
        Path manifest = Files.writeString(directory.resolve("svc.yaml"), """
                apiVersion: v1
                kind: Service
                metadata: {name: dead}
                spec: {clusterIP: 127.120.5.1, ports: [{port: 8080, targetPort: %1$d}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: dead}
                subsets: [{addresses: [{ip: 127.0.0.1}], ports: [{port: %1$d}]}]
                """.formatted(PORT));
        try (NetworkNamespace machine = NetworkNamespace.create("s")) {
            machine.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=" + PORT + " " + PORT);
            try (NodeDaemon daemon = NodeDaemon.run(machine, "-f", manifest.toString(), "--transport",
                    transport.name().toLowerCase(Locale.ROOT))) {
                for (int i = 0; i < 3; i++) {
                    int port = CLIENT_PORT + i;
                    assertThatThrownBy(() -> machine.inside(() -> echo(port))).as(daemon.log())
                            .isInstanceOf(IOException.class);
                }
                try (ServerSocket server = machine.inside(() -> {
                    ServerSocket bound = new ServerSocket();
                    bound.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), PORT));
                    return bound;
                })) {
                    assertThat(server.isBound()).isTrue();
                }
            }
        }
    }

    /** What comes back of what is sent. */
    private static int echo(int port) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            socket.setSoTimeout(10_000);
            socket.connect(new InetSocketAddress("127.120.5.1", 8080), 5_000);
            socket.getOutputStream().write('!');
            int answer = socket.getInputStream().read();
            if (answer < 0) {
                throw new IOException("the end");
            }
            return answer;
        }
    }
}
