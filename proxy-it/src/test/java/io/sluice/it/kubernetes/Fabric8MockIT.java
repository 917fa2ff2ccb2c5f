package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSliceBuilder;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.apiserver.Kubeconfig;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.source.kubernetes.KubernetesOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What Fabric8's client makes, changes and deletes at Fabric8's mock of an API server is what is served. */
class Fabric8MockIT {

    private MockCluster mock;
    private RunningSluice sluice;

    @BeforeEach
    void start() throws Exception {
        mock = new MockCluster();
        sluice = new RunningSluice();
        for (int number = 1; number <= 3; number++) {
            sluice.with(Backend.named(sluice.address(number), "pod-" + number));
        }
        mock.client().nodes().resource(new NodeBuilder().withNewMetadata().withName("node")
                .addToLabels("topology.kubernetes.io/zone", "zone-a").endMetadata().build()).create();
        Path kubeconfig = Files.writeString(sluice.manifests().directory().resolve("kubeconfig"),
                Kubeconfig.of(mock.url(), "{}"));
        sluice.kubernetes(KubernetesOptions.builder("node").kubeconfig(Optional.of(kubeconfig)).loopbackEndpoints(true)
                .build());
    }

    @AfterEach
    void close() throws Exception {
        try (MockCluster _ = mock) {
            sluice.close();
        }
    }

    private void run() throws Exception {
        sluice.start();
        await().atMost(Duration.ofSeconds(60)).until(() -> sluice.sluice().applied().isPresent());
    }

    private Service service(String name, int address) {
        return new ServiceBuilder().withNewMetadata().withName(name).withNamespace("default").endMetadata()
                .withNewSpec().withClusterIP(sluice.address(address)).withClusterIPs(sluice.address(address))
                .addToSelector("app", name).addNewPort().withPort(80).withProtocol("TCP").endPort().endSpec().build();
    }

    private EndpointSlice slice(String name, String service, int... endpoints) {
        return new EndpointSliceBuilder().withNewMetadata().withName(name).withNamespace("default")
                .addToLabels("kubernetes.io/service-name", service).endMetadata().withAddressType("IPv4")
                .addNewPort().withName("").withPort(8080).withProtocol("TCP").endPort()
                .withEndpoints(Arrays.stream(endpoints).mapToObj(
                        number -> new io.fabric8.kubernetes.api.model.discovery.v1.EndpointBuilder()
                                .withAddresses(sluice.address(number)).withNewConditions().withReady(true)
                                .endConditions().build())
                        .toList())
                .build();
    }

    private void awaitEndpoints(String service, int... endpoints) {
        sluice.awaitEndpoints(service,
                Arrays.stream(endpoints).mapToObj(sluice::address).toArray(String[]::new));
    }

    @Test
    void what_was_there_at_the_start_is_served() throws Exception {
        mock.client().services().resource(service("kubia", 100)).create();
        mock.client().resource(slice("kubia-a", "kubia", 1, 2)).create();
        run();

        awaitEndpoints("kubia", 1, 2);
        assertThat(Set.of("pod-1", "pod-2")).contains(sluice.ask("kubia"));
        assertThat(sluice.sluice().applied().orElseThrow().snapshot().node().zone()).isEqualTo("zone-a");
    }

    @Test
    void what_is_made_changed_and_deleted_is_followed_while_traffic_runs() throws Exception {
        mock.client().services().resource(service("kubia", 100)).create();
        mock.client().resource(slice("kubia-a", "kubia", 1)).create();
        run();
        awaitEndpoints("kubia", 1);
        Traffic traffic = new Traffic(sluice, "kubia");

        mock.client().resource(slice("kubia-b", "kubia", 2)).create();
        awaitEndpoints("kubia", 1, 2);
        mock.client().resource(slice("kubia-b", "kubia", 2, 3)).update();
        awaitEndpoints("kubia", 1, 2, 3);
        mock.client().resource(slice("kubia-a", "kubia")).delete();
        awaitEndpoints("kubia", 2, 3);
        mock.client().services().resource(service("other", 101)).create();
        mock.client().resource(slice("other-a", "other", 1)).create();
        awaitEndpoints("other", 1);
        assertThat(sluice.ask("other")).isEqualTo("pod-1");
        mock.client().services().inNamespace("default").withName("other").edit(other -> new ServiceBuilder(other)
                .editSpec().editFirstPort().withPort(81).endPort().endSpec().build());
        await().until(() -> sluice.sluice().applied().orElseThrow().snapshot().services()
                .get(new ServiceName("default", "other")).ports().getFirst().port().port() == 81);
        mock.client().services().inNamespace("default").withName("other").delete();
        await().until(() -> sluice.sluice().applied().orElseThrow().ports().size() == 1);

        int before = traffic.answers();
        await().until(() -> traffic.answers() > before + 5);
        traffic.stop();
        assertThat(traffic.failures()).isEmpty();
    }

    @Test
    void what_is_for_another_proxy_is_left_out() throws Exception {
        mock.client().services().resource(service("kubia", 100)).create();
        mock.client().services().resource(new ServiceBuilder(service("theirs", 101)).editMetadata()
                .addToLabels("service.kubernetes.io/service-proxy-name", "theirs").endMetadata().build()).create();
        run();

        assertThat(sluice.sluice().applied().orElseThrow().ports().keySet()).extracting(ServicePortName::service)
                .containsExactly(new ServiceName("default", "kubia"));
    }
}
