package io.sluice.metrics;

import static io.sluice.metrics.MetricCatalog.Section.API_CLIENT;
import static io.sluice.metrics.MetricCatalog.Section.CONTROL_PLANE;
import static io.sluice.metrics.MetricCatalog.Section.DNS;
import static io.sluice.metrics.MetricCatalog.Section.ENDPOINT;
import static io.sluice.metrics.MetricCatalog.Section.KUBE_PROXY;
import static io.sluice.metrics.MetricCatalog.Section.PROCESS;
import static io.sluice.metrics.MetricCatalog.Section.SERVICE_PORT;
import static io.sluice.metrics.MetricCatalog.Type.COUNTER;
import static io.sluice.metrics.MetricCatalog.Type.GAUGE;
import static io.sluice.metrics.MetricCatalog.Type.HISTOGRAM;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Every metric of Sluice: its name at {@code /metrics}, its type, its labels and what it means. Meters are registered
 * through the methods of its constants, so that no other place names a metric, and the tables of {@code docs/metrics.md}
 * are made from it. Metrics of the JVM and of Netty have the names that Micrometer gives them.
 *
 * <p>A histogram comes with a gauge of the longest value of the last minutes; the gauge's name ends in {@code _max}.
 */
public enum MetricCatalog {

    CONNECTIONS_ACTIVE(SERVICE_PORT, GAUGE, "sluice_connections_active", "namespace, service, port",
            "Connections that are open", ""),
    CONNECTIONS(SERVICE_PORT, COUNTER, "sluice_connections_total", "namespace, service, port",
            "Connections that were accepted", ""),
    CONNECTIONS_FAILED(SERVICE_PORT, COUNTER, "sluice_connections_failed_total", "namespace, service, port",
            "Accepted connections that no endpoint took, or that the endpoint, a timeout or the proxy broke", ""),
    CONNECTIONS_ABORTED(SERVICE_PORT, COUNTER, "sluice_connections_aborted_total", "namespace, service, port",
            "Accepted connections that the client reset or left early", "not counted as failed"),
    CONNECTIONS_DEAD_PEER(SERVICE_PORT, COUNTER, "sluice_connections_dead_peer_total", "namespace, service, port, side",
            "Connections of which one peer's host answered nothing any more",
            "side is `client` (counted as aborted, too) or `backend` (as failed); made by the first of them"),
    CONNECTIONS_KILLED(SERVICE_PORT, COUNTER, "sluice_connections_killed_total", "namespace, service, port",
            "Connections that an operator ended", "counted as failed, too; made by the first of them"),
    CONNECTIONS_REFUSED(SERVICE_PORT, COUNTER, "sluice_connections_refused_total", "namespace, service, port, reason",
            "Connections that were turned away", "for the reasons see below"),
    CONNECT_RETRIES(SERVICE_PORT, COUNTER, "sluice_connect_retries_total", "namespace, service, port",
            "Endpoints that were tried after another had failed", ""),
    RELAYED_BYTES(SERVICE_PORT, COUNTER, "sluice_relayed_bytes_total", "namespace, service, port, direction",
            "Bytes that were passed on", "direction is `from_client` or `from_backend`"),
    CONNECT_DURATION(SERVICE_PORT, HISTOGRAM, "sluice_connect_duration_seconds", "namespace, service, port",
            "From accept until an endpoint took the connection", "failed attempts are included"),
    CONNECTION_DURATION(SERVICE_PORT, HISTOGRAM, "sluice_connection_duration_seconds", "namespace, service, port",
            "From accept to close", ""),
    DATAGRAMS(SERVICE_PORT, COUNTER, "sluice_datagrams_total", "namespace, service, port, direction",
            "Datagrams that were passed on", "UDP ports only; direction is `from_client` or `from_backend`"),
    FLOWS_GAVE_WAY(SERVICE_PORT, COUNTER, "sluice_flows_gave_way_total", "namespace, service, port",
            "Flows that gave way to others because there were too many", "UDP ports only"),
    ENDPOINTS(SERVICE_PORT, GAUGE, "sluice_endpoints", "namespace, service, port, state", "Known endpoints",
            "state is `ready`, `serving_terminating` or `not_ready`"),
    ENDPOINTS_EJECTED(SERVICE_PORT, GAUGE, "sluice_endpoints_ejected", "namespace, service, port",
            "Endpoints that are left out because they do not answer, fail their health check, or by `sluice eject`",
            ""),
    ENDPOINTS_UNHEALTHY(SERVICE_PORT, GAUGE, "sluice_endpoints_unhealthy", "namespace, service, port",
            "Endpoints that fail their health check", "only for Services with `sluice.io/health-check`"),
    HEALTH_CHECKS(SERVICE_PORT, COUNTER, "sluice_health_checks_total", "namespace, service, port, result",
            "Health checks of endpoints that were made",
            "only for Services with `sluice.io/health-check`; result is `passed` or `failed`"),
    ENDPOINTS_DRAINED(SERVICE_PORT, GAUGE, "sluice_endpoints_drained", "namespace, service, port",
            "Endpoints that get no connections because of `sluice drain`", "made by the first of them"),
    ENDPOINT_EJECTIONS(SERVICE_PORT, COUNTER, "sluice_endpoint_ejections_total", "namespace, service, port",
            "How often an endpoint was left out because it did not answer", ""),

