package io.sluice.live;

import io.sluice.balance.Routing;
import io.sluice.balance.Traffic;
import io.sluice.healthcheck.Health;
import io.sluice.healthcheck.HealthStatus;
import io.sluice.live.LiveService.About;
import io.sluice.live.LiveService.Endpoints;
import io.sluice.live.LiveService.Look;
import io.sluice.live.LiveService.State;
import io.sluice.metrics.PortMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.RecentLatency;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.Endpoint;
import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Looks at the daemon, for a {@link LivePicture}. On the board's thread. */
final class LiveView implements LiveBoard.Painter {

    /** How many problems of each kind are shown. */
    static final int NAMED = 50;

    private static final int SHOWN_ADDRESSES = 4;
    private static final int SHOWN_PORTS = 8;
    private static final int LONGEST = 300;
    /** Health costs a look at every address, and is looked at less often while nothing is applied. */
    private static final long HEALTH_NANOS = Duration.ofSeconds(3).toNanos();

    private final HealthStatus status;
    private final Health health;
    private final ProxyMetrics metrics;
    /** What was said of each Service in the last picture. */
    private Map<ServiceName, Said> said = Map.of();
    private long lastAt;
    private long healthAt;
    /** When what health was looked at for had been applied; null if nothing had. */
    private @Nullable Instant healthOf;
    private String healthJson = "{}";

    /** Addresses and ports of a Service as text. */
    private record Said(Service of, String addresses, String ports) {}

    LiveView(HealthStatus status, Health health, ProxyMetrics metrics) {
        this.status = status;
        this.health = health;
        this.metrics = metrics;
    }

    @Override
    public LivePicture after(LivePicture last) {
        AppliedState applied = status.applied().orElse(null);
        long at = System.nanoTime();
        List<Look> looks = new ArrayList<>();
        Map<ServiceName, Said> saying = new HashMap<>();
        if (applied != null) {
            applied.snapshot().services().values().forEach(state -> {
                Service service = state.service();
                Said before = said.get(service.name());
                Said now = before != null && before.of().equals(service)
                        ? before
                        : new Said(service, addresses(service), ports(service));
                saying.put(service.name(), now);
                looks.add(look(state, now, applied));
            });
        }
        said = saying;
        long nanos = last.number() == 0 ? 0 : at - lastAt;
        lastAt = at;
        return last.next(new LivePicture.Frame(begin(), health(applied, last.number() == 0, at)), looks, nanos);
    }

    private String begin() {
        return json(Map.of("version", status.build().version(), "startedAt", status.build().startedAt().toString()));
    }

    private String health(@Nullable AppliedState applied, boolean first, long now) {
        Instant appliedAt = applied == null ? null : applied.appliedAt();
        if (first || !Objects.equals(appliedAt, healthOf) || now - healthAt > HEALTH_NANOS) {
            Health.ReadyView ready = health.ready();
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("node", applied == null ? "" : applied.snapshot().node().node());
            fields.put("ready", ready.ready());
            fields.put("synced", ready.synced());
            fields.put("applied", ready.applied());
            fields.put("draining", ready.draining());
            fields.put("current", ready.current());
            fields.put("detail", ready.detail());
            fields.put("problems", ready.problems().subList(0, Math.min(NAMED, ready.problems().size())));
            fields.put("failedListeners",
                    ready.failedListeners().subList(0, Math.min(NAMED, ready.failedListeners().size())));
            fields.put("more", Math.max(0, ready.problems().size() - NAMED)
                    + Math.max(0, ready.failedListeners().size() - NAMED));
            fields.put("resources", ready.resourceProblems());
            healthJson = json(fields);
            healthOf = appliedAt;
            healthAt = now;
        }
        return healthJson;
    }

    private static String json(Object value) {
        return PrintableJson.mapper().writeValueAsString(value);
    }

    private Look look(ServiceState state, Said text, AppliedState applied) {
        Service service = state.service();
        RecentLatency latency = RecentLatency.begin();
        int ready = 0;
        int total = 0;
        int ejected = 0;
        int draining = 0;
        long open = 0;
        long connections = 0;
        long bytes = 0;
        List<String> failed = new ArrayList<>();
        List<String> empty = new ArrayList<>();
        boolean proxied = false;
        for (PortState port : state.ports()) {
            ServicePortName name = new ServicePortName(service.name(), port.port().name(), port.port().protocol());
            AppliedPort appliedPort = applied.ports().get(name);
            for (Endpoint endpoint : port.endpoints().endpoints()) {
                total++;
                ready += endpoint.ready() ? 1 : 0;
                Routing routing = appliedPort == null ? Routing.NONE : appliedPort.routing();
                ejected += routing.leftOut(endpoint.address()) ? 1 : 0;
                draining += endpoint.terminating() && endpoint.serving() || routing.drained(endpoint.address()) ? 1 : 0;
            }
            if (appliedPort != null) {
                proxied = true;
                failures(appliedPort, failed);
                whyEmpty(port, appliedPort.routing()).ifPresent(empty::add);
            }
            PortMeters meters = metrics.find(name).orElse(null);
            if (meters != null) {
                open += meters.active();
                connections += meters.total();
                bytes += meters.bytes();
                meters.addTo(latency);
            }
        }
        State of = !failed.isEmpty() ? State.FAILED : !empty.isEmpty() ? State.EMPTY : ejected > 0 ? State.EJECTED
                : proxied ? State.OK : State.NONE;
        String why = Printable.cut(Stream.concat(failed.stream(), empty.stream()).distinct()
                .collect(Collectors.joining("; ")), LONGEST);
        return new Look(service.name(), new About(service.type().apiName(), text.addresses(), text.ports(), why),
                of,
                new Endpoints(ready, total, ejected, draining), open, connections, bytes, latency.connect(),
                latency.firstByte());
    }

    private static void failures(AppliedPort port, List<String> into) {
        for (ListenerState listener : port.listeners()) {
            if (listener.status() == ListenerStatus.FAILED && into.size() < SHOWN_ADDRESSES) {
                into.add(String.valueOf(listener.problem()));
            }
        }
    }

    private static Optional<String> whyEmpty(PortState port, Routing routing) {
        if (port.whyEmpty() != null) {
            return Optional.of(port.whyEmpty().describe());
        }
        boolean none = routing.selections().keySet().stream()
                .allMatch(family -> routing.pool(family, Traffic.INTERNAL).endpoints().isEmpty());
        return none ? Optional.of("no endpoint takes connections to its cluster address") : Optional.empty();
    }

    private static String addresses(Service service) {
        if (service.externalName() != null) {
            return Printable.cut(service.externalName(), LONGEST);
        }
        if (service.headless()) {
            return "headless";
        }
        List<InetAddress> all = Stream.of(service.clusterIps(), service.externalIps(), service.loadBalancerIps())
                .flatMap(List::stream).toList();
        return few(all.stream().map(IpAddresses::format).toList(), SHOWN_ADDRESSES);
    }

    private static String ports(Service service) {
        return few(service.ports().stream().map(port -> port.display()).toList(), SHOWN_PORTS);
    }

    private static String few(List<String> all, int most) {
        return String.join(", ", all.subList(0, Math.min(most, all.size())))
                + (all.size() > most ? " + " + (all.size() - most) : "");
    }
}
