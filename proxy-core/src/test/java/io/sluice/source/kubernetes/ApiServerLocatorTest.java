package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServiceState;
import io.sluice.source.kubernetes.ApiServerLocator.Protection;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The API server is asked where it was configured, or where Service default/kubernetes says that it is, and nowhere else. */
class ApiServerLocatorTest {

    private static final String CONFIGURED = "https://10.96.0.1:443";
    private static final long TURN = ApiServerLocator.TURN.toNanos();

    private final ApiServerLocator locator = new ApiServerLocator(new SplittableRandom(1));
    private long now;

    /** Service default/kubernetes at 10.96.0.1 and fd00::1, port 443, with ready {@code endpoints} ({@code !}: not ready). */
    private static ServiceState kubernetes(String... endpoints) {
        return state("\"clusterIPs\": [\"10.96.0.1\", \"fd00::1\"]", endpoints);
    }

    private static ServiceState state(String spec, String... endpoints) {
        ObjectKey key = new ObjectKey("default", "kubernetes");
        ClusterView view = new ClusterView("node");
        view.services().put(Map.of(key, ServiceReader.read(key, ApiClient.JSON.readTree("""
                {"spec": {"type": "ClusterIP", %s, "ports": [{"name": "https", "port": 443}]}}"""
                .formatted(spec))).value()));
        for (String type : List.of("IPv4", "IPv6")) {
            String list = Arrays.stream(endpoints).filter(e -> e.contains(":") == type.equals("IPv6"))
                    .map(e -> """
                    {"addresses": ["%s"], "conditions": {"ready": %s}}""".formatted(e.replace("!", ""),
                            !e.endsWith("!")))
                    .collect(Collectors.joining(","));
            view.endpoints().put(Map.of(new ObjectKey("default", type), new EndpointReader(false, Instant.EPOCH)
                    .slice(key, ApiClient.JSON.readTree("""
                            {"metadata": {"labels": {"kubernetes.io/service-name": "kubernetes"}}, "addressType": "%s",
                             "ports": [{"name": "https", "port": 6443}], "endpoints": [%s]}""".formatted(type, list)))
                    .value()));
        }
        ClusterSnapshot snapshot = view.snapshotIfChanged(1, Instant.EPOCH);
        return snapshot.services().get(ApiServerLocator.SERVICE);
    }

    private void configured(String server, Protection protection) {
        locator.configure(server, protection);
    }

    /** What is asked one after the other, when nobody answers. */
    private List<String> inTurn(int times) {
        return java.util.stream.Stream.generate(() -> {
            String asked = locator.server(now);
            locator.failed(asked, now);
            return asked.replaceAll("https?://", "");
        }).limit(times).toList();
    }