    ENDPOINT_CONNECTIONS_ACTIVE(ENDPOINT, GAUGE, "sluice_endpoint_connections_active",
            "namespace, service, port, endpoint", "Connections that are open to the endpoint", ""),
    ENDPOINT_CONNECTIONS(ENDPOINT, COUNTER, "sluice_endpoint_connections_total",
            "namespace, service, port, endpoint", "Connections that the endpoint took", ""),
    ENDPOINT_CONNECTIONS_FAILED(ENDPOINT, COUNTER, "sluice_endpoint_connections_failed_total",
            "namespace, service, port, endpoint, reason", "Attempts to connect to the endpoint that failed",
            "reason is `refused`, `timeout`, `unreachable` or `other` (a fault of this node); the last two are made by"
                    + " the first of them"),
    ENDPOINT_RELAYED_BYTES(ENDPOINT, COUNTER, "sluice_endpoint_relayed_bytes_total",
            "namespace, service, port, endpoint, direction", "Bytes that were passed on",
            "direction is `from_client` or `from_backend`"),
    ENDPOINT_CONNECT_DURATION(ENDPOINT, HISTOGRAM, "sluice_endpoint_connect_duration_seconds",
            "namespace, service, port, endpoint", "From the attempt to connect until the endpoint took the connection",
            "attempts that failed are not in it; TCP only"),
    ENDPOINT_FIRST_BYTE_DURATION(ENDPOINT, HISTOGRAM, "sluice_endpoint_first_byte_duration_seconds",
            "namespace, service, port, endpoint",
            "How long the endpoint took to send its first byte of a connection",
            "since it was given the client's first byte, or since it took the connection where it speaks first; of a flow"
                    + " its first datagram"),

