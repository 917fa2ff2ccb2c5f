package io.sluice.it.bench;

import io.sluice.it.bench.ManyServices.Replacement;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A peer with {@link ManyServices} besides its own, and the way in which it is told of another endpoint.
 *
 * @param peer   not yet started
 * @param teller how
 */
record Changeable(Peer peer, Teller teller) {

    /** Tells a peer that runs of an endpoint that was replaced. */
    interface Teller {
        void tell(Replacement replacement) throws IOException, InterruptedException;
    }

    /** No proxy, and every proxy that {@link Peer#all} has. */
    static List<Changeable> all(ManyServices services, Path home, Path work, String cpus, int workers)
            throws IOException {
        Peer nginx = Peer.nginx(nginxServers(services), work, cpus, workers);
        return List.of(new Changeable(Peer.direct(), services::tell),
                new Changeable(sluice(services, home, work, cpus, workers), services::tell),
                haproxy(services, false, work, cpus, workers), haproxy(services, true, work, cpus, workers),
                new Changeable(nginx, new Reload(services, nginx, work, workers)));
    }

    private static Peer sluice(ManyServices services, Path home, Path work, String cpus, int workers)
            throws IOException {
        services.apply("""
                {"kind": "Service", "metadata": {"name": "bench"}, "spec": {"type": "ClusterIP",
                 "clusterIP": "%1$s", "clusterIPs": ["%1$s"], "ports": [
                 {"port": %2$d, "protocol": "TCP", "targetPort": %2$d}]}}""".formatted(Peer.SLUICE, Peer.PORT));
        services.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "bench-1", "labels":
                 {"kubernetes.io/service-name": "bench"}}, "addressType": "IPv4", "ports": [
                 {"name": "", "port": %d, "protocol": "TCP"}], "endpoints": [%s]}"""
                .formatted(Peer.PORT, Peer.BACKENDS.stream().map(b -> "{\"addresses\": [\"" + b + "\"]}")
                        .collect(Collectors.joining(", "))));
        return Peer.sluice(home, List.of("--kubeconfig", services.kubeconfig(work.resolve("kubeconfig")).toString(),
                "--allow-loopback-endpoints", "--address-mode", "none"), cpus, workers);
    }

    /** Told over its Runtime API, as an ingress controller tells it: one command for each port. */
    private static Changeable haproxy(ManyServices services, boolean splice, Path work, String cpus, int workers)
            throws IOException {
        StringBuilder sections = new StringBuilder();
        for (int service = 0; service < services.services(); service++) {
            List<String> endpoints = services.endpoints(service);
            for (int port = 0; port < ManyServices.PORTS; port++) {
                sections.append("listen svc-%d-%d%n  bind %s:%d%n".formatted(service, port,
                        ManyServices.address(splice ? 66 : 65, service), ManyServices.PORT + port));
                for (int i = 0; i < endpoints.size(); i++) {
                    sections.append("  server e%d %s:%d%n".formatted(i, endpoints.get(i), ManyServices.TARGET + port));
                }
            }
        }
        UnixDomainSocketAddress control = UnixDomainSocketAddress.of(Peer.control(work, splice));
        return new Changeable(Peer.haproxy(splice, 5000, sections.toString(), work, cpus, workers), replacement -> {
            String commands = IntStream.range(0, ManyServices.PORTS).mapToObj(port -> "set server svc-%d-%d/e%d addr %s"
                    .formatted(replacement.service(), port, replacement.endpoint(), replacement.address()))
                    .collect(Collectors.joining(";", "", "\n"));
            try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                socket.connect(control);
                socket.write(ByteBuffer.wrap(commands.getBytes(StandardCharsets.UTF_8)));
                String answer = new String(Channels.newInputStream(socket).readAllBytes(), StandardCharsets.UTF_8);
                if (answer.split("IP changed").length != 1 + ManyServices.PORTS) {
                    throw new IOException("haproxy does not change a server: " + answer.strip());
                }
            }
        });
    }

    private static String nginxServers(ManyServices services) {
        StringBuilder servers = new StringBuilder();
        for (int service = 0; service < services.services(); service++) {
            for (int port = 0; port < ManyServices.PORTS; port++) {
                int target = ManyServices.TARGET + port;
                servers.append("upstream s%1$d-%2$d { %3$s }%nserver { listen %4$s:%5$d; proxy_pass s%1$d-%2$d; }%n"
                        .formatted(service, port, services.endpoints(service).stream()
                                .map(e -> "server " + e + ":" + target + ";").collect(Collectors.joining(" ")),
                                ManyServices.address(67, service), ManyServices.PORT + port));
            }
        }
        return servers.toString();
    }

    /** nginx has to read its whole configuration again, which it is asked for once a second at the most. */
    private static final class Reload implements Teller {

        private static final long INTERVAL_NANOS = 1_000_000_000L;

        private final ManyServices services;
        private final Peer nginx;
        private final Path work;
        private final int workers;
        private long last = System.nanoTime();

        Reload(ManyServices services, Peer nginx, Path work, int workers) {
            this.services = services;
            this.nginx = nginx;
            this.work = work;
            this.workers = workers;
        }

        @Override
        public void tell(Replacement replacement) throws IOException, InterruptedException {
            if (System.nanoTime() - last > INTERVAL_NANOS) {
                Peer.configureNginx(nginxServers(services), work, workers);
                // The first of its processes is the master.
                Processes.signal("HUP", nginx.pids().subList(0, 1));
                last = System.nanoTime();
            }
        }
    }
}