    @ParameterizedTest(name = "configured {0}, Service at {1}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            https://10.96.0.1              | "clusterIPs": ["10.96.0.1"]                                  | direct
            https://10.96.0.1:443          | "clusterIPs": ["10.96.0.1"]                                  | direct
            https://[fd00::1]:443          | "clusterIPs": ["10.96.0.1", "fd00::1"]                       | direct
            https://[fd00:0:0::1]          | "clusterIPs": ["10.96.0.1", "fd00::1"]                       | direct
            https://kubernetes.default.svc | "clusterIPs": ["10.96.0.1"]                                  | direct
            https://Kubernetes.default.svc.cluster.local | "clusterIPs": ["10.96.0.1"]                    | direct
            https://10.96.0.1:6443         | "clusterIPs": ["10.96.0.1"]                                  | configured
            https://10.96.0.1/a/path       | "clusterIPs": ["10.96.0.1"]                                  | configured
            https://10.96.0.2              | "clusterIPs": ["10.96.0.1"]                                  | configured
            https://api.example.com        | "clusterIPs": ["10.96.0.1"]                                  | configured
            https://192.0.2.1              | "clusterIPs": ["10.96.0.1"], "externalIPs": ["192.0.2.1"]    | configured
            https://192.0.2.1              | "clusterIPs": ["10.96.0.1"], "loadBalancerIP": "192.0.2.1"   | configured
            """)
    void only_the_cluster_ip_of_the_service_is_the_server(String server, String spec, String asked) {
        configured(server, Protection.CERTIFICATE);
        locator.learned(state(spec, "172.18.0.2"));

        assertThat(locator.server(0)).isEqualTo(asked.equals("direct") ? "https://172.18.0.2:6443" : server);
    }

    @ParameterizedTest(
            name = "{0}: a watch shows an endpoint: {1}; a state file does: {2}; it did, and does not now: {3}")
    @CsvSource({
            "CERTIFICATE, 172.18.0.2:6443 then configured, configured then 172.18.0.2:6443, configured then 172.18.0.2:6443",
            "NOTHING_TO_STEAL, 172.18.0.2:6443 then configured, configured, configured",
            "ADDRESS, configured, configured, configured"})
    void what_protects_the_credentials_decides_who_is_asked(Protection protection, String shown, String saved,
            String gone) {
        configured(CONFIGURED, protection);
        locator.remembered(kubernetes("172.18.0.2"));
        assertThat(asked()).isEqualTo(saved);
        locator.learned(kubernetes("172.18.0.2"));
        assertThat(asked()).isEqualTo(shown);
        locator.learned(kubernetes("172.18.0.2!"));
        assertThat(ring()).isEqualTo(gone);
        locator.learned(kubernetes("172.18.0.2"));
        locator.learned(null);
        assertThat(ring()).isEqualTo(gone);
    }

    /** From the one that is asked on. */
    private String asked() {
        String first = locator.current();
        String all = inTurn(2).stream().distinct().collect(Collectors.joining(" then "))
                .replace("10.96.0.1:443", "configured");
        assertThat(locator.current()).isEqualTo(first);
        return all;
    }

    /** From the first on. */
    private String ring() {
        while (!locator.current().equals(CONFIGURED)) {
            locator.failed(locator.current(), now);
        }
        return asked();
    }

    @Test
    void what_a_state_file_says_is_over_when_a_watch_says_something() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.learned(kubernetes("172.18.0.2"));
        locator.remembered(kubernetes("172.18.0.9"));

        assertThat(inTurn(2)).containsExactly("172.18.0.2:6443", "10.96.0.1:443");
    }

    @Test
    void when_all_direct_servers_have_failed_the_configured_one_is_asked_and_then_they_are_again() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.learned(kubernetes("172.18.0.2", "172.18.0.3", "fd00::3", "172.18.0.4!"));

        List<String> asked = inTurn(8);
        assertThat(asked.subList(0, 3)).containsExactlyInAnyOrder("172.18.0.2:6443", "172.18.0.3:6443",
                "[fd00::3]:6443");
        assertThat(asked.get(3)).isEqualTo("10.96.0.1:443");
        assertThat(asked.subList(4, 8)).isEqualTo(asked.subList(0, 4));
    }

    @Test
    void one_failure_that_many_saw_costs_one_turn() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.learned(kubernetes("172.18.0.2", "172.18.0.3"));
        String first = locator.server(0);
        assertThat(locator.failed(first, 0)).isEqualTo(3);
        String second = locator.server(0);
        locator.failed(first, 0);

        assertThat(locator.server(0)).isEqualTo(second);
    }

    @Test
    void the_configured_server_has_its_turn_even_when_a_direct_one_answers() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.learned(kubernetes("172.18.0.2"));
        assertThat(locator.server(0)).isEqualTo("https://172.18.0.2:6443");
        assertThat(locator.server(TURN - 1)).isEqualTo("https://172.18.0.2:6443");

        assertThat(locator.server(TURN)).isEqualTo(CONFIGURED);
        assertThat(locator.server(2 * TURN)).isEqualTo("https://172.18.0.2:6443");
    }

    @Test
    void while_the_configured_server_answers_no_server_of_a_state_file_is_asked() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.remembered(kubernetes("172.18.0.2"));
        for (int i = 0; i < 10; i++) {
            assertThat(locator.server(i * TURN)).isEqualTo(CONFIGURED);
        }
        locator.failed(CONFIGURED, 10 * TURN);
        assertThat(locator.server(10 * TURN)).isEqualTo("https://172.18.0.2:6443");

        assertThat(locator.server(11 * TURN)).isEqualTo(CONFIGURED);
    }

    @Test
    void going_over_is_told_once_and_a_server_that_stays_is_kept() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        assertThat(locator.learned(kubernetes("172.18.0.2", "172.18.0.3"))).isTrue();
        assertThat(locator.learned(kubernetes("172.18.0.2", "172.18.0.3"))).isFalse();
        String asked = locator.server(0);
        String other = asked.contains("0.2") ? "172.18.0.3" : "172.18.0.2";
        String kept = asked.contains("0.2") ? "172.18.0.2" : "172.18.0.3";

        assertThat(locator.learned(kubernetes(kept, "172.18.0.4"))).isFalse();
        assertThat(locator.server(0)).isEqualTo(asked);
        assertThat(locator.learned(kubernetes(other))).isTrue();
        assertThat(locator.server(0)).contains(other);
    }

    @Test
    void another_configured_server_is_not_looked_for_where_the_one_before_was() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.learned(kubernetes("172.18.0.2"));
        configured("https://192.0.2.1:6443", Protection.CERTIFICATE);

        assertThat(inTurn(2)).containsExactly("192.0.2.1:6443", "192.0.2.1:6443");
    }

    @Test
    void no_more_than_eight_direct_servers_are_tried_before_the_configured_one() {
        configured(CONFIGURED, Protection.CERTIFICATE);
        locator.learned(kubernetes(java.util.stream.IntStream.range(1, 1000)
                .mapToObj(i -> "172.18." + i / 250 + "." + i % 250).toArray(String[]::new)));

        assertThat(inTurn(9)).doesNotHaveDuplicates().contains("10.96.0.1:443");
    }

    @Test
    void nodes_begin_with_different_servers() {
        Set<String> first = new HashSet<>();
        for (int node = 0; node < 50; node++) {
            ApiServerLocator other = new ApiServerLocator(new SplittableRandom(node));
            other.configure(CONFIGURED, Protection.CERTIFICATE);
            other.learned(kubernetes("172.18.0.2", "172.18.0.3", "172.18.0.4"));
            first.add(other.server(0));
        }

        assertThat(first).hasSize(3);
    }

    /** Whatever happens in whatever order, nobody else is asked, and the configured server is never out of turn for long. */
    @ParameterizedTest
    @EnumSource(Protection.class)
    void whatever_happens_only_believed_addresses_are_asked_and_the_configured_one_has_its_turn(Protection protection) {
        for (long seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            ApiServerLocator simulated = new ApiServerLocator(random.split());
            simulated.configure(CONFIGURED, protection);
            Set<String> live = Set.of();
            Set<String> ever = new HashSet<>();
            int sinceConfigured = 0;
            for (int step = 0; step < 200; step++) {
                @Nullable
                ServiceState said = random.nextInt(5) == 0 ? null : kubernetes(addresses(random));
                switch (random.nextInt(6)) {
                    case 0 -> {
                        simulated.learned(said);
                        live = urls(said);
                        ever.addAll(live);
                    }
                    case 1 -> {
                        simulated.remembered(said);
                        ever.addAll(urls(said));
                    }
                    default -> now += random.nextLong(Duration.ofMinutes(10).toNanos());
                }
                String asked = simulated.server(now);
                Set<String> allowed = switch (protection) {
                    case CERTIFICATE -> ever;
                    case NOTHING_TO_STEAL -> live;
                    case ADDRESS -> Set.of();
                };
                assertThat(asked.equals(CONFIGURED) || allowed.contains(asked)).as("seed %d, step %d", seed, step)
                        .isTrue();
                boolean fails = random.nextBoolean();
                sinceConfigured = asked.equals(CONFIGURED) ? 0 : sinceConfigured + (fails ? 1 : 0);
                if (fails) {
                    simulated.failed(asked, now);
                }
                // New servers come meanwhile, each with a turn before it.
                assertThat(sinceConfigured).as("seed %d, step %d", seed, step).isLessThan(60);
            }
        }
    }

    private static String[] addresses(SplittableRandom random) {
        return random.ints(random.nextInt(4), 2, 8).distinct().mapToObj(i -> "172.18.0." + i).toArray(String[]::new);
    }

    private static Set<String> urls(@Nullable ServiceState state) {
        return state == null
                ? Set.of()
                : state.ports().getFirst().endpoints().endpoints().stream().map(e -> "https://" + e.address())
                        .collect(Collectors.toSet());
    }
}
