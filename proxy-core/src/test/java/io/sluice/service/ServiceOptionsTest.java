package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ServiceOptionsTest {

    private static ServiceOptions of(String name, String value) {
        return ServiceOptions.of(Map.of("sluice.io/" + name, value));
    }

    @Test
    void without_annotations_everything_is_as_the_daemon_has_it() {
        assertThat(ServiceOptions.of(Map.of())).isEqualTo(ServiceOptions.NONE);
        assertThat(ServiceOptions.of(Map.of("service.kubernetes.io/topology-mode", "Auto")))
                .isEqualTo(ServiceOptions.NONE);
    }

    @ParameterizedTest
    @EnumSource
    void every_balancer_is_known_by_its_word(BalancerKind kind) {
        assertThat(of("balancer", " " + kind.word() + " "))
                .satisfies(o -> assertThat(o.balancer()).isEqualTo(kind))
                .satisfies(o -> assertThat(o.warnings()).isEmpty());
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            balancer             | fastest  | sluice.io/balancer: 'fastest' is not known, the default holds; round-robin, random, least-connections, weighted-round-robin, maglev are
            balancer             | Maglev   | sluice.io/balancer: 'Maglev' is not known, the default holds; round-robin, random, least-connections, weighted-round-robin, maglev are
            balancer             | ''       | sluice.io/balancer: '' is not known, the default holds; round-robin, random, least-connections, weighted-round-robin, maglev are
            slow-start           | soon     | sluice.io/slow-start: 'soon' is not a time like 30s or 2m, one hour at the most; there is no slow start
            slow-start           | -1s      | sluice.io/slow-start: '-1s' is not a time like 30s or 2m, one hour at the most; there is no slow start
            slow-start           | 2h       | sluice.io/slow-start: '2h' is not a time like 30s or 2m, one hour at the most; there is no slow start
            slow-start           | 9999999999s | sluice.io/slow-start: '9999999999s' is not a time like 30s or 2m, one hour at the most; there is no slow start
            session-affinity-key | node     | sluice.io/session-affinity-key: 'node' is not known, the default holds; port, service are
            proxy-protocol       | v3       | sluice.io/proxy-protocol: 'v3' is not known, the default holds; v1, v2 are
            proxy-protocol       | true     | sluice.io/proxy-protocol: 'true' is not known, the default holds; v1, v2 are
            preserve-source      | yes      | sluice.io/preserve-source: 'yes' is not known, the default holds; false, true are
            balancr              | maglev   | sluice.io/balancr is not known: sluice.io/balancer, sluice.io/preserve-source, sluice.io/proxy-protocol, sluice.io/session-affinity-key, sluice.io/slow-start, sluice.io/weights are
            weights              | a=2      | sluice.io/weights has no effect without sluice.io/balancer: weighted-round-robin
            """)
    void what_is_not_understood_is_a_warning_and_changes_nothing(String name, String value, String warning) {
        ServiceOptions options = of(name, value);
        assertThat(options.warnings()).containsExactly(warning);
        assertThat(options.balancer()).isNull();
        assertThat(options.slowStart()).isZero();
        assertThat(options.affinityByService()).isFalse();
        assertThat(options.proxyProtocol()).isEqualTo(ProxyProtocol.NONE);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"500ms, PT0.5S", "30s, PT30S", "2m, PT2M", "1h, PT1H", "0s, PT0S"})
    void slow_start_is_a_time(String value, Duration expected) {
        assertThat(of("slow-start", value).slowStart()).isEqualTo(expected);
        assertThat(of("slow-start", value).warnings()).isEmpty();
    }

    @Test
    void maglev_has_no_slow_start() {
        ServiceOptions options =
                ServiceOptions.of(Map.of("sluice.io/balancer", "maglev", "sluice.io/slow-start", "30s"));
        assertThat(options.slowStart()).isZero();
        assertThat(options.warnings())
                .containsExactly("sluice.io/slow-start has no effect together with sluice.io/balancer: maglev");
    }

    @Test
    void versions_of_the_proxy_protocol_and_the_key_of_affinity() {
        assertThat(of("proxy-protocol", "v1").proxyProtocol()).isEqualTo(ProxyProtocol.V1);
        assertThat(of("proxy-protocol", "v2").proxyProtocol()).isEqualTo(ProxyProtocol.V2);
        assertThat(of("session-affinity-key", "service").affinityByService()).isTrue();
        assertThat(of("session-affinity-key", "port").affinityByService()).isFalse();
    }

    @Test
    void weights_go_by_pod_then_by_address_and_are_1_otherwise() {
        ServiceOptions options = ServiceOptions.of(Map.of("sluice.io/balancer", "weighted-round-robin",
                "sluice.io/weights", "kubia-1=3, 10.0.0.2=5 ,2001:db8::1=7,x=0,y=101,z,=4,w=-1"));
        assertThat(options.weight(endpoint("10.0.0.9", "kubia-1"))).isEqualTo(3);
        assertThat(options.weight(endpoint("10.0.0.2", "kubia-2"))).isEqualTo(5);
        assertThat(options.weight(endpoint("2001:db8::1", null))).isEqualTo(7);
        assertThat(options.weight(endpoint("10.0.0.3", "x"))).isEqualTo(1);
        assertThat(options.warnings()).hasSize(5).first().asString().isEqualTo("sluice.io/weights: 'x=0' is not a Pod's"
                + " name or an IP address, '=' and a weight from 1 to 100; it is left out");
    }

    private static Endpoint endpoint(String ip, String pod) {
        return new Endpoint(new EndpointAddress(IpAddresses.parse(ip), 80), true, true, false, null, null, Set.of(),
                Set.of(), null, pod);
    }
}
