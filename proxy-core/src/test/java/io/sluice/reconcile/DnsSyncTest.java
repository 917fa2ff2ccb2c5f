package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.dns.server.DnsLimits;
import io.sluice.dns.server.DnsServer;
import io.sluice.dns.server.DnsSettings;
import io.sluice.dns.zone.PodRecords;
import io.sluice.metrics.AccessLog;
import io.sluice.history.Journal;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.node.NodePortAddresses;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.ProxySettings;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Pod;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SimpleResolver;
import org.xbill.DNS.Type;

/** Names follow what the reconciler applies, and the DNS Service is answered at its own address. */
class DnsSyncTest {

    private static final String KUBE_DNS = OwnAddresses.at(132, 1);
    private static final String ELSEWHERE = OwnAddresses.at(132, 2);
    private static final int PORT = 15_053;

    private final ScheduledExecutorService control = Executors.newSingleThreadScheduledExecutor();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private DataPath dataPath;
    private Reconciler reconciler;
    private DnsSync dnsSync;
    private long version;

    @BeforeEach
    void start() {
        dataPath = new DataPath(ProxySettings.builder().workerThreads(2).connectTimeout(Duration.ofSeconds(5))
                .maxConnections(1_000).backlog(128).build(), AccessLog.off());
        reconciler =
                new Reconciler(dataPath, new ProxyMetrics(registry), new SyncMetrics(registry), new RecordedAddresses(),
                        Interception.OFF, NodePortAddresses.parse(List.of("127.0.0.0/8")), 0, Balancing.PLAIN,
                        new Journal(), control);
        dnsSync = new DnsSync(new DnsServer(new DnsSettings("cluster.local", 5, PodRecords.VERIFIED, List.of(),
                List.of(), List.of(Cidr.parse("127.0.0.0/8")), List.of(), DnsLimits.DEFAULT), new DnsMetrics(registry),
                dataPath.eventLoopGroup()), true, 0);
        reconciler.followers().dns(dnsSync);
    }

    @AfterEach
    void stop() {
        reconciler.stop().join();
        dataPath.close();
        control.shutdownNow();
    }

    @Test
    void the_dns_service_is_answered_at_its_address_over_udp_and_tcp() throws IOException {
        apply(dnsService(KUBE_DNS), service("kubia", "127.132.0.20"));

        assertThat(dnsSync.addresses()).containsExactly(new InetSocketAddress(KUBE_DNS, PORT));
        for (boolean tcp : new boolean[] {false, true}) {
            assertThat(ask(KUBE_DNS, "kubia.default.svc.cluster.local", tcp).getSection(1))
                    .extracting(Record::rdataToString)
                    .containsExactly("127.132.0.20");
        }
        AppliedPort port = reconciler.state().orElseThrow().ports()
                .get(new ServicePortName(DnsSync.DNS_SERVICE, "dns-tcp", Protocol.TCP));
        assertThat(port.listeners()).extracting(ListenerState::status).containsExactly(ListenerStatus.LISTENING);
    }

    @Test
    void the_dns_service_moves_and_goes() throws IOException {
        apply(dnsService(KUBE_DNS));
        apply(dnsService(ELSEWHERE));
        assertThat(dnsSync.addresses()).containsExactly(new InetSocketAddress(ELSEWHERE, PORT));
        assertThat(ask(ELSEWHERE, "cluster.local", false).getRcode()).isEqualTo(Rcode.NOERROR);

        apply();
        assertThat(dnsSync.addresses()).isEmpty();
        try (DatagramSocket free = new DatagramSocket(new InetSocketAddress(ELSEWHERE, PORT))) {
            assertThat(free.isBound()).isTrue();
        }
    }

    @Test
    void an_address_that_is_taken_is_tried_again() throws SocketException {
        try (DatagramSocket other = new DatagramSocket(new InetSocketAddress(KUBE_DNS, PORT))) {
            assertThat(other.isBound()).isTrue();
            apply(dnsService(KUBE_DNS));
            ListenerState listener = reconciler.state().orElseThrow().ports()
                    .get(new ServicePortName(DnsSync.DNS_SERVICE, "dns-tcp", Protocol.TCP)).listeners().getFirst();
            assertThat(listener.status()).isEqualTo(ListenerStatus.FAILED);
            assertThat(listener.problem()).contains("already in use");
        }
        await().until(() -> !dnsSync.addresses().isEmpty());
    }

    @Test
    void pods_that_are_known_have_names() throws IOException {
        apply(byName(dnsService(KUBE_DNS)),
                List.of(new Pod("default", "kubia-1", List.of(IpAddresses.parse("10.1.0.3")), true)));

        assertThat(ask(KUBE_DNS, "10-1-0-3.default.pod.cluster.local", false).getSection(1)).hasSize(1);
        assertThat(ask(KUBE_DNS, "10-1-0-4.default.pod.cluster.local", false).getRcode()).isEqualTo(Rcode.NXDOMAIN);
    }

