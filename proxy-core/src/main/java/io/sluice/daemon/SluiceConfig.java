package io.sluice.daemon;

import io.sluice.dns.DnsSettings;
import io.sluice.http.AllowedHosts;
import io.sluice.metrics.AccessLog;
import io.sluice.node.NodeSettings;
import io.sluice.proxy.ProxySettings;
import io.sluice.reconcile.Balancing;
import io.sluice.service.Cidr;
import io.sluice.source.kubernetes.KubernetesOptions;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Everything the daemon is told, parsed and checked: flags, environment and configuration file have already been put
 * together.
 *
 * @param manifests          files, directories or {@code -} to read Services from; not used if {@code kubernetes} is there
 * @param kubernetes         the API server to read Services from; empty for manifests
 * @param serviceCidrs       where static mode allocates cluster addresses, at most one range of each family
 * @param nodePortMin        first node port that static mode allocates
 * @param nodePortMax        last one
 * @param nodeName           this node's name
 * @param nodePortAddresses  ranges of the node's own addresses that node ports listen at; or the one word {@code primary}
 * @param portOffset         added to every cluster port that is listened at, 0 to listen at the Service's own ports
 * @param balancing          how ports are balanced where their Services do not say
 * @param node               what may be done to this host
 * @param drainTimeout       how long established connections may go on after SIGTERM
 * @param metricsBindAddress for {@code /metrics} and {@code /api/v1}; empty for none
 * @param healthzBindAddress for {@code /healthz}, {@code /livez}, {@code /readyz}; empty for none; may equal the former
 * @param metricsAllowedHosts by which names the former may be asked
 * @param bindAddressHardFail whether an admin address that is in use ends the start
 * @param accessLog          what happens to closed connections
 * @param dns                how names are answered; empty for not at all
 * @param guests             whether network namespaces of {@code sluice exec} may come for Services
 * @param supervision        who is told when this process should be started again
 */
public record SluiceConfig(List<String> manifests, Optional<KubernetesOptions> kubernetes, List<Cidr> serviceCidrs,
        int nodePortMin, int nodePortMax,
        String nodeName, List<String> nodePortAddresses, int portOffset, Balancing balancing, NodeSettings node,
        ProxySettings proxy, Duration drainTimeout, Optional<InetSocketAddress> metricsBindAddress,
        Optional<InetSocketAddress> healthzBindAddress, AllowedHosts metricsAllowedHosts,
        boolean bindAddressHardFail, AccessLog accessLog, Optional<DnsSettings> dns,
        boolean guests, Supervision supervision) {

    public SluiceConfig {
        manifests = List.copyOf(manifests);
        serviceCidrs = List.copyOf(serviceCidrs);
        nodePortAddresses = List.copyOf(nodePortAddresses);
    }
}
