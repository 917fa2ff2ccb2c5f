package io.sluice.reconcile;

import io.sluice.balance.CheckSchedule;
import io.sluice.balance.CheckSchedule.Target;
import io.sluice.balance.EndpointChecks;
import io.sluice.history.Change.Step;
import io.sluice.liveness.Faults;
import io.sluice.proxy.ProbeAnswer;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.Protocol;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServicePortName;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks the endpoints of Services that ask for it with {@code sluice.io/health-check}, and lets connections avoid those that fail.
 *
 * <p>{@link CheckSchedule} decides which endpoint is checked when and what it is taken for; this class carries it out. Confined to
 * the control thread. Time, chance and checks come from outside.
 */
final class HealthChecker {

    private static final Logger LOG = LoggerFactory.getLogger(HealthChecker.class);

    /** No two looks at the schedule are closer together, and what changes within this time is rerouted together. */
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final String OFF = "--health-check-rate 0 turns checks off";

    /** A port whose endpoints are checked. Control thread. */
    interface Subject extends WatchedPort {

        /** Makes connections avoid the endpoints that fail, beside the ejected ones. */
        void checked(EndpointChecks checks, List<EndpointAddress> ejected);

        /** Counts a check. */
        void checkedOne(boolean passed);
    }

    /** Checks one endpoint; the stage never fails. */
    @FunctionalInterface
    interface Checker {
        CompletionStage<ProbeAnswer> check(EndpointAddress endpoint, HealthCheck check, ProxyProtocol proxyProtocol);
    }

    /**
     * An endpoint that is taken for other than before.
     *
     * @param first whether it was not checked before
     */
    private record News(String detail, boolean first) {}

    /**
     * A port that is followed.
     *
     * @param news of its endpoints since connections were routed last; changes
     */
    private record Followed(Subject subject, HealthCheck check, Map<EndpointAddress, News> news) {}

    private final CheckSchedule schedule;
    private final ControlThread control;
    private final Checker checker;
    private final Function<ServicePortName, List<EndpointAddress>> ejected;
    private final HistoryWriter history;
    private final Map<ServicePortName, Followed> followed = new HashMap<>();
    /** When the schedule is looked at next; {@link CheckSchedule#NEVER} if it is not. */
    private long armed = CheckSchedule.NEVER;
    private boolean warnedOff;
    private boolean stopped;

    /**
     * Checks nothing yet.
     *
     * @param perSecond the most checks that begin in a second; 0 for none at all
     * @param ejected   the endpoints of a port that do not answer
     * @param history   takes which endpoint fails and passes
     */
    HealthChecker(int perSecond, ControlThread control, Checker checker,
            Function<ServicePortName, List<EndpointAddress>> ejected, RandomGenerator random, HistoryWriter history) {
        this.schedule = new CheckSchedule(CheckSchedule.Bounds.of(perSecond), random);
        this.control = control;
        this.checker = checker;
        this.ejected = ejected;
        this.history = history;
    }

    /** What is known of the endpoints of a port with these annotations. */
    EndpointChecks of(ServicePortName port, Service service) {
        HealthCheck check = ServiceAnnotations.of(service).healthCheck();
        String whyNot = check == null ? null : whyNot(port);
        return check == null ? EndpointChecks.NONE
                : whyNot != null ? EndpointChecks.not(whyNot) : new EndpointChecks(check, schedule.health(port));
    }

    /** Why no endpoint of {@code port} is ever checked; null if they can be. */
    private @Nullable String whyNot(ServicePortName port) {
        return port.protocol() == Protocol.UDP
                ? "as nobody has to answer a datagram that says nothing"
                : schedule.on() ? null : "as " + OFF;
    }

    /** Checks the endpoints of a port that may take connections, as it is routed now. */
    void follow(RoutedPort port) {
        HealthCheck check = port.routing().annotations().healthCheck();
        if (check == null || whyNot(port.name()) != null) {
            forget(port.name());
            warnIfOff(check, port.name());
        } else {
            follow(port, check, port.routing().serving());
        }
    }

    /** Warns once: of all Services in one line, as an operator has turned the checks off on purpose. */
    private void warnIfOff(@Nullable HealthCheck check, ServicePortName port) {
        if (check != null && port.protocol() == Protocol.TCP && !schedule.on() && !warnedOff) {
            warnedOff = true;
            NamedLine.of(port, port + ": " + HealthCheck.CHECK + " has no effect, here and for other Services: " + OFF)
                    .log(LOG.atWarn());
        }
    }