    SOURCE_SYNCED(CONTROL_PLANE, GAUGE, "sluice_source_synced", "",
            "1 once the source has handed over a complete view", ""),
    SOURCE_CURRENT(CONTROL_PLANE, GAUGE, "sluice_source_current", "",
            "1 while the view is known to be up to date, 0 while an edit is broken or a watch silent",
            "while it is 0 the last good state is served"),
    SOURCE_PROBLEMS(CONTROL_PLANE, GAUGE, "sluice_source_problems", "severity",
            "What is wrong with the source's input now",
            "severity is `error` (refused) or `warning`; `/readyz` lists them"),
    SOURCE_LAST_GOOD(CONTROL_PLANE, GAUGE, "sluice_source_last_good_timestamp_seconds", "",
            "When the source's view was last known to be true", "0 for never"),
    RESOURCE_AGE(CONTROL_PLANE, GAUGE, "sluice_source_resource_age_seconds", "resource",
            "How long the API server has said nothing about this resource, not even that nothing is new",
            "NaN before the first list; more than `--watch-idle-timeout` and half a minute is trouble; this metric and the"
                    + " next four exist only with a cluster"),
    RESOURCE_WATCHING(CONTROL_PLANE, GAUGE, "sluice_source_resource_watching", "resource",
            "1 while changes of this resource are watched",
            "0 while it is listed or the API server is out of reach"),
    RESOURCE_OBJECTS(CONTROL_PLANE, GAUGE, "sluice_source_resource_objects", "resource",
            "Objects of this resource that are known", ""),
    RESOURCE_LISTS(CONTROL_PLANE, COUNTER, "sluice_source_resource_lists_total", "resource",
            "How often all objects of this resource were listed", "once at the start, and once after each gap"),
    RESOURCE_FAILURES(CONTROL_PLANE, COUNTER, "sluice_source_resource_failures_total", "resource",
            "Lists and watches of this resource that failed", "a watch that ends when its time is over has not failed"),
    SERVICES(CONTROL_PLANE, GAUGE, "sluice_services", "", "Services that are known", ""),
    SERVICE_PORTS_EMPTY(CONTROL_PLANE, GAUGE, "sluice_service_ports_empty", "",
            "Proxied Service ports without an endpoint that may take a connection", ""),
    LISTENERS(CONTROL_PLANE, GAUGE, "sluice_listeners", "status", "Addresses that are or should be listened at",
            "status is `listening`, `no_endpoints` (refuses on purpose) or `failed` (tried again; `/readyz` lists them)"),
    SERVICE_LISTENERS_FAILED(CONTROL_PLANE, GAUGE, "sluice_service_listeners_failed", "namespace, service, port",
            "Addresses of the Service port that should be listened at and cannot be",
            "absent without any; of at most 50 ports, the first by name"),
    SERVICE_WITHOUT_ENDPOINTS(CONTROL_PLANE, GAUGE, "sluice_service_without_endpoints", "namespace, service, port",
            "1 for a proxied Service port without an endpoint that may take a connection",
            "absent for others; of at most 50 ports, the first by name"),
    SYNC_DURATION(CONTROL_PLANE, HISTOGRAM, "sluice_sync_duration_seconds", "",
            "How long it took to apply a snapshot", "buckets are 1 ms, doubled up to 16.384 s"),
    SYNC_LAST(CONTROL_PLANE, GAUGE, "sluice_sync_last_timestamp_seconds", "", "When a snapshot was last applied",
            "0 for never"),

    DNS_REQUESTS(DNS, COUNTER, "sluice_dns_requests_total", "zone, proto, family, type",
            "DNS queries that were answered",
            "proto is `udp` or `tcp`, family is `1` (IPv4) or `2`, type is a well-known record type or `other`"),
    DNS_RESPONSES(DNS, COUNTER, "sluice_dns_responses_total", "zone, rcode", "Replies to DNS queries", ""),
    DNS_REQUEST_DURATION(DNS, HISTOGRAM, "sluice_dns_request_duration_seconds", "zone",
            "From receiving a query to handing over the reply", "buckets are from 10 µs to 5 s"),
    DNS_REQUEST_SIZE(DNS, HISTOGRAM, "sluice_dns_request_size_bytes", "proto", "Octets of queries", ""),
    DNS_RESPONSE_SIZE(DNS, HISTOGRAM, "sluice_dns_response_size_bytes", "proto", "Octets of replies", ""),
    DNS_DROPPED(DNS, COUNTER, "sluice_dns_dropped_total", "reason", "Queries and connections that were not answered",
            "for the reasons see below"),
    DNS_CONNECTIONS_ACTIVE(DNS, GAUGE, "sluice_dns_connections_active", "", "DNS connections over TCP that are open",
            ""),
    DNS_NAMES(DNS, GAUGE, "sluice_dns_names", "", "Names that exist in our zones", ""),
    DNS_UPDATE_DURATION(DNS, HISTOGRAM, "sluice_dns_update_duration_seconds", "",
            "How long it took to make the zones of a snapshot", ""),
    DNS_CACHE_ENTRIES(DNS, GAUGE, "sluice_dns_cache_entries", "", "Answers of upstreams that are kept", ""),
    DNS_CACHE_REQUESTS(DNS, COUNTER, "sluice_dns_cache_requests_total", "",
            "Questions for which the cache was looked up", ""),
    DNS_CACHE_HITS(DNS, COUNTER, "sluice_dns_cache_hits_total", "type", "Questions that the cache answered",
            "type is `success` or `denial`"),
    DNS_CACHE_EVICTIONS(DNS, COUNTER, "sluice_dns_cache_evictions_total", "",
            "Answers that left the cache before their time", ""),
    DNS_UPSTREAM_DURATION(DNS, HISTOGRAM, "sluice_dns_upstream_duration_seconds", "to, rcode",
            "From asking an upstream to its answer", "rcode is also `timeout` or `error`"),
    DNS_UPSTREAM_FAILURES(DNS, COUNTER, "sluice_dns_upstream_healthcheck_failures_total", "to",
            "Health checks of an upstream that it did not answer", "only an upstream that is down is checked"),
    DNS_UPSTREAM_REJECTS(DNS, COUNTER, "sluice_dns_upstream_rejects_total", "",
            "Queries that were refused because too many wait for upstreams", ""),

