package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ServiceAnnotationsTest {

    private static ServiceAnnotations of(String name, String value) {
        return ServiceAnnotations.of(Map.of("sluice.io/" + name, value));
    }

    @Test
    void without_annotations_everything_is_as_the_daemon_has_it() {
        assertThat(ServiceAnnotations.of(Map.of())).isEqualTo(ServiceAnnotations.NONE);
        assertThat(ServiceAnnotations.of(Map.of("service.kubernetes.io/topology-mode", "Auto")))
                .isEqualTo(ServiceAnnotations.NONE);
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
            kernel-handoff       | always   | sluice.io/kernel-handoff: 'always' is not known, the default holds; never, auto, eager are
            preserve-source      | yes      | sluice.io/preserve-source: 'yes' is not known, the default holds; false, true are
            keepalive-idle       | 1500ms   | sluice.io/keepalive-idle: '1500ms' is not a time of whole seconds like 30s or 2m, at most 32767s; the default holds
            keepalive-interval   | 0s       | sluice.io/keepalive-interval: '0s' is not a time of whole seconds like 30s or 2m, at most 32767s; the default holds
            keepalive-count      | 0        | sluice.io/keepalive-count: '0' is not a number from 1 to 127; the default holds
            keepalive-count      | 128      | sluice.io/keepalive-count: '128' is not a number from 1 to 127; the default holds
            dead-peer-timeout    | soon     | sluice.io/dead-peer-timeout: 'soon' is not a time like 30s or 2m, one day at the most; the default holds
            udp-timeout          | soon     | sluice.io/udp-timeout: 'soon' is not a time from 1s to 24h; the defaults hold
            udp-timeout          | 25h      | sluice.io/udp-timeout: '25h' is not a time from 1s to 24h; the defaults hold
            udp-timeout          | 10ms     | sluice.io/udp-timeout: '10ms' is not a time from 1s to 24h; the defaults hold
            udp-replies          | one      | sluice.io/udp-replies: 'one' is not a number from 0 to 100; the default holds
            udp-replies          | 101      | sluice.io/udp-replies: '101' is not a number from 0 to 100; the default holds
            balancr              | maglev   | sluice.io/balancr is not known: sluice.io/balancer, sluice.io/dead-peer-timeout, sluice.io/health-check, sluice.io/health-check-fall, sluice.io/health-check-interval, sluice.io/health-check-rise, sluice.io/health-check-timeout, sluice.io/keepalive-count, sluice.io/keepalive-idle, sluice.io/keepalive-interval, sluice.io/kernel-handoff, sluice.io/preserve-source, sluice.io/proxy-protocol, sluice.io/session-affinity-key, sluice.io/slow-start, sluice.io/udp-replies, sluice.io/udp-timeout, sluice.io/weights are
            weights              | a=2      | sluice.io/weights has no effect without sluice.io/balancer: weighted-round-robin
            """)
    void what_is_not_understood_is_a_warning_and_changes_nothing(String name, String value, String warning) {
        ServiceAnnotations annotations = of(name, value);
        assertThat(annotations.warnings()).containsExactly(warning);
        assertThat(annotations.balancer()).isNull();
        assertThat(annotations.slowStart()).isZero();
        assertThat(annotations.affinityByService()).isFalse();
        assertThat(annotations.proxyProtocol()).isEqualTo(ProxyProtocol.NONE);
        assertThat(annotations.peers()).isEqualTo(PeerTimeouts.Said.NONE);
        assertThat(annotations.udpTimeout()).isNull();
        assertThat(annotations.udpReplies()).isEqualTo(-1);
    }

    @Test
    void flows_of_datagrams_have_times_and_ends_of_their_own() {
        assertThat(of("udp-timeout", "10s").udpTimeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(of("udp-replies", "0").udpReplies()).isZero();
        assertThat(of("udp-replies", " 1 ").udpReplies()).isEqualTo(1);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({"keepalive-idle, 5s, PT5S PT15S 4 PT45S", "keepalive-idle, 0s, PT0S PT15S 4 PT45S",
            "keepalive-interval, 2s, PT1M PT2S 4 PT45S", "keepalive-count, 9, PT1M PT15S 9 PT45S",
            "dead-peer-timeout, 500ms, PT1M PT15S 4 PT0.5S", "dead-peer-timeout, 0s, PT1M PT15S 4 PT0S",
            "balancer, random, PT1M PT15S 4 PT45S"})
    void what_a_service_says_of_dead_peers_takes_the_place_of_the_default(String name, String value, String expected) {
        PeerTimeouts peers = of(name, value).peers().over(PeerTimeouts.DEFAULT);

        assertThat(peers.keepaliveIdle() + " " + peers.keepaliveInterval() + " " + peers.keepaliveCount() + " "
                + peers.deadPeer()).isEqualTo(expected);
        assertThat(of(name, value).warnings()).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"500ms, PT0.5S", "30s, PT30S", "2m, PT2M", "1h, PT1H", "0s, PT0S"})
    void slow_start_is_a_time(String value, Duration expected) {
        assertThat(of("slow-start", value).slowStart()).isEqualTo(expected);
        assertThat(of("slow-start", value).warnings()).isEmpty();
    }

    @Test
    void maglev_has_no_slow_start() {
        ServiceAnnotations annotations =
                ServiceAnnotations.of(Map.of("sluice.io/balancer", "maglev", "sluice.io/slow-start", "30s"));
        assertThat(annotations.slowStart()).isZero();
        assertThat(annotations.warnings())
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
        ServiceAnnotations annotations = ServiceAnnotations.of(Map.of("sluice.io/balancer", "weighted-round-robin",
                "sluice.io/weights", "kubia-1=3, 10.0.0.2=5 ,2001:db8::1=7,x=0,y=101,z,=4,w=-1"));
        assertThat(annotations.weight(endpoint("10.0.0.9", "kubia-1"))).isEqualTo(3);
        assertThat(annotations.weight(endpoint("10.0.0.2", "kubia-2"))).isEqualTo(5);
        assertThat(annotations.weight(endpoint("2001:db8::1", null))).isEqualTo(7);
        assertThat(annotations.weight(endpoint("10.0.0.3", "x"))).isEqualTo(1);
        assertThat(annotations.warnings()).hasSize(5).first().asString()
                .isEqualTo("sluice.io/weights: 'x=0' is not a Pod's"
                        + " name or an IP address, '=' and a weight from 1 to 100; it is left out");
    }

    private static Endpoint endpoint(String ip, String pod) {
        return Endpoint.builder(new EndpointAddress(IpAddresses.parse(ip), 80)).target(pod).build();
    }

    @ParameterizedTest(name = "{0} on a Service of {1} ports")
    @CsvSource(delimiter = '|', textBlock = """
            proxy-protocol: v2       | UDP     | sluice.io/proxy-protocol has no effect: the Service has no TCP port
            keepalive-idle: 60s      | UDP     | sluice.io/keepalive-idle has no effect: the Service has no TCP port
            dead-peer-timeout: 30s   | SCTP    | sluice.io/dead-peer-timeout has no effect: the Service has no TCP port
            kernel-handoff: eager    | UDP     | sluice.io/kernel-handoff has no effect: the Service has no TCP port
            udp-timeout: 10s         | TCP     | sluice.io/udp-timeout has no effect: the Service has no UDP port
            udp-replies: 1           | TCP     | sluice.io/udp-replies has no effect: the Service has no UDP port
            """)
    void what_is_for_ports_that_there_are_not_is_a_warning(String annotation, Protocol protocol, String warning) {
        String[] words = annotation.split(": ", -1);
        Map<String, String> annotations = Map.of("sluice.io/" + words[0], words[1]);
        assertThat(ServiceAnnotations.of(annotations, List.of(protocol)).warnings()).containsExactly(warning);
        assertThat(ServiceAnnotations.of(annotations, List.of(Protocol.values())).warnings()).isEmpty();
        assertThat(ServiceAnnotations.of(annotations, List.of()).warnings()).isEmpty();
    }
}