    /** Checks these endpoints of a port. */
    void follow(Subject subject, HealthCheck check, Set<EndpointAddress> endpoints) {
        if (stopped) {
            return;
        }
        ServicePortName name = subject.name();
        Followed before = followed.get(name);
        followed.put(name, new Followed(subject, check, before == null ? new LinkedHashMap<>() : before.news));
        schedule.follow(name, check, endpoints, control.nanoTime());
        arm();
    }

    /** Checks no endpoint of a port any more. */
    void forget(ServicePortName port) {
        if (followed.remove(port) != null) {
            schedule.follow(port, null, Set.of(), control.nanoTime());
        }
    }

    /** Checks nothing any more: results of checks that are under way change nothing. */
    void stop() {
        stopped = true;
        List.copyOf(followed.keySet()).forEach(this::forget);
    }

    /** Looks at the schedule when it says so, but not more often than every {@link #TICK_NANOS}. */
    private void arm() {
        long now = control.nanoTime();
        long next = schedule.next(now);
        if (stopped || next == CheckSchedule.NEVER) {
            return;
        }
        long at = Math.max(next, now + TICK_NANOS);
        if (armed != CheckSchedule.NEVER && armed - at <= 0) {
            return;
        }
        armed = at;
        control.schedule(() -> {
            if (armed == at) {
                armed = CheckSchedule.NEVER;
                begin();
            }
        }, at - now);
    }

    private void begin() {
        if (stopped) {
            return;
        }
        for (Target target : schedule.take(control.nanoTime())) {
            Followed port = followed.get(target.port());
            if (port == null) {
                schedule.inconclusive(target, control.nanoTime());
            } else {
                checker.check(target.endpoint(), target.check(), port.subject.proxyProtocol())
                        .thenAcceptAsync(answer -> Faults
                                .contained("looking at a health check", () -> ended(target, answer)).run(), control);
            }
        }
        arm();
    }

    private void ended(Target target, ProbeAnswer answer) {
        long now = control.nanoTime();
        boolean first = !target.isChecked();
        boolean differs = switch (answer.result()) {
            case ANSWERED -> schedule.passed(target, now);
            case SILENT -> schedule.failed(target, answer.detail(), now);
            case INCONCLUSIVE -> {
                schedule.inconclusive(target, now);
                yield false;
            }
        };
        Followed port = followed.get(target.port());
        if (port != null && target.isFollowed()) {
            switch (answer.result()) {
                case ANSWERED -> port.subject.checkedOne(true);
                case SILENT -> port.subject.checkedOne(false);
                case INCONCLUSIVE -> LOG.debug("{}: {} was not checked: {}", target.port(), target.endpoint(),
                        answer.detail());
            }
            if (differs) {
                rerouteSoon(port, target.endpoint(), new News(answer.detail(), first));
            }
        }
        arm();
    }

    /** Reroutes once for all endpoints of a port that change within a short time. */
    private void rerouteSoon(Followed port, EndpointAddress endpoint, News about) {
        port.news.put(endpoint, about);
        if (port.news.size() > 1) {
            return;
        }
        ServicePortName name = port.subject.name();
        control.schedule(() -> {
            Followed now = followed.get(name);
            if (now != null) {
                Map<EndpointAddress, News> news = new LinkedHashMap<>(now.news);
                now.news.clear();
                EndpointChecks checks = new EndpointChecks(now.check, schedule.health(name));
                now.subject.checked(checks, ejected.apply(name));
                log(now.subject, checks, news);
            }
        }, TICK_NANOS);
    }

    private void log(Subject subject, EndpointChecks checks, Map<EndpointAddress, News> news) {
        int logged = 0;
        for (Map.Entry<EndpointAddress, News> each : news.entrySet()) {
            EndpointAddress endpoint = each.getKey();
            boolean fails = checks.fails(endpoint);
            if (!checks.health().containsKey(endpoint) || !fails && each.getValue().first()) {
                continue; // it is gone, or everything is as it was thought to be
            }
            boolean out = subject.leftOut(endpoint);
            String detail = each.getValue().detail()
                    + (fails && !out ? "; it gets connections all the same, as every endpoint fails" : "");
            history.endpoint(subject, endpoint, fails ? Step.FAILS_CHECK : Step.PASSES_CHECK, detail);
            if (logged++ < LineLimit.LINES) {
                NamedLine.of(subject.name(), endpoint, subject.name() + ": " + endpoint
                        + (!fails
                                ? " passes its health check again: "
                                : out
                                        ? " fails its health check and gets no new connections: "
                                : " fails its health check: ")
                        + detail).log(LOG.atInfo());
            }
        }
        if (logged > LineLimit.LINES) {
            NamedLine.of(subject.name(), subject.name() + ": … and " + (logged - LineLimit.LINES)
                    + " more endpoints; 'sluice explain' lists them").log(LOG.atInfo());
        }
    }
}