    BUILD_INFO(PROCESS, GAUGE, "sluice_build_info", "version, java", "What runs here; always 1", ""),
    CONNECTIONS_LIMIT(PROCESS, GAUGE, "sluice_connections_limit", "",
            "How many connections may be open over all Services", "`--max-connections`"),
    BUFFERED_BYTES(PROCESS, GAUGE, "sluice_buffered_bytes", "",
            "Bytes that were read from one side and not yet taken by the other, held in this process", ""),
    BUFFERED_LIMIT(PROCESS, GAUGE, "sluice_buffered_limit_bytes", "",
            "Above this a connection reads only what its other side takes at once", "`--buffer-memory`"),
    KERNEL_CONNECTIONS(PROCESS, GAUGE, "sluice_kernel_connections", "",
            "Open connections that were handed to the kernel",
            "with `--kernel-handoff`; they are among `sluice_connections_active`, and looked at every two seconds"),
    HANDOFFS(PROCESS, COUNTER, "sluice_handoffs_total", "result",
            "Attempts to hand a connection to the kernel",
            "result is `handed`, or why the connection stays with the daemon: see docs/internals/kernel-handoff.md"),
    LOG_LINES_DROPPED(PROCESS, COUNTER, "sluice_log_lines_dropped_total", "",
            "Lines of the log that were dropped because standard error was not read",
            "lines that could not be written and lines of the access log are counted too"),
    EVENT_LOOP_LAG(PROCESS, GAUGE, "sluice_event_loop_lag_seconds", "loop",
            "How late the event loop ran a task at worst in the last 30 s to 60 s",
            "or how late it is now, if that is more"),
    THREAD_PROGRESS_AGE(PROCESS, GAUGE, "sluice_thread_progress_age_seconds", "kind",
            "For how long the slowest thread of this kind has made no progress",
            "time in which the whole process stands still does not count; kind is `event_loop`, `control` (applies"
                    + " changes) or `source` (reads Services; 0 while it waits for news)"),
    THREAD_STALLS(PROCESS, COUNTER, "sluice_thread_stalls_total", "kind",
            "How often a thread made no progress for longer than it may",
            "the limit is `--stall-timeout`; a thread that ended is counted too; the log names it"),
    SERIES_DROPPED(PROCESS, GAUGE, "sluice_metrics_series_dropped", "",
            "Endpoints without series of their own, because there are too many", "the limit is 20,000"),
    HISTOGRAMS_DROPPED(PROCESS, GAUGE, "sluice_metrics_histograms_dropped", "",
            "Endpoints that take connections and have no histograms of their own", "`--max-endpoint-histograms`"),

