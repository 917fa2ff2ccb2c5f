package io.sluice.cli.config;

import io.sluice.balance.Ejections;
import io.sluice.reconcile.Balancing;
import io.sluice.service.BalancerKind;
import io.sluice.service.Cidr;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Flags of load balancing. */
public final class BalancingFlags {

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--balancer", paramLabel = "BALANCER", defaultValue = "round-robin", converter = OfBalancer.class,
            completionCandidates = OfBalancer.class,
            description = "How connections are spread for Services without the annotation "
                    + "sluice.io/balancer: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private BalancerKind balancer;

    @Option(names = "--cluster-cidr", paramLabel = "CIDR", split = ",", hideParamSyntax = true,
            converter = ServiceFlags.CidrConverter.class,
            description = "The addresses of pods: ranges separated by commas. Connections from there and from this "
                    + "node itself are the cluster's own: externalTrafficPolicy: Local does not restrict them.")
    private List<Cidr> clusterCidrs = List.of();

    @Option(names = "--session-affinity-clients", paramLabel = "N", defaultValue = "65536",
            converter = BoundedInt.Requests.class,
            description = "How many client addresses are remembered for sessionAffinity: ClientIP, for each port of a "
                    + "Service; beyond it one of the oldest is forgotten. Default: ${DEFAULT-VALUE}")
    private int affinityClients;

    @Option(names = "--eject-time", paramLabel = "DURATION", defaultValue = "1s", converter = GoDuration.class,
            description = "How long an endpoint that refused a connection, or did not answer in time, gets no further "
                    + "ones; then it is probed, and the time doubles while it does not answer. 0 turns this off. "
                    + "Default: ${DEFAULT-VALUE}")
    private Duration ejectTime;

    @Option(names = "--eject-max-time", paramLabel = "DURATION", defaultValue = "10s",
            converter = GoDuration.Positive.class,
            description = "The most that this time grows to. Default: ${DEFAULT-VALUE}")
    private Duration ejectMaxTime;

    @Option(names = "--eject-max-share", paramLabel = "PERCENT", defaultValue = "50",
            converter = BoundedInt.Percent.class,
            description = "The share of the endpoints that may be ejected at once, in percent; at least one may, but never the "
                    + "last. Default: ${DEFAULT-VALUE}")
    private int ejectMaxShare;

    @Option(names = "--health-check-rate", paramLabel = "N", defaultValue = "200",
            converter = BoundedInt.ChecksPerSecond.class,
            description = "The most checks of endpoints that begin in a second for the annotation "
                    + "sluice.io/health-check of Services, a quarter of them for one namespace; others come later. "
                    + "0 turns them off. Default: ${DEFAULT-VALUE}")
    private int healthCheckRate;

    /** The settings together. */
    public Balancing balancing() {
        if (ejectTime.compareTo(ejectMaxTime) > 0) {
            throw new ParameterException(spec.commandLine(), "is longer than --eject-max-time",
                    spec.findOption("--eject-time"), "");
        }
        return new Balancing(balancer, clusterCidrs, affinityClients,
                ejectTime.isZero() ? Ejections.Rules.OFF : new Ejections.Rules(ejectTime, ejectMaxTime, ejectMaxShare),
                healthCheckRate);
    }

    /** Reads the spelling of a {@link BalancerKind}. */
    static final class OfBalancer implements ITypeConverter<BalancerKind>, Iterable<String> {

        @Override
        public BalancerKind convert(String value) {
            return BalancerKind.of(value).orElseThrow(
                    () -> new TypeConversionException("'" + value + "' is none of " + String.join(", ", words())));
        }

        @Override
        public Iterator<String> iterator() {
            return words().iterator();
        }

        private static List<String> words() {
            return Arrays.stream(BalancerKind.values()).map(BalancerKind::word).toList();
        }
    }
}
