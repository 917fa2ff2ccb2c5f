package io.sluice.cli.command;

import io.sluice.cli.Main;
import io.sluice.daemon.Sluice;
import io.sluice.daemon.StartException;
import java.io.IOException;
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
 * {@code sluice rehearse}: a daemon that starts, proxies a few connections, answers probes and ends, all on loopback. Run in a
 * JVM that records the classes it loads, so that the next one starts in half the time (JEP 483, JEP 515).
 */
@Command(name = RehearseCommand.NAME, hidden = true, header = "Start, pass a few connections on, end.")
public final class RehearseCommand implements Callable<Integer> {

    public static final String NAME = "rehearse";

    private static final int CONNECTIONS = 20;

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
            Files.writeString(manifest, """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: rehearsal}
                    spec: {clusterIP: 127.0.0.1, selector: {app: rehearsal}, ports: [{port: %d, targetPort: %d}]}
                    ---
                    apiVersion: v1
                    kind: Pod
                    metadata:
                      name: rehearsal
                      labels: {app: rehearsal}
                      annotations: {sluice.io/pod-ip: 127.0.0.1}
                    """.formatted(service.getPort(), backend.getLocalPort()));
            String[] words = {RunCommand.NAME, "-f", manifest.toString(), "--metrics-bind-address", "127.0.0.1:0",
                    "--healthz-bind-address", "127.0.0.1:0"};
            ParseResult parsed = Main.commandLine(main.environment(), words).parseArgs(words);
            RunCommand run = (RunCommand) parsed.subcommand().commandSpec().userObject();
            Sluice sluice =
                    Sluice.start(run.config(main.environment()).build(), VersionCommand.version(), main::droppedLines);
            try {
                for (int i = 0; i < CONNECTIONS; i++) {
                    exchange(service, backend);
                }
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

    /** Sends a byte each way. */
    private static void exchange(InetSocketAddress service, ServerSocket backend) throws IOException {
        try (Socket client = new Socket(service.getAddress(), service.getPort()); Socket pod = backend.accept()) {
            client.getOutputStream().write('?');
            pod.getOutputStream().write(pod.getInputStream().read() == '?' ? '!' : 'x');
            if (client.getInputStream().read() != '!') {
                throw new IOException("a connection did not bring back what was sent");
            }
        }
    }
}
