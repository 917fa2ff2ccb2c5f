package io.sluice.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceType;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** kubelet's variables as a table; {@code links} and {@code docker} are the two switches. */
class ServiceEnvironmentTest {

    private static final Service KUBERNETES = service("default/kubernetes", "10.96.0.1", tcp("https", 443));

    static Stream<Arguments> table() {
        return Stream.of(
                argumentSet("a Service with one unnamed port", "shop",
                        List.of(service("shop/kubia", "10.96.0.7", tcp("", 80))),
                        """
                                KUBIA_SERVICE_HOST=10.96.0.7
                                KUBIA_SERVICE_PORT=80
                                KUBIA_PORT=tcp://10.96.0.7:80
                                KUBIA_PORT_80_TCP=tcp://10.96.0.7:80
                                KUBIA_PORT_80_TCP_PROTO=tcp
                                KUBIA_PORT_80_TCP_PORT=80
                                KUBIA_PORT_80_TCP_ADDR=10.96.0.7
                                """),
                argumentSet("a Service that another proxy serves", "shop",
                        List.of(Service.builder(new ServiceName("shop", "kubia"))
                                .clusterIps(List.of(IpAddresses.parse("10.96.0.7")))
                                .exclusion("service.kubernetes.io/service-proxy-name").build()),
                        """
                                KUBIA_SERVICE_HOST=10.96.0.7
                                """),
                argumentSet("every named port has a variable, the first one too; dashes become underscores", "shop",
                        List.of(service("shop/my-app", "10.96.0.8", tcp("http-web", 80), tcp("admin", 8080))),
                        """
                                MY_APP_SERVICE_HOST=10.96.0.8
                                MY_APP_SERVICE_PORT=80
                                MY_APP_SERVICE_PORT_HTTP_WEB=80
                                MY_APP_SERVICE_PORT_ADMIN=8080
                                MY_APP_PORT=tcp://10.96.0.8:80
                                MY_APP_PORT_80_TCP=tcp://10.96.0.8:80
                                MY_APP_PORT_80_TCP_PROTO=tcp
                                MY_APP_PORT_80_TCP_PORT=80
                                MY_APP_PORT_80_TCP_ADDR=10.96.0.8
                                MY_APP_PORT_8080_TCP=tcp://10.96.0.8:8080
                                MY_APP_PORT_8080_TCP_PROTO=tcp
                                MY_APP_PORT_8080_TCP_PORT=8080
                                MY_APP_PORT_8080_TCP_ADDR=10.96.0.8
                                """),
                argumentSet("one number with two protocols gives two sets", "kube-system",
                        List.of(service("kube-system/dns", "10.96.0.10",
                                new ServicePort("dns", Protocol.UDP, 53, 0, "53", null), tcp("dns-tcp", 53))),
                        """
                                DNS_SERVICE_HOST=10.96.0.10
                                DNS_SERVICE_PORT=53
                                DNS_SERVICE_PORT_DNS=53
                                DNS_SERVICE_PORT_DNS_TCP=53
                                DNS_PORT=udp://10.96.0.10:53
                                DNS_PORT_53_UDP=udp://10.96.0.10:53
                                DNS_PORT_53_UDP_PROTO=udp
                                DNS_PORT_53_UDP_PORT=53
                                DNS_PORT_53_UDP_ADDR=10.96.0.10
                                DNS_PORT_53_TCP=tcp://10.96.0.10:53
                                DNS_PORT_53_TCP_PROTO=tcp
                                DNS_PORT_53_TCP_PORT=53
                                DNS_PORT_53_TCP_ADDR=10.96.0.10
                                """),
                argumentSet("IPv6 has brackets in URLs only", "shop",
                        List.of(service("shop/six", "fd00:10:96::7", tcp("", 80))),
                        """
                                SIX_SERVICE_HOST=fd00:10:96::7
                                SIX_SERVICE_PORT=80
                                SIX_PORT=tcp://[fd00:10:96::7]:80
                                SIX_PORT_80_TCP=tcp://[fd00:10:96::7]:80
                                SIX_PORT_80_TCP_PROTO=tcp
                                SIX_PORT_80_TCP_PORT=80
                                SIX_PORT_80_TCP_ADDR=fd00:10:96::7
                                """));
    }

    @ParameterizedTest
    @MethodSource("table")
    void a_service_becomes_variables(String namespace, List<Service> services, String expected) {
        assertThat(text(ServiceEnvironment.of(snapshot(services), namespace, true))).isEqualTo(expected);
    }

    @Test
    void of_a_dual_stack_service_the_first_address_counts() {
        Service dual = service("shop/dual", "fd00::1,10.96.0.1", tcp("", 80));

        assertThat(variables("shop", true, dual)).containsEntry("DUAL_SERVICE_HOST", "fd00::1")
                .containsEntry("DUAL_PORT", "tcp://[fd00::1]:80");
    }

    @Test
    void headless_and_external_name_are_left_out() {
        assertThat(variables("shop", true, service("shop/headless", "", tcp("", 80)),
                external("shop/outside", "example.com"))).isEmpty();
    }

