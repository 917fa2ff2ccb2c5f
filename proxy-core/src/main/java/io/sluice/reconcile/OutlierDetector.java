package io.sluice.reconcile;

import io.sluice.balance.Ejections;
import io.sluice.history.Change.Step;
import io.sluice.liveness.Faults;
import io.sluice.metrics.EndpointFailure;
import io.sluice.proxy.ProbeResult;
import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.ServicePortName;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ejects endpoints that do not answer, probes them, and takes them back. Event loops report a failed connection with
 * {@link #unanswered}; this is the only way by which the data path changes its own routing.
 *
 * <p>{@link Ejections} decides how long an endpoint is out and {@code EndpointPool} how many may be; this class carries it out.
 * Confined to the control thread, but for {@link #unanswered}. Time and probes come from outside.
 */
final class OutlierDetector {

    private static final Logger LOG = LoggerFactory.getLogger(OutlierDetector.class);

    /** A port whose endpoints may be ejected. Control thread. */
    interface Subject extends WatchedPort {

        /** Whether {@code endpoint} is one of its endpoints now. */
        boolean has(EndpointAddress endpoint);

        /** Counts an ejection. */
        void ejectedOne();

        /** Makes connections avoid these endpoints, as far as {@code maxShare} allows; the longest out first. */
        void reroute(List<EndpointAddress> ejected);

        /** Whether it has no other endpoint than one. */
        boolean hasOneEndpoint();
    }

    /** Connects to an endpoint and closes at once; the stage never fails. */
    @FunctionalInterface
    interface Prober {
        CompletionStage<ProbeResult> probe(EndpointAddress endpoint, ProxyProtocol proxyProtocol);
    }

    /** An endpoint that an event loop has reported and the control thread has not handled yet. */
    private record Report(ServicePortName port, EndpointAddress endpoint) {}

    /** A port one of whose endpoints has failed; most ports never need one. */
    private final class Watch {
        final Subject subject;
        final Ejections ejections = new Ejections(rules);
        /** Endpoints that ceased to answer since connections were routed last, with the reason, or began to, without one. */
        final Map<EndpointAddress, Optional<EndpointFailure>> changed = new LinkedHashMap<>();

        Watch(Subject subject) {
            this.subject = subject;
        }
    }

    private final Ejections.Rules rules;
    private final ControlThread control;
    private final Prober prober;
    private final Function<ServicePortName, @Nullable Subject> subjects;
    private final HistoryWriter history;
    private final Map<ServicePortName, Watch> watches = new HashMap<>();
    private final Set<Report> reports = ConcurrentHashMap.newKeySet();
    private boolean stopped;

    /**
     * No endpoint is ejected yet.
     *
     * @param subjects finds a port by its name; called on the control thread
     * @param history  takes which endpoint was ejected and taken back
     */
    OutlierDetector(Ejections.Rules rules, ControlThread control, Prober prober,
            Function<ServicePortName, @Nullable Subject> subjects, HistoryWriter history) {
        this.rules = rules;
        this.control = control;
        this.prober = prober;
        this.subjects = subjects;
        this.history = history;
    }

    /** Forgets every endpoint of a port but these, which are its endpoints from now on. */
    void retain(ServicePortName port, Set<EndpointAddress> endpoints) {
        Watch watch = watches.get(port);
        if (watch != null) {
            watch.ejections.retain(endpoints);
        }
    }

    /** The endpoints of a port that do not answer, the longest out first. */
    List<EndpointAddress> ejected(ServicePortName port) {
        Watch watch = watches.get(port);
        return watch == null ? List.of() : watch.ejections.ejected();
    }

    /** The port is gone, with all its endpoints. */
    void forget(ServicePortName port) {
        watches.remove(port);
    }

    /** Watches no port any more: later reports and results of probes change nothing. */
    void stop() {
        stopped = true;
        watches.clear();
    }

    /**
     * A connection to {@code endpoint} was refused or not answered in time. For event loops: the control thread gets one
     * report of an endpoint at a time, however many connections fail.
     *
     * @param why {@link EndpointFailure#REFUSED} or {@link EndpointFailure#TIMEOUT}
     */
    void unanswered(ServicePortName port, EndpointAddress endpoint, EndpointFailure why) {
        Report report = new Report(port, endpoint);
        if (rules.on() && reports.add(report)) {
            try {
                control.execute(() -> {
                    reports.remove(report);
                    eject(port, endpoint, why);
                });
            } catch (RejectedExecutionException e) {
                LOG.debug("{} does not answer, but the proxy is ending", endpoint);
            }
        }
    }

    private void eject(ServicePortName port, EndpointAddress endpoint, EndpointFailure why) {
        Subject subject = stopped ? null : subjects.apply(port);
        if (subject == null || !subject.has(endpoint)) {
            return;
        }
        Watch watch = watches.computeIfAbsent(port, name -> new Watch(subject));
        long wait = watch.ejections.failed(endpoint, control.nanoTime());
        if (wait != Ejections.ALREADY_OUT) {
            subject.ejectedOne();
            rerouteSoon(watch, endpoint, Optional.of(why));
            probeLater(watch, endpoint, wait);
        }
    }

    /** Reroutes once for all endpoints that begin or cease to answer until the control thread runs the task. */
    private void rerouteSoon(Watch watch, EndpointAddress endpoint, Optional<EndpointFailure> why) {
        watch.changed.put(endpoint, why);
        if (watch.changed.size() > 1) {
            return;
        }
        control.execute(() -> {
            Map<EndpointAddress, Optional<EndpointFailure>> changed = new LinkedHashMap<>(watch.changed);
            watch.changed.clear();
            if (isWatched(watch)) {
                List<EndpointAddress> ejected = watch.ejections.ejected();
                watch.subject.reroute(ejected);
                log(watch.subject, changed, ejected);
            }
        });
    }

    private void log(Subject subject, Map<EndpointAddress, Optional<EndpointFailure>> changed,
            List<EndpointAddress> ejected) {
        int[] logged = {0};
        changed.forEach((endpoint, why) -> {
            Step step = !ejected.contains(endpoint)
                    ? Step.BACK
                    : subject.leftOut(endpoint) ? Step.EJECTED : Step.SILENT;
            String again = subject.name().protocol() == Protocol.UDP ? "is tried again" : "answers again";
            String detail = step == Step.BACK
                    ? "it " + again
                    : happened(subject, why.orElse(EndpointFailure.REFUSED))
                            + (step == Step.SILENT ? "; " + whyNotEjected(subject) : "");
            history.endpoint(subject, endpoint, step, detail);
            if (logged[0]++ < LineLimit.LINES) {
                NamedLine.of(subject.name(), endpoint, subject.name() + ": " + switch (step) {
                    case BACK -> endpoint + " " + again;
                    case EJECTED -> endpoint + " does not answer and is ejected until it does: " + detail;
                    default -> endpoint + " does not answer; not ejected: " + detail;
                }).log(LOG.atInfo());
            }
        });
        if (changed.size() > LineLimit.LINES) {
            NamedLine.of(subject.name(), subject.name() + ": … and " + (changed.size() - LineLimit.LINES)
                    + " more endpoints; 'sluice explain' lists them").log(LOG.atInfo());
        }
    }

    private static String happened(Subject subject, EndpointFailure why) {
        String what = subject.name().protocol() == Protocol.UDP ? "datagram" : "connection";
        return why == EndpointFailure.TIMEOUT ? "a " + what + " to it timed out" : "it refused a " + what;
    }

    private String whyNotEjected(Subject subject) {
        return subject.hasOneEndpoint()
                ? "it is the only endpoint, connections fail until it answers"
                : "the limit of --eject-max-share (" + rules.maxShare() + " %) is reached, or it is the last endpoint";
    }

    private void probeLater(Watch watch, EndpointAddress endpoint, long wait) {
        control.schedule(() -> {
            if (!isWatched(watch) || !watch.ejections.ejected().contains(endpoint)) {
                return;
            }
            if (watch.subject.name().protocol() == Protocol.UDP) {
                // Nobody has to answer a datagram that says nothing: the next flows find out.
                probed(watch, endpoint, ProbeResult.ANSWERED);
            } else {
                prober.probe(endpoint, watch.subject.proxyProtocol()).thenAcceptAsync(result -> Faults
                        .contained("looking at an endpoint's answer", () -> probed(watch, endpoint, result)).run(),
                        control);
            }
        }, wait);
    }

    private void probed(Watch watch, EndpointAddress endpoint, ProbeResult result) {
        if (!isWatched(watch)) {
            return;
        }
        switch (result) {
            case ANSWERED -> {
                watch.ejections.recovered(endpoint, control.nanoTime());
                rerouteSoon(watch, endpoint, Optional.empty());
            }
            case SILENT -> probeAgain(watch, endpoint, watch.ejections.probeFailed(endpoint));
            case INCONCLUSIVE -> probeAgain(watch, endpoint, watch.ejections.probeImpossible(endpoint));
        }
    }

    private void probeAgain(Watch watch, EndpointAddress endpoint, long wait) {
        if (wait != Ejections.ALREADY_OUT) {
            probeLater(watch, endpoint, wait);
        }
    }

    /** False for a port that was removed, even if another of the same name has replaced it. */
    private boolean isWatched(Watch watch) {
        return watches.get(watch.subject.name()) == watch;
    }
}