    KUBE_PROXY_SYNC_DURATION(KUBE_PROXY, HISTOGRAM, "kubeproxy_sync_proxy_rules_duration_seconds", "ip_family",
            "The same as sluice_sync_duration_seconds", "with kube-proxy's buckets"),
    KUBE_PROXY_SYNC_LAST(KUBE_PROXY, GAUGE, "kubeproxy_sync_proxy_rules_last_timestamp_seconds", "ip_family",
            "The same as sluice_sync_last_timestamp_seconds", ""),
    KUBE_PROXY_LAST_QUEUED(KUBE_PROXY, GAUGE, "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
            "ip_family", "When there was last something to apply",
            "much later than the one before means that something hangs"),
    KUBE_PROXY_SERVICE_CHANGES(KUBE_PROXY, COUNTER, "kubeproxy_sync_proxy_rules_service_changes_total", "",
            "Services added, changed or removed by applied snapshots", ""),
    KUBE_PROXY_ENDPOINT_CHANGES(KUBE_PROXY, COUNTER, "kubeproxy_sync_proxy_rules_endpoint_changes_total", "",
            "Services whose endpoints differed between applied snapshots", ""),
    KUBE_PROXY_SERVICE_CHANGES_PENDING(KUBE_PROXY, GAUGE, "kubeproxy_sync_proxy_rules_service_changes_pending", "",
            "Services whose changes are not applied yet", ""),
    KUBE_PROXY_ENDPOINT_CHANGES_PENDING(KUBE_PROXY, GAUGE, "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "",
            "Services whose changed endpoints are not applied yet", ""),
    /** kube-proxy's name: a gauge that ends as only counters should. */
    KUBE_PROXY_NO_LOCAL_ENDPOINTS(KUBE_PROXY, GAUGE, "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
            "ip_family, traffic_policy",
            "Service ports with a Local traffic policy whose endpoints are all elsewhere",
            "elsewhere is on other nodes; counted by family; traffic_policy is `internal` or `external`"),
    KUBE_PROXY_NETWORK_PROGRAMMING(KUBE_PROXY, HISTOGRAM, "kubeproxy_network_programming_duration_seconds",
            "ip_family", "From what made an EndpointSlice change until the change was applied",
            "it begins at the slice's annotation `endpoints.kubernetes.io/last-change-trigger-time`, by the control"
                    + " plane's clock, and is counted by family; not for deletions, not for changes before the start"),
    KUBE_PROXY_HEALTHZ(KUBE_PROXY, COUNTER, "kubeproxy_proxy_healthz_total", "code",
            "Answers of /healthz on the health address", ""),
    KUBE_PROXY_LIVEZ(KUBE_PROXY, COUNTER, "kubeproxy_proxy_livez_total", "code",
            "Answers of /livez on the health address", ""),

    REST_CLIENT_REQUESTS(API_CLIENT, COUNTER, "rest_client_requests_total", "code, method, host",
            "Requests to the API server",
            "watches are among them; code is `<error>` where no answer came; host is `name:port`"),
    REST_CLIENT_REQUEST_DURATION(API_CLIENT, HISTOGRAM, "rest_client_request_duration_seconds", "verb, host",
            "How long requests to the API server took until the whole answer was there, watches left out", ""),
    KUBERNETES_BUILD_INFO(API_CLIENT, GAUGE, "kubernetes_build_info",
            "major, minor, git_version, git_commit, git_tree_state, build_date, go_version, compiler, platform",
            "The API server that Services come from; always 1",
            "as its `/version` says, asked every 10 min; Sluice is not built from Kubernetes: its own version is in"
                    + " `sluice_build_info`, so that alerts about versions that differ stay quiet");

    /** Tables of {@code docs/metrics.md}, in its order. */
    public enum Section {
        SERVICE_PORT, ENDPOINT, CONTROL_PLANE, DNS, PROCESS, KUBE_PROXY, API_CLIENT
    }

    /** What Prometheus calls the type. */
    public enum Type {
        COUNTER, GAUGE, HISTOGRAM;

        /** As it is written after {@code # TYPE}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final String COUNTER_SUFFIX = "_total";
    private static final String LONGEST_SUFFIX = "_max";

    private final Section section;
    private final Type type;
    private final String exportedName;
    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<String> labels;
    private final String help;
    private final String details;

    MetricCatalog(Section section, Type type, String exportedName, String labels, String help, String details) {
        this.section = section;
        this.type = type;
        this.exportedName = exportedName;
        this.labels = labels.isEmpty() ? List.of() : List.of(labels.split(", ", -1));
        this.help = help;
        this.details = details;
    }

    /** The table of {@code docs/metrics.md} that lists it. */
    public Section section() {
        return section;
    }

