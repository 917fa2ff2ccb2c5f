package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.Transport;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What endpoints are told of the client by the annotation {@code sluice.io/proxy-protocol}. */
class ProxyProtocolIT {

    private static final Path NGINX = Path.of("/usr/sbin/nginx");

    private static String yaml(String version, String endpoint) {
        return Manifests.service("kubia", endpoint).replaceFirst("metadata: \\{name: kubia}",
                "metadata: {name: kubia, annotations: {sluice.io/proxy-protocol: " + version + "}}");
    }

    /** Reads the header by the letter of the specification, then answers with what it said and what came after it. */
    private static void tell(Socket socket) throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        byte[] first = in.readNBytes(12);
        String said;
        if (HexFormat.of().formatHex(first).equals("0d0a0d0a000d0a515549540a")) {
            int version = in.readUnsignedByte();
            int family = in.readUnsignedByte();
            byte[] addresses = in.readNBytes(in.readUnsignedShort());
            int size = family == 0x11 ? 4 : 16;
            DataInputStream fields = new DataInputStream(new java.io.ByteArrayInputStream(addresses));
            String source = InetAddress.getByAddress(fields.readNBytes(size)).getHostAddress();
            String target = InetAddress.getByAddress(fields.readNBytes(size)).getHostAddress();
            said = "v2 %02x %02x %s %s %d %d".formatted(version, family, source, target, fields.readUnsignedShort(),
                    fields.readUnsignedShort());
        } else {
            StringBuilder line = new StringBuilder(new String(first, StandardCharsets.US_ASCII));
            while (!line.toString().endsWith("\r\n")) {
                line.append((char) in.readUnsignedByte());
            }
            said = "v1 " + line.toString().strip();
        }
        byte[] rest = in.readAllBytes();
        socket.getOutputStream().write((said + "|" + new String(rest, StandardCharsets.UTF_8))
                .getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest(name = "{0} over {1}")
    @CsvSource({"v1, EPOLL", "v2, EPOLL", "v1, NIO", "v2, NIO"})
    void the_header_comes_before_the_first_byte_and_once(String version, Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.with(Backend.at(sluice.address(1), ProxyProtocolIT::tell));
            sluice.manifest("kubia.yaml", yaml(version, sluice.address(1))).start();
            for (String text : new String[] {"", "hello", "x".repeat(300_000)}) {
                try (Socket socket = new Socket()) {
                    socket.bind(new InetSocketAddress("127.0.0.77", 0));
                    socket.setSoTimeout(30_000);
                    socket.connect(sluice.vip("kubia"));
                    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
                    socket.shutdownOutput();
                    String vip = sluice.vip("kubia").getAddress().getHostAddress();
                    String expected = version.equals("v1")
                            ? "v1 PROXY TCP4 127.0.0.77 " + vip + " " + socket.getLocalPort() + " 80|"
                            : "v2 21 11 127.0.0.77 " + vip + " " + socket.getLocalPort() + " 80|";
                    assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                            .isEqualTo(expected + text);
                }
            }
        }
    }

    @Test
    void the_header_is_told_to_the_endpoint_that_takes_the_connection_after_another_refused() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.with(Backend.at(sluice.address(2), ProxyProtocolIT::tell));
            sluice.manifest("kubia.yaml", yaml("v1", sluice.address(1)).replace("{ip: " + sluice.address(1) + "}",
                    "{ip: " + sluice.address(1) + "}, {ip: " + sluice.address(2) + "}")).start();
            for (int i = 0; i < 4; i++) {
                try (Socket socket = sluice.connect("kubia")) {
                    socket.shutdownOutput();
                    assertThat(socket.getInputStream().readAllBytes()).asString().startsWith("v1 PROXY TCP4 127.");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v1", "v2"})
    void nginx_understands_it(String version, @TempDir Path directory) throws Exception {
        assumeThat(NGINX).exists();
        try (RunningSluice sluice = new RunningSluice()) {
            Path config = Files.writeString(directory.resolve("nginx.conf"), """
                    daemon off;
                    master_process off;
                    pid %1$s/pid;
                    error_log stderr;
                    events {}
                    http {
                      access_log off;
                      client_body_temp_path %1$s/a; proxy_temp_path %1$s/b; fastcgi_temp_path %1$s/c;
                      uwsgi_temp_path %1$s/d; scgi_temp_path %1$s/e;
                      server {
                        listen %2$s:8080 proxy_protocol;
                        return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $request_uri";
                      }
                    }
                    """.formatted(directory, sluice.address(1)));
            Process nginx = new ProcessBuilder(NGINX.toString(), "-p", directory.toString(), "-c", config.toString(),
                    "-e", "stderr").redirectErrorStream(true)
                    .redirectOutput(directory.resolve("log").toFile()).start();
            try {
                sluice.manifest("kubia.yaml", yaml(version, sluice.address(1))).start();
                await().atMost(Duration.ofSeconds(30)).until(() -> listens(sluice.address(1)));
                try (Socket socket = sluice.connect("kubia")) {
                    socket.getOutputStream().write("GET /it HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                    assertThat(socket.getInputStream().readAllBytes()).asString().endsWith(
                            "\r\n\r\n127.0.0.1 " + socket.getLocalPort() + " "
                                    + sluice.vip("kubia").getAddress().getHostAddress() + " /it");
                }
            } finally {
                nginx.destroy();
                nginx.waitFor(10, TimeUnit.SECONDS);
            }
        }
    }

    private static boolean listens(String ip) {
        try (Socket socket = new Socket(ip, 8080)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }
}
