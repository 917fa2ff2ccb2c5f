package io.sluice.healthcheck;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.http.Response;
import io.sluice.http.Request;
import io.sluice.liveness.Stall;
import io.sluice.metrics.MetricCatalog;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServicePortName;
import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ResourceFreshness.WatchState;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The health checks: {@code /healthz} and {@code /livez} with kube-proxy's rules and shape, and {@code /readyz}, which
 * kube-proxy lacks. Any thread.
 */
public final class Health {

    /** kube-proxy's limit: twice its default sync period. */
    static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

    private final HealthStatus status;
    private final Clock clock;
    private final Answers healthz;
    private final Answers livez;

    /** Registers counters of its responses. */
    public Health(HealthStatus status, MeterRegistry registry, Clock clock) {
        this.status = status;
        this.clock = clock;
        this.healthz = new Answers(registry, MetricCatalog.KUBE_PROXY_HEALTHZ);
        this.livez = new Answers(registry, MetricCatalog.KUBE_PROXY_LIVEZ);
    }

    /**
     * For load balancers: 200 unless a change has been waiting for too long, a thread that connections or changes need is
     * stalled, or the node is being removed.
     */
    public Response healthz() {
        Instant now = clock.instant();
        boolean healthy = healthy(status, now);
        boolean eligible = status.nodeEligible();
        return healthz.count(Response.json(healthy && eligible ? 200 : 503,
                new HealthzView(lastUpdated(healthy, now), now, eligible, stalled())));
    }

    /** For a liveness probe: the same without the node's removal. */
    public Response livez() {
        Instant now = clock.instant();
        boolean healthy = healthy(status, now);
        return livez
                .count(Response.json(healthy ? 200 : 503, new LivezView(lastUpdated(healthy, now), now, stalled())));
    }

    /**
     * For a readiness probe: 200 once the Services are known and were applied, until the daemon drains. A source that is
     * not current leaves it at 200, since traffic is served from the last good state; the body says so.
     *
     * <p>While a new process gets ready, kubelet gets 503: at this address it probes the new pod as well, and would end the old
     * one if it took this process's answer for the new one's.
     */
    public Response readyz(Request request) {
        ReadyView view = ready(request.isPodProbe());
        return Response.json(view.ready() ? 200 : 503, view);
    }

    /** The body of {@code /readyz} for clients other than kubelet. */
    public ReadyView ready() {
        return ready(false);
    }

    private ReadyView ready(boolean podProbe) {
        Freshness freshness = status.freshness();
        AppliedState applied = status.applied().orElse(null);
        boolean draining = status.draining();
        return new ReadyView(
                freshness.synced() && applied != null && !draining && !(podProbe && status.successorAwaited()),
                status.successorAwaited(), freshness.synced(), applied != null, draining, freshness.current(),
                freshness.asOf(), freshness.detail(),
                problems(freshness, applied),
                freshness.resources().stream().map(resource -> ResourceView.of(resource, clock.instant())).toList(),
                applied == null ? List.of() : failedListeners(applied), status.build().version());
    }

    /** Whether no change has been waiting too long, and no thread is stalled for which a restart would help. */
    static boolean healthy(HealthStatus status, Instant now) {
        return status.stalls().stream().noneMatch(Stall::restartHelps)
                && status.waitingSince().map(since -> !since.plus(LONGEST_WAIT).isBefore(now)).orElse(true);
    }

    /** As in kube-proxy: now while healthy, else the time when the last change was applied. */
    private @Nullable Instant lastUpdated(boolean healthy, Instant now) {
        return healthy ? now : status.applied().map(AppliedState::appliedAt).orElse(null);
    }

    /** The stalled threads; null, which is left out, for none. */
    private @Nullable List<StalledView> stalled() {
        List<StalledView> stalled =
                status.stalls().stream().filter(Stall::restartHelps).map(StalledView::of).toList();
        return stalled.isEmpty() ? null : stalled;
    }