    /** The type; the gauge {@link #longestName} is an own metric. */
    public Type type() {
        return type;
    }

    /** As it is at {@code /metrics}. */
    public String exportedName() {
        return exportedName;
    }

    /** The gauge of the longest value of the last minutes, which each histogram has; null for other types. */
    public @Nullable String longestName() {
        return type == HISTOGRAM ? exportedName + LONGEST_SUFFIX : null;
    }

    /** Names of labels, in the order in which their values are given to the methods that register meters. */
    public List<String> labels() {
        return labels;
    }

    /** As it is after {@code # HELP}. */
    public String help() {
        return help;
    }

    /** What the document says after {@link #help}; empty for nothing. */
    public String details() {
        return details;
    }

    /** {@code seconds} or {@code bytes}, of which values are multiples; null for numbers of things. */
    public @Nullable String unit() {
        return Stream.of("seconds", "bytes").filter(known -> withoutSuffix().endsWith("_" + known)).findAny()
                .orElse(null);
    }

    /** What Prometheus's library wants to know of it: counters get their suffix there. */
    MetricMetadata metadata() {
        return new MetricMetadata(withoutSuffix(), help);
    }

    /** What Prometheus's library wants to know of the gauge {@link #longestName}. */
    MetricMetadata longestMetadata() {
        return new MetricMetadata(exportedName + LONGEST_SUFFIX, help);
    }

    /** Micrometer's spelling, to which it adds units and the suffix of counters: {@code sluice.sync.duration}. */
    String meterName() {
        String name = withoutSuffix();
        String unit = unit();
        return (unit == null ? name : name.substring(0, name.length() - unit.length() - 1)).replace('_', '.');
    }

    private String withoutSuffix() {
        return type == COUNTER
                ? exportedName.substring(0, exportedName.length() - COUNTER_SUFFIX.length())
                : exportedName;
    }

    /** Micrometer's spelling of labels with {@code values}, in the order of {@link #labels}. */
    private Iterable<Tag> tags(String... values) {
        if (values.length != labels.size()) {
            throw new IllegalArgumentException(exportedName + " has the labels " + labels);
        }
        List<Tag> tags = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            tags.add(Tag.of(labels.get(i).replace('_', '.'), values[i]));
        }
        return tags;
    }

    /** Registers a counter, or finds the one with these labels. */
    public Counter counter(MeterRegistry registry, String... labelValues) {
        return Counter.builder(meterName()).tags(tags(labelValues)).description(help).register(registry);
    }

    /** Registers a counter that asks {@code of} at each scrape; the registry does not keep {@code of} alive. */
    public <T> FunctionCounter counter(MeterRegistry registry, T of, ToDoubleFunction<T> count,
            String... labelValues) {
        return FunctionCounter.builder(meterName(), of, count).tags(tags(labelValues)).description(help)
                .register(registry);
    }

    /** Registers a gauge that asks {@code value} at each scrape; the registry keeps it alive. */
    public Gauge gauge(MeterRegistry registry, Supplier<Number> value, String... labelValues) {
        return Gauge.builder(meterName(), value).baseUnit(unit()).tags(tags(labelValues)).description(help)
                .register(registry);
    }

    /** Registers a gauge of seconds whose {@code value} is one of {@code unit}; the registry keeps it alive. */
    public TimeGauge gauge(MeterRegistry registry, Supplier<Number> value, TimeUnit unit, String... labelValues) {
        return TimeGauge.builder(meterName(), value, unit).tags(tags(labelValues)).description(help)
                .register(registry);
    }

    /** Registers a histogram of durations with these upper bounds, or finds the one with these labels. */
    public Timer timer(MeterRegistry registry, Duration[] buckets, String... labelValues) {
        return Timer.builder(meterName()).tags(tags(labelValues)).description(help).serviceLevelObjectives(buckets)
                .register(registry);
    }

    /** Registers a histogram of sizes with these upper bounds. */
    public DistributionSummary summary(MeterRegistry registry, double[] buckets, String... labelValues) {
        return DistributionSummary.builder(meterName()).baseUnit(unit()).tags(tags(labelValues)).description(help)
                .serviceLevelObjectives(buckets).register(registry);
    }
}