    @Test
    void the_api_server_is_known_in_every_namespace_and_nothing_else_of_the_default_one() {
        assertThat(variables("shop", true, KUBERNETES, service("default/web", "10.96.0.2", tcp("", 80))))
                .containsEntry("KUBERNETES_SERVICE_HOST", "10.96.0.1")
                .containsEntry("KUBERNETES_SERVICE_PORT_HTTPS", "443").doesNotContainKey("WEB_SERVICE_HOST");
    }

    @Test
    void without_service_links_only_the_api_server_is_known() {
        Service web = service("shop/web", "10.96.0.2", tcp("", 80));

        assertThat(variables("shop", false, KUBERNETES, web)).containsKey("KUBERNETES_SERVICE_HOST")
                .doesNotContainKey("WEB_SERVICE_HOST");
        assertThat(variables("default", false, KUBERNETES)).containsKey("KUBERNETES_SERVICE_HOST");
    }

    @Test
    void a_service_named_kubernetes_of_the_namespace_hides_the_api_server_while_links_are_on() {
        Service own = service("shop/kubernetes", "10.96.0.99", tcp("", 80));

        assertThat(variables("shop", true, KUBERNETES, own)).containsEntry("KUBERNETES_SERVICE_HOST", "10.96.0.99")
                .doesNotContainKey("KUBERNETES_SERVICE_PORT_HTTPS");
        assertThat(variables("shop", false, KUBERNETES, own)).containsEntry("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    }

    @Test
    void a_headless_service_named_kubernetes_hides_nothing() {
        Service own = service("shop/kubernetes", "", tcp("", 80));

        assertThat(variables("shop", true, KUBERNETES, own)).containsEntry("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    }

    @Test
    void services_of_other_namespaces_are_left_out() {
        assertThat(variables("shop", true, service("other/web", "10.96.0.2", tcp("", 80)))).isEmpty();
    }

    @Test
    void docker_links_can_be_left_out() {
        ClusterSnapshot snapshot = snapshot(List.of(service("shop/redis", "10.96.0.2", tcp("redis", 6379))));

        assertThat(text(ServiceEnvironment.of(snapshot, "shop", true, false))).isEqualTo("""
                REDIS_SERVICE_HOST=10.96.0.2
                REDIS_SERVICE_PORT=6379
                REDIS_SERVICE_PORT_REDIS=6379
                """);
    }

    @Test
    void a_program_of_this_machine_gets_the_ports_at_which_the_daemon_listens_under_the_names_of_the_services_own() {
        ClusterSnapshot snapshot = snapshot(List.of(service("shop/api", "10.96.0.2", tcp("http", 80))));

        assertThat(text(ServiceEnvironment.here(snapshot, "shop", true, 10_000))).isEqualTo("""
                API_SERVICE_HOST=10.96.0.2
                API_SERVICE_PORT=10080
                API_SERVICE_PORT_HTTP=10080
                API_PORT=tcp://10.96.0.2:10080
                API_PORT_80_TCP=tcp://10.96.0.2:10080
                API_PORT_80_TCP_PROTO=tcp
                API_PORT_80_TCP_PORT=10080
                API_PORT_80_TCP_ADDR=10.96.0.2
                """);
    }

    @Test
    void the_size_is_that_of_the_kernels_strings() {
        ServiceEnvironment environment = ServiceEnvironment
                .of(snapshot(List.of(service("shop/a", "10.0.0.1", tcp("", 80)))), "shop", true, false);

        assertThat(environment.sizeBytes())
                .isEqualTo("A_SERVICE_HOST=10.0.0.1".length() + 1 + "A_SERVICE_PORT=80".length() + 1);
    }

    private static Map<String, String> variables(String namespace, boolean links, Service... services) {
        return ServiceEnvironment.of(snapshot(Arrays.asList(services)), namespace, links).variables();
    }

    private static String text(ServiceEnvironment environment) {
        StringBuilder text = new StringBuilder();
        environment.variables().forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
        return text.toString();
    }

    private static ClusterSnapshot snapshot(List<Service> services) {
        Map<ServiceName, ServiceState> states = new LinkedHashMap<>();
        services.forEach(service -> states.put(service.name(), new ServiceState(service, List.of())));
        return new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), states);
    }

    private static ServicePort tcp(String name, int port) {
        return new ServicePort(name, Protocol.TCP, port, 0, Integer.toString(port), null);
    }

    private static Service service(String name, String ips, ServicePort... ports) {
        List<InetAddress> addresses =
                ips.isEmpty() ? List.of() : Arrays.stream(ips.split(",", -1)).map(IpAddresses::parse).toList();
        return service(name, ServiceType.CLUSTER_IP, addresses, null, ports);
    }

    private static Service external(String name, String target) {
        return service(name, ServiceType.EXTERNAL_NAME, List.of(), target);
    }

    private static Service service(String name, ServiceType type, List<InetAddress> ips, String externalName,
            ServicePort... ports) {
        String[] parts = name.split("/", -1);
        return Service.builder(new ServiceName(parts[0], parts[1])).type(type).clusterIps(ips)
                .headless(ips.isEmpty() && externalName == null).externalName(externalName).ports(List.of(ports))
                .build();
    }
}