    private static List<ProblemView> problems(Freshness freshness, @Nullable AppliedState applied) {
        List<ProblemView> problems = new ArrayList<>();
        freshness.problems().forEach(problem -> problems.add(ProblemView.of(problem)));
        if (applied != null) {
            applied.warnings().forEach(warning -> problems.add(new ProblemView(spelled(Problem.Severity.WARNING),
                    "endpoints", warning.service().toString(), warning.message())));
        }
        return problems;
    }

    private static List<FailedListenerView> failedListeners(AppliedState applied) {
        return applied.ports().entrySet().stream().sorted(Map.Entry.comparingByKey())
                .flatMap(port -> port.getValue().listeners().stream()
                        .filter(listener -> listener.status() == ListenerStatus.FAILED)
                        .map(listener -> FailedListenerView.of(port.getKey(), listener)))
                .toList();
    }

    // The model may rename its constants, the API may not.

    private static String spelled(Problem.Severity severity) {
        return switch (severity) {
            case ERROR -> "Error";
            case WARNING -> "Warning";
        };
    }

    private static String spelled(WatchState state) {
        return switch (state) {
            case LISTING -> "Listing";
            case WATCHING -> "Watching";
            case WAITING -> "Waiting";
        };
    }

    record HealthzView(@Nullable Instant lastUpdated, Instant currentTime, boolean nodeEligible,
            @Nullable List<StalledView> stalled) {}

    record LivezView(@Nullable Instant lastUpdated, Instant currentTime, @Nullable List<StalledView> stalled) {}

    record StalledView(String thread, Instant since, boolean ended) {
        static StalledView of(Stall stall) {
            return new StalledView(stall.thread(), stall.since(), stall.ended());
        }
    }

    /** The body of {@code /readyz}. */
    public record ReadyView(boolean ready, boolean successorAwaited, boolean synced, boolean applied, boolean draining,
            boolean current,
            @Nullable Instant asOf, String detail, List<ProblemView> problems, List<ResourceView> resources,
            List<FailedListenerView> failedListeners, String version) {

        /** What is wrong with the lists and watches of resources, by resource. */
        public Map<String, String> resourceProblems() {
            Map<String, String> problems = new LinkedHashMap<>();
            for (ResourceView resource : resources) {
                String problem = resource.problem();
                if (problem != null) {
                    problems.put(resource.resource(), problem);
                }
            }
            return problems;
        }
    }

    record ProblemView(String severity, String location, String subject, String message) {
        static ProblemView of(Problem problem) {
            return new ProblemView(spelled(problem.severity()), problem.location(), problem.subject(),
                    problem.message());
        }
    }

    record ResourceView(String resource, String watch, @Nullable Instant lastHeard, @Nullable Double ageSeconds,
            String resourceVersion, int objects, @Nullable String problem) {
        static ResourceView of(ResourceFreshness resource, Instant now) {
            Instant heard = resource.lastHeard();
            return new ResourceView(resource.resource(), spelled(resource.watch()), heard,
                    heard == null ? null : Duration.between(heard, now).toMillis() / 1000.0, resource.version(),
                    resource.objects(), resource.problem());
        }
    }

    record FailedListenerView(String namespace, String service, String port, String address, String kind,
            @Nullable String problem) {
        static FailedListenerView of(ServicePortName name, AppliedState.ListenerState listener) {
            return new FailedListenerView(name.service().namespace(), name.service().name(), name.port(),
                    IpAddresses.format(listener.address().getAddress(), listener.address().getPort()),
                    listener.kind().displayName(), listener.problem());
        }
    }

    /** Counts the responses of one path by status. */
    private record Answers(Counter ok, Counter unavailable) {
        Answers(MeterRegistry registry, MetricCatalog metric) {
            this(metric.counter(registry, "200"), metric.counter(registry, "503"));
        }

        Response count(Response answer) {
            (answer.status() == 200 ? ok : unavailable).increment();
            return answer;
        }
    }
}
