package io.sluice.reconcile;

import io.sluice.balance.Ejections;
import io.sluice.service.BalancerKind;
import io.sluice.service.Cidr;
import java.util.List;

/**
 * How ports are balanced where their Services have no annotation.
 *
 * @param balancer        for Services without the annotation {@code sluice.io/balancer}
 * @param clusterCidrs    the addresses of pods
 * @param affinityClients the most clients of a port that are remembered for {@code sessionAffinity: ClientIP}; at least 1
 * @param ejection        when endpoints that do not answer are left out
 * @param checksPerSecond the most health checks of endpoints that begin in a second; 0 for none at all
 */
public record Balancing(BalancerKind balancer, List<Cidr> clusterCidrs, int affinityClients,
        Ejections.Rules ejection, int checksPerSecond) {

    /** The default of {@code checksPerSecond}. */
    public static final int CHECKS_PER_SECOND = 200;

    /** Round robin, no pods known, 65,536 clients by port, no endpoint ejected. */
    public static final Balancing PLAIN =
            new Balancing(BalancerKind.ROUND_ROBIN, List.of(), 65_536, Ejections.Rules.OFF);

    /** With as many health checks as is the default. */
    public Balancing(BalancerKind balancer, List<Cidr> clusterCidrs, int affinityClients, Ejections.Rules ejection) {
        this(balancer, clusterCidrs, affinityClients, ejection, CHECKS_PER_SECOND);
    }

    public Balancing {
        clusterCidrs = List.copyOf(clusterCidrs);
    }
}