    @Test
    void names_of_a_headless_service_follow_its_endpoints() throws IOException {
        for (String ip : List.of("10.1.0.3", "10.1.0.4")) {
            Map<ServiceName, ServiceState> services = byName(dnsService(KUBE_DNS));
            ServicePort port = new ServicePort("http", Protocol.TCP, 80, 0, "80", null);
            Service headless =
                    Service.builder(new ServiceName("default", "db")).headless(true).ports(List.of(port)).build();
            Endpoint endpoint = Endpoint.ready(new EndpointAddress(IpAddresses.parse(ip), 80));
            services.put(headless.name(),
                    new ServiceState(headless, List.of(new PortState(port, EndpointSet.of(List.of(endpoint)), null))));
            apply(services, List.of());

            assertThat(ask(KUBE_DNS, "db.default.svc.cluster.local", false).getSection(1))
                    .extracting(Record::rdataToString).containsExactly(ip);
        }
    }

    @Test
    void names_of_pods_follow_them() throws IOException {
        for (String ip : List.of("10.1.0.3", "10.1.0.4")) {
            apply(byName(dnsService(KUBE_DNS)),
                    List.of(new Pod("default", "kubia-1", List.of(IpAddresses.parse(ip)), true)));

            assertThat(ask(KUBE_DNS, ip.replace('.', '-') + ".default.pod.cluster.local", false).getSection(1))
                    .hasSize(1);
        }
    }

    @Test
    void the_dns_service_is_left_to_its_endpoints_as_long_as_it_has_any() throws Exception {
        try (DatagramSocket endpoint = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            apply(dnsService(KUBE_DNS));
            assertThat(ask(KUBE_DNS, "cluster.local", false).getRcode()).isEqualTo(Rcode.NOERROR);
            for (int i = 0; i < 2; i++) {
                apply(withEndpoint(endpoint.getLocalPort()), List.of());
                assertThat(dnsSync.addresses()).isEmpty();
                try (DatagramSocket client = new DatagramSocket()) {
                    client.connect(new InetSocketAddress(KUBE_DNS, PORT));
                    client.send(new DatagramPacket(new byte[] {7}, 1));
                    endpoint.setSoTimeout(10_000);
                    endpoint.receive(new DatagramPacket(new byte[10], 10));
                }
                apply(dnsService(KUBE_DNS));
                assertThat(ask(KUBE_DNS, "cluster.local", false).getRcode()).isEqualTo(Rcode.NOERROR);
                assertThat(ask(KUBE_DNS, "cluster.local", true).getRcode()).isEqualTo(Rcode.NOERROR);
            }
        }
    }

    private static Map<ServiceName, ServiceState> withEndpoint(int number) {
        Service service = dnsService(KUBE_DNS);
        EndpointSet endpoint = EndpointSet
                .of(List.of(Endpoint.ready(new EndpointAddress(InetAddress.getLoopbackAddress(), number))));
        return Map.of(service.name(), new ServiceState(service,
                service.ports().stream().map(port -> new PortState(port, endpoint, null)).toList()));
    }

    private static Message ask(String server, String name, boolean tcp) throws IOException {
        SimpleResolver resolver = new SimpleResolver(new InetSocketAddress(server, PORT));
        resolver.setTCP(tcp);
        return resolver.send(Message.newQuery(Record.newRecord(Name.fromString(name + "."), Type.A, 1)));
    }

    private void apply(Service... services) {
        apply(byName(services), List.of());
    }

    private void apply(Map<ServiceName, ServiceState> services, List<Pod> pods) {
        reconciler.submit(new ClusterSnapshot(++version, Instant.now(), new NodeTopology("node", null), services, pods))
                .join();
    }

    private static Map<ServiceName, ServiceState> byName(Service... services) {
        Map<ServiceName, ServiceState> byName = new HashMap<>();
        for (Service service : services) {
            List<PortState> ports = new ArrayList<>();
            service.ports().forEach(port -> ports.add(new PortState(port, EndpointSet.EMPTY, null)));
            byName.put(service.name(), new ServiceState(service, ports));
        }
        return byName;
    }

    private static Service dnsService(String ip) {
        return service(DnsSync.DNS_SERVICE, ip, new ServicePort("dns", Protocol.UDP, PORT, 0, "53", null),
                new ServicePort("dns-tcp", Protocol.TCP, PORT, 0, "53", null));
    }

    private static Service service(String name, String ip) {
        return service(new ServiceName("default", name), ip, new ServicePort("http", Protocol.TCP, 80, 0, "80", null));
    }

    private static Service service(ServiceName name, String ip, ServicePort... ports) {
        return Service.builder(name).clusterIps(List.of(IpAddresses.parse(ip))).ports(List.of(ports)).build();
    }
}
