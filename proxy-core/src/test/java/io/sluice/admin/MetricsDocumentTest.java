package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.http.AllowedHosts;
import io.sluice.liveness.Watchdog;
import io.sluice.metrics.ApiClientMetrics;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.EventLoopLag;
import io.sluice.metrics.ConnectionOutcome;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.MetricCatalog;
import io.sluice.metrics.PortMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.HandoffMetrics;
import io.sluice.metrics.RuntimeMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.metrics.WatchdogMetrics;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A scrape shows what the catalogue and {@code docs/metrics.md} list, with types and labels, and nothing else. */
class MetricsDocumentTest {

    private static final Path DOCUMENT = Path.of("..", "docs", "metrics.md");
    private static final Pattern ROW =
            Pattern.compile("^\\| `((?:sluice|kubeproxy|rest_client|kubernetes)_\\w+)` \\| (\\w+) \\| ([^|]*) \\|",
                    Pattern.MULTILINE);
    private static final Pattern FAMILY_ROW = Pattern.compile("^\\| `(\\w+)_\\*`", Pattern.MULTILINE);
    private static final Pattern FAMILY_LINE = Pattern.compile("^\\| `\\w+_\\*` .*$", Pattern.MULTILINE);
    private static final Pattern CODE = Pattern.compile("`(\\w+)`");
    private static final Pattern TYPE = Pattern.compile("^# TYPE (\\w+) (\\w+)$", Pattern.MULTILINE);
    private static final Pattern WORD = Pattern.compile("\\w+");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"");

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ProxyMetrics proxy = new ProxyMetrics(registry);
    private final SyncMetrics sync = new SyncMetrics(registry);
    private final RuntimeMetrics runtime = new RuntimeMetrics(registry, "1.2.3", 1000, () -> 0, 1, () -> 0);
    private final ApiClientMetrics api = new ApiClientMetrics(registry);
    private final DnsMetrics dns = new DnsMetrics(registry);
    private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();
    private final EventLoopLag lag = new EventLoopLag(registry, List.of(loop));
    private final Watchdog watchdog =
            new Watchdog(Duration.ofSeconds(30), Duration.ofSeconds(1), lag::heartbeats, stalls -> {});
    private final Map<String, LongSupplier> handoffs = Map.of("handed", () -> 1);
    private final Admin admin = new Admin(Optional.empty(), Optional.empty(), new AllowedHosts(List.of(), ""),
            daemonOfACluster(), proxy, registry);

    private static ScriptedDaemon daemonOfACluster() {
        ScriptedDaemon daemon = new ScriptedDaemon();
        daemon.freshness = ScriptedDaemon.CLUSTER;
        daemon.applied = ScriptedDaemon.threeServices();
        return daemon;
    }

    @BeforeEach
    void countSomething() {
        PortMeters port = proxy.port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP));
        EndpointMeters endpoint = port.endpoint(new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080));
        endpoint.connected(1_000_000);
        endpoint.firstByte(1_000_000);
        port.connected(1_000_000);
        port.closed(ConnectionOutcome.COMPLETED, 2_000_000);
        port.closed(ConnectionOutcome.CLIENT_DEAD, 2_000_000);
        port.accepted();
        port.closed(ConnectionOutcome.ORDERED, 2_000_000);
        port.drainedNow(1);
        port.unhealthyNow(1);
        proxy.port(new ServicePortName(new ServiceName("default", "names"), "dns", Protocol.UDP)).datagramFromClient();
    }

    @BeforeEach
    void watch() {
        WatchdogMetrics.bind(registry, watchdog);
        HandoffMetrics.bind(registry, () -> 1, handoffs);
    }

    @BeforeEach
    void askTheApiServer() {
        api.answered("GET", "10.0.0.1:6443", "200");
        api.took("GET", "10.0.0.1:6443", Duration.ofMillis(1));
        api.serverBuild(Map.of("gitVersion", "v1.34.0"));
    }

    @BeforeEach
    void resolveSomething() {
        dns.gauges(() -> 1, () -> 1, () -> 1);
        dns.answered("cluster.local.", Protocol.UDP, IpFamily.IPV4, "A", "NOERROR", 50, 100, 20_000);
        dns.upstream("192.0.2.53:53", "NOERROR", 1_000_000);
        dns.upstreamCheckFailed("192.0.2.53:53");
    }

    @AfterEach
    void close() {
        admin.close();
        watchdog.close();
        lag.close();
        loop.close();
        runtime.close();
    }

    @Test
    void every_metric_is_documented_with_its_type_and_labels() throws IOException {
        Map<String, String> documented = new TreeMap<>();
        for (MatchResult row : ROW.matcher(Files.readString(DOCUMENT)).results().toList()) {
            assertThat(documented.put(row.group(1), row.group(2) + " " + labelsOfCell(row.group(3))))
                    .as("documented twice: %s", row.group(1)).isNull();
        }

        assertThat(scraped()).isNotEmpty().isEqualTo(documented);
    }

    @Test
    void a_scrape_shows_the_catalogue_with_its_types_and_labels_and_nothing_else() {
        Map<String, String> catalogue = new TreeMap<>();
        for (MetricCatalog metric : MetricCatalog.values()) {
            Collection<String> labels = new TreeSet<>(metric.labels());
            catalogue.put(metric.exportedName(), metric.type() + " " + labels);
            if (metric.longestName() != null) {
                catalogue.put(metric.longestName(), "gauge " + labels);
            }
        }

        assertThat(scraped()).isEqualTo(catalogue);
    }

    @Test
    void a_scrape_shows_the_help_texts_of_the_catalogue() {
        List<String> text = registry.scrape().lines().toList();

        for (MetricCatalog metric : MetricCatalog.values()) {
            assertThat(text).contains("# HELP " + metric.exportedName() + " " + metric.help());
            if (metric.longestName() != null) {
                assertThat(text).contains("# HELP " + metric.longestName() + " " + metric.help());
            }
        }
    }

    @Test
    void every_other_family_is_documented() throws IOException {
        Collection<String> families = FAMILY_ROW.matcher(Files.readString(DOCUMENT)).results().map(row -> row.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        Collection<String> scraped = TYPE.matcher(registry.scrape()).results().map(type -> type.group(1))
                .filter(name -> !isOurs(name)).map(name -> name.substring(0, name.indexOf('_')))
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(scraped).isEqualTo(families);
        assertThat(sync).isNotNull();
    }

    /** Rules and dashboards ask for them. */
    @Test
    void a_metric_of_another_family_that_is_named_exists() throws IOException {
        List<String> named = FAMILY_LINE.matcher(Files.readString(DOCUMENT)).results().map(MatchResult::group)
                .flatMap(row -> CODE.matcher(row).results()).map(name -> name.group(1)).toList();
        assertThat(named).isNotEmpty();
        assertThat(TYPE.matcher(registry.scrape()).results().map(type -> type.group(1))).containsAll(named);
    }

    private Map<String, String> scraped() {
        String text = registry.scrape();
        Map<String, String> metrics = new TreeMap<>();
        for (MatchResult type : TYPE.matcher(text).results().toList()) {
            if (isOurs(type.group(1))) {
                metrics.put(type.group(1), type.group(2) + " " + labels(text, type.group(1)));
            }
        }
        return metrics;
    }

    private static Collection<String> labels(String text, String metric) {
        return text.lines().filter(line -> line.matches(metric + "(_bucket)?[{ ].*"))
                .flatMap(line -> LABEL.matcher(line).results()).map(label -> label.group(1))
                .filter(label -> !label.equals("le")).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Collection<String> labelsOfCell(String cell) {
        return WORD.matcher(cell).results().map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
    }

    private static boolean isOurs(String name) {
        return Stream.of("sluice_", "kubeproxy_", "rest_client_", "kubernetes_").anyMatch(name::startsWith);
    }
}
