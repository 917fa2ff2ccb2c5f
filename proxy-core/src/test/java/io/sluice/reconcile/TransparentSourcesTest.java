package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.Traffic;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.TrafficPolicy;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whose address a pod sees, as kube-proxy has it. */
class TransparentSourcesTest {

    private final TransparentSources sources = new TransparentSources(false);

    @ParameterizedTest(name = "{0} policy {1}, {2} traffic from outside {3}: {4}")
    @CsvSource({"'', CLUSTER, INTERNAL, false, true", "'', CLUSTER, INTERNAL, true, false",
            "'', CLUSTER, EXTERNAL, true, false", "'', CLUSTER, SHORT_CIRCUIT, false, false",
            "'', LOCAL, INTERNAL, false, true", "'', LOCAL, EXTERNAL, true, true",
            "'', LOCAL, SHORT_CIRCUIT, false, true",
            "true, CLUSTER, EXTERNAL, true, false", "true, CLUSTER, INTERNAL, false, true",
            "false, CLUSTER, INTERNAL, false, false", "false, LOCAL, EXTERNAL, true, false"})
    void traffic_keeps_its_source_where_kube_proxy_does_not_masquerade_it(String annotation, TrafficPolicy policy,
            Traffic traffic, boolean outside, boolean kept) {
        Map<String, String> annotations =
                annotation.isEmpty() ? Map.of() : Map.of(ServiceAnnotations.PRESERVE_SOURCE, annotation);
        Service service = Service.builder(new ServiceName("default", "web")).externalTrafficPolicy(policy)
                .annotations(annotations).build();
        PreservedTraffic preserved = sources.of(service);
        assertThat(preserved.has(traffic, outside)).isEqualTo(kept);
        assertThat(preserved.isNone()).isEqualTo(annotation.equals("false"));
    }

    @ParameterizedTest(name = "masquerade-all, policy {0}, {1} traffic: {2}")
    @CsvSource({"CLUSTER, INTERNAL, false", "CLUSTER, EXTERNAL, false", "LOCAL, INTERNAL, false",
            "LOCAL, EXTERNAL, true",
            "LOCAL, SHORT_CIRCUIT, true"})
    void with_masquerade_all_traffic_to_cluster_addresses_keeps_no_source(TrafficPolicy policy, Traffic traffic,
            boolean kept) {
        Service service =
                Service.builder(new ServiceName("default", "web")).externalTrafficPolicy(policy).build();
        assertThat(new TransparentSources(true).of(service).has(traffic, false)).isEqualTo(kept);
    }
}
