package io.sluice.reconcile;

import io.sluice.history.Change;
import io.sluice.history.Change.EndpointChange;
import io.sluice.history.Change.Step;
import io.sluice.history.Differences;
import io.sluice.history.Journal;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes into the journal what the reconciler has done. What it costs depends on what has changed; a review of everything looks
 * at each address once. Confined to the control thread.
 */
final class HistoryWriter {

    private static final Logger LOG = LoggerFactory.getLogger(HistoryWriter.class);

    /** The most addresses that fail, or do not any more, in one review and have an event each. */
    private static final int MOST_LISTENERS = 100;

    /** An address of a port. */
    private record Place(ServicePortName port, InetSocketAddress address) {}

    private final Journal journal;
    /** The addresses that failed, with their problems, at the last review. */
    private Map<Place, String> failed = Map.of();

    /** Has written nothing yet. */
    HistoryWriter(Journal journal) {
        this.journal = journal;
    }

    /** Writes one change, and logs it for whoever looks closely. */
    void record(Change change) {
        journal.record(change);
        if (LOG.isDebugEnabled()) {
            LOG.debug("{} {}: {}", change.type(), change.subject(), change.message());
        }
    }

    /**
     * Only endpoints were applied.
     *
     * @param before  the snapshot that was applied before
     * @param changed the Services whose endpoints differ
     */
    void endpoints(ClusterSnapshot before, List<ServiceState> changed) {
        changed.forEach(state -> Differences.between(before.services().get(state.service().name()), state,
                this::record));
    }

    /**
     * Everything was reviewed.
     *
     * @param before null if nothing was applied before
     * @param wanted the snapshot of the source
     */
    void everything(@Nullable ClusterSnapshot before, ClusterSnapshot wanted, AppliedState now) {
        if (before == null) {
            record(new Change.Started(wanted.services().size()));
        } else {
            Differences.between(before, wanted, this::record);
        }
        listeners(now);
    }

    /** An endpoint does not answer, or does again. */
    void endpoint(WatchedPort port, EndpointAddress endpoint, Step step, String detail) {
        record(new EndpointChange(port.name(), endpoint, port.pod(endpoint), step, detail));
    }

    /** The listening sockets have another owner. */
    void owner(Ownership before, Ownership now) {
        if (before != now) {
            record(new Change.HandOver(switch (now) {
                case STANDBY -> "another daemon serves; this one waits for its listening sockets";
                case SHARED -> "has the listening sockets of the daemon before it, which still accepts";
                case OWN -> "no other daemon shares the listening sockets any more";
                case OFFERED -> "a new daemon has the listening sockets";
                case YIELDED -> "the new daemon has the addresses of DNS as well";
                case ENDED -> "ends: it listens on no address any more";
            }));
        }
    }

    /** One cause, such as a kernel without nf_tables, can fail every address: that must not displace the history. */
    private void some(List<Change> news, boolean failing) {
        news.stream().limit(MOST_LISTENERS).forEach(this::record);
        if (news.size() > MOST_LISTENERS) {
            record(new Change.MoreListeners(news.size() - MOST_LISTENERS, failing));
        }
    }

    private void listeners(AppliedState now) {
        Map<Place, String> failing = new HashMap<>();
        now.ports().forEach((port, applied) -> {
            for (ListenerState listener : applied.listeners()) {
                if (listener.status() == ListenerStatus.FAILED) {
                    failing.put(new Place(port, listener.address()), String.valueOf(listener.problem()));
                }
            }
        });
        List<Change> news = new ArrayList<>();
        failing.forEach((place, problem) -> {
            if (!problem.equals(failed.get(place))) {
                news.add(new Change.ListenerFailed(place.port(), place.address(), problem));
            }
        });
        some(news, true);
        news.clear();
        failed.keySet().forEach(place -> {
            AppliedPort port = now.ports().get(place.port());
            if (port != null && !failing.containsKey(place)) {
                news.add(new Change.ListenerHealed(place.port(), place.address(), port.listeners().stream()
                        .anyMatch(listener -> listener.address().equals(place.address())
                                && listener.status() == ListenerStatus.LISTENING)));
            }
        });
        some(news, false);
        failed = failing;
    }
}
