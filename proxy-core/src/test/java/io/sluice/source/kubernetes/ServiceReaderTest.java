package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Service;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is kept of a Service. */
class ServiceReaderTest {

    @Test
    void annotations_that_nobody_uses_are_dropped() {
        ReadObject<Service> read = ServiceReader.read(new ObjectKey("default", "kubia"), ApiClient.JSON.readTree("""
                {"metadata": {"managedFields": [{"manager": "kubectl"}], "annotations": {
                   "kubectl.kubernetes.io/last-applied-configuration": "{}", "example.com/owner": "me",
                   "sluice.io/balancer": "random", "service.kubernetes.io/topology-mode": "Auto"}},
                 "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}]}}"""));

        assertThat(read.mistakes()).isEmpty();
        assertThat(read.value().annotations()).isEqualTo(
                Map.of("sluice.io/balancer", "random", "service.kubernetes.io/topology-mode", "Auto"));
    }

    @Test
    void addresses_with_leading_zeros_are_decimal_as_old_clusters_have_stored_them() {
        ReadObject<Service> read = ServiceReader.read(new ObjectKey("default", "kubia"), ApiClient.JSON.readTree(
                """
                {"metadata": {}, "spec": {"type": "LoadBalancer", "clusterIP": "10.096.1.05", "ports": [{"port": 80}],
                 "externalIPs": ["198.051.100.001"],
                 "loadBalancerSourceRanges": ["010.244.0.0/16", "::ffff:192.0.2.0/120"]},
                 "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.026"}]}}}"""));

        assertThat(read.mistakes()).isEmpty();
        assertThat(read.value().clusterIps()).extracting(Object::toString).containsExactly("/10.96.1.5");
        assertThat(read.value().externalIps()).extracting(Object::toString).containsExactly("/198.51.100.1");
        assertThat(read.value().loadBalancerIps()).extracting(Object::toString).containsExactly("/203.0.113.26");
        assertThat(read.value().loadBalancerSourceRanges()).extracting(Object::toString)
                .containsExactly("10.244.0.0/16", "192.0.2.0/24");
    }

    @Test
    void one_address_that_cannot_be_read_costs_nothing_else() {
        ReadObject<Service> read = ServiceReader.read(new ObjectKey("default", "kubia"), ApiClient.JSON.readTree(
                """
                {"metadata": {}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}],
                 "externalIPs": ["198.51.100.1", "nonsense"], "loadBalancerSourceRanges": [" 10.0.0.0/8 ", "10/8"]}}"""));

        assertThat(read.value().externalIps()).extracting(Object::toString).containsExactly("/198.51.100.1");
        assertThat(read.value().loadBalancerSourceRanges()).hasSize(1);
        assertThat(read.mistakes()).hasSize(2);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            no label                              | app                                      | 10.96.0.1 | true
            a label names another proxy           | service.kubernetes.io/service-proxy-name | 10.96.0.1 | false
            labelled headless though it is not    | service.kubernetes.io/headless           | 10.96.0.1 | false
            headless                              | service.kubernetes.io/headless           | None      | false
            """)
    void labels_keep_the_proxy_away_and_nothing_else(String rule, String label, String ip, boolean proxied) {
        Service service = ServiceReader.read(new ObjectKey("default", "kubia"), ApiClient.JSON.readTree("""
                {"metadata": {"labels": {"%s": ""}}, "spec": {"clusterIP": "%s", "clusterIPs": ["%s"],
                 "ports": [{"port": 80}]}}""".formatted(label, ip, ip))).value();

        assertThat(service.proxied()).isEqualTo(proxied);
        assertThat(service.addressed()).isEqualTo(!ip.equals("None"));
        assertThat(service.clusterIps()).hasSize(ip.equals("None") ? 0 : 1);
    }
}
