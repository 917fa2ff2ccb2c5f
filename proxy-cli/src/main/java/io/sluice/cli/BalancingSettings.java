package io.sluice.cli;

import io.sluice.service.Cidr;
import java.util.List;
import picocli.CommandLine.Option;

/** Settings that say which endpoint a connection goes to. */
final class BalancingSettings {

    @Option(names = "--cluster-cidr", paramLabel = "CIDR", split = ",", hideParamSyntax = true,
            converter = ServiceSettings.CidrConverter.class,
            description = "The addresses of pods: ranges separated by commas. Connections from there and from this "
                    + "node itself are the cluster's own: externalTrafficPolicy: Local does not narrow them.")
    private List<Cidr> clusterCidrs = List.of();

    List<Cidr> clusterCidrs() {
        return clusterCidrs;
    }
}
