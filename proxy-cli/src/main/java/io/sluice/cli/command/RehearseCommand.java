package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.daemon.Sluice;
import io.sluice.daemon.StartException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * {@code sluice rehearse}: a daemon that starts, reads some hundred Services, passes some thousand connections and requests on,
 * answers probes and DNS and ends, all on loopback. Run in a JVM that records the classes it loads and what its methods
 * do, so that the next one starts in half the time (JEP 483), and compiles early what a load needs (JEP 515).
 *
 * <p>With one engine, the default one: profiles of both at once seem to make the code that they share slower.
 */
@Command(name = RehearseCommand.NAME, hidden = true, header = "Start, pass some connections on, end.")
public final class RehearseCommand implements Callable<Integer> {

    public static final String NAME = "rehearse";

    private static final int CONNECTIONS = 4_000;
    private static final int REQUESTS = 20_000;
    private static final int QUERIES = 2_000;
    private static final int OTHER_SERVICES = 200;
    private static final int DNS_TIMEOUT_MILLIS = 1_000;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Override
    public Integer call() throws IOException, StartException {
        InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        Path manifest = Files.createTempFile("sluice-rehearsal", ".yaml");
        try (ServerSocket backend = new ServerSocket(0, 50, loopback)) {
            InetSocketAddress service = new InetSocketAddress(loopback, freePort(loopback));
            InetSocketAddress dns = new InetSocketAddress(loopback, freeUdpPort(loopback));
            Files.writeString(manifest, manifest(service, backend, OTHER_SERVICES));
            String[] words = {RunCommand.NAME, "-f", manifest.toString(), "--metrics-bind-address", "127.0.0.1:0",
                    "--healthz-bind-address", "127.0.0.1:0", "--dns-listen", "127.0.0.1:" + dns.getPort(),
                    "--dns-rate-limit", "0"};
            ParseResult parsed = Main.commandLine(main.environment(), words).parseArgs(words);
            RunCommand run = (RunCommand) parsed.subcommand().commandSpec().userObject();
            Sluice sluice =
                    Sluice.start(run.config(main.environment()).build(), VersionCommand.version(), main::droppedLines);
            try {
                for (int i = 0; i < CONNECTIONS; i++) {
                    exchange(service, backend, 1);
                }
                // Read again, while requests go on.
                Files.writeString(manifest, manifest(service, backend, 0));
                exchange(service, backend, REQUESTS);
                query(dns);
                for (String probe : new String[] {"/livez", "/readyz"}) {
                    ask(sluice.healthAddress().orElseThrow(), probe);
                }
                sluice.applied().ifPresent(state -> main.servingOut(spec).println(SnapshotView.table(state)));
                sluice.drain();
            } finally {
                sluice.close();
            }
            return ExitCode.OK;
        } finally {
            Files.delete(manifest);
        }
    }

    /** A Service at {@code service}, and {@code others} at addresses of their own, all with one Pod. */
    private static String manifest(InetSocketAddress service, ServerSocket backend, int others) {
        StringBuilder text = new StringBuilder("""
                apiVersion: v1
                kind: Pod
                metadata:
                  name: rehearsal
                  labels: {app: rehearsal}
                  annotations: {sluice.io/pod-ip: 127.0.0.1}
                """);
        for (int i = 0; i <= others; i++) {
            text.append("""
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: %s}
                    spec: {clusterIP: %s, selector: {app: rehearsal}, ports: [{port: %d, targetPort: %d}]}
                    """.formatted(i == 0 ? "rehearsal" : "rehearsal-" + i,
                    i == 0 ? service.getAddress().getHostAddress() : "127.129.0." + i, service.getPort(),
                    backend.getLocalPort()));
        }
        return text.toString();
    }

    /** Asks for the Service's name. */
    private static void query(InetSocketAddress dns) throws IOException {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        message.writeBytes(new byte[] {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0});
        for (String label : "rehearsal.default.svc.cluster.local".split("\\.", -1)) {
            message.write(label.length());
            message.writeBytes(label.getBytes(StandardCharsets.US_ASCII));
        }
        message.writeBytes(new byte[] {0, 0, 1, 0, 1});
        byte[] query = message.toByteArray();
        try (DatagramSocket client = new DatagramSocket(0, dns.getAddress())) {
            client.setSoTimeout(DNS_TIMEOUT_MILLIS);
            DatagramPacket reply = new DatagramPacket(new byte[512], 512);
            for (int i = 0; i < QUERIES; i++) {
                client.send(new DatagramPacket(query, query.length, dns));
                client.receive(reply);
            }
        }
    }

    private static int freeUdpPort(InetAddress address) throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, address)) {
            return socket.getLocalPort();
        }
    }

    private static int freePort(InetAddress address) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, address)) {
            return socket.getLocalPort();
        }
    }

    /** Sends a probe: the first one after a start should not wait for classes to be loaded. */
    private static void ask(InetSocketAddress address, String path) throws IOException {
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            client.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!answer.startsWith("HTTP/1.1 200 ")) {
                throw new IOException(path + " was not answered with 200");
            }
        }
    }

    /** Sends a byte each way, {@code times} times on one connection. */
    private static void exchange(InetSocketAddress service, ServerSocket backend, int times) throws IOException {
        try (Socket client = new Socket(service.getAddress(), service.getPort()); Socket pod = backend.accept()) {
            client.setTcpNoDelay(true);
            pod.setTcpNoDelay(true);
            for (int i = 0; i < times; i++) {
                client.getOutputStream().write('?');
                pod.getOutputStream().write(pod.getInputStream().read() == '?' ? '!' : 'x');
                if (client.getInputStream().read() != '!') {
                    throw new IOException("a connection did not bring back what was sent");
                }
            }
        }
    }
}
