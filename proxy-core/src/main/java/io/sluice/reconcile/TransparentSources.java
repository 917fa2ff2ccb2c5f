package io.sluice.reconcile;

import io.sluice.balance.PreservedTraffic;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.TrafficPolicy;

/**
 * The client's address by kube-proxy's rules, where the kernel finds the socket of a reply by itself
 * ({@link InterceptionSet}): traffic to a cluster address keeps its source, unless it is known to come from outside the
 * cluster; traffic from outside keeps it under {@code externalTrafficPolicy: Local} (kube-proxy's
 * pkg/proxy/nftables/proxier.go, mark-for-masquerade). Confined to the control thread.
 */
final class TransparentSources implements SourcePreservation {

    private static final PreservedTraffic INTERNAL = new PreservedTraffic(true, false, false);
    private static final PreservedTraffic LOCAL = new PreservedTraffic(true, false, true);
    private static final PreservedTraffic EXTERNAL = new PreservedTraffic(false, false, true);

    private final boolean masqueradeAll;

    /** @param masqueradeAll whether traffic to cluster addresses does not keep its source (kube-proxy's flag of that name) */
    TransparentSources(boolean masqueradeAll) {
        this.masqueradeAll = masqueradeAll;
    }

    @Override
    public boolean provide(ClusterSnapshot snapshot) {
        return false;
    }

    @Override
    public PreservedTraffic of(Service service) {
        if (Boolean.FALSE.equals(ServiceAnnotations.of(service).preserveSource())) {
            return PreservedTraffic.NONE;
        }
        boolean local = service.externalTrafficPolicy() == TrafficPolicy.LOCAL;
        return masqueradeAll ? local ? EXTERNAL : PreservedTraffic.NONE : local ? LOCAL : INTERNAL;
    }

    @Override
    public PreservedTraffic ofDatagrams(Service service) {
        return of(service);
    }

    @Override
    public boolean inUse() {
        return false;
    }

    @Override
    public void close(boolean keep) {
        // Nothing was set up in the kernel.
    }
}
