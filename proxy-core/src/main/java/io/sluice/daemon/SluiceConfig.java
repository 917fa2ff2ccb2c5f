package io.sluice.daemon;

import io.sluice.dns.server.DnsSettings;
import io.sluice.http.AllowedHosts;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.node.NodeSettings;
import io.sluice.operator.LogSwitch;
import io.sluice.proxy.ProxySettings;
import io.sluice.reconcile.Balancing;
import io.sluice.service.Cidr;
import io.sluice.source.kubernetes.KubernetesOptions;
import io.sluice.source.manifest.GivenEndpoint;
import io.sluice.source.manifest.ManifestInputs;
import io.sluice.source.manifest.ManifestOptions.PodDetail;
import io.sluice.source.probe.LocalReadiness;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The whole configuration of the daemon, parsed and checked: flags, environment and configuration file are already merged.
 *
 * @param manifests          what to read Services from; not used if {@code kubernetes} is there
 * @param endpoints          where the processes of the manifests' workloads are
 * @param discover           whether processes of workloads are looked for where nothing says where they are
 * @param podDetail          what is read of Pods beside where they are
 * @param readiness          which of those processes are ready; empty if nobody asks them
 * @param kubernetes         the API server to read Services from; empty for manifests
 * @param serviceCidrs       where static mode allocates cluster addresses, at most one range of each family
 * @param nodePortMin        first node port that static mode allocates
 * @param nodePortMax        last one
 * @param nodeName           this node's name
 * @param nodePortAddresses  ranges of the node's own addresses that node ports listen on; or the one word {@code primary}
 * @param portOffset         added to every cluster port that the daemon listens on, 0 to listen on the Service's own ports
 * @param balancing          how ports are balanced unless their Services say otherwise
 * @param node               the changes that the daemon may make to this host
 * @param drainTimeout       how long established connections may go on after SIGTERM
 * @param metricsBindAddress for {@code /metrics} and {@code /api/v1}; empty for none
 * @param healthzBindAddress for {@code /healthz}, {@code /livez}, {@code /readyz}; empty for none; may equal the former
 * @param metricsAllowedHosts host names that requests to the former may have
 * @param bindAddressHardFail whether an admin address that is in use ends the start
 * @param maxEndpointHistograms how many endpoints have histograms of their own at {@code /metrics}; 0 for none
 * @param accessLog          how closed connections are logged
 * @param dns                how DNS queries are answered; empty for no DNS
 * @param namespaces         whether network namespaces of {@code sluice exec} get listeners
 * @param operators          how orders of operators change what is logged; empty if no orders are taken
 * @param supervision        when a stalled process is reported, and to which service manager
 */
public record SluiceConfig(ManifestInputs manifests, List<GivenEndpoint> endpoints, boolean discover,
        PodDetail podDetail,
        Optional<LocalReadiness> readiness, Optional<KubernetesOptions> kubernetes, List<Cidr> serviceCidrs,
        int nodePortMin, int nodePortMax,
        String nodeName, List<String> nodePortAddresses, int portOffset,
        Balancing balancing, NodeSettings node,
        ProxySettings proxy, Duration drainTimeout, Optional<InetSocketAddress> metricsBindAddress,
        Optional<InetSocketAddress> healthzBindAddress, AllowedHosts metricsAllowedHosts,
        boolean bindAddressHardFail, int maxEndpointHistograms, AccessLog accessLog, Optional<DnsSettings> dns,
        boolean namespaces, Optional<LogSwitch> operators, Supervision supervision) {

    public SluiceConfig {
        endpoints = List.copyOf(endpoints);
        serviceCidrs = List.copyOf(serviceCidrs);
        nodePortAddresses = List.copyOf(nodePortAddresses);
    }

    /** Begins the configuration of a daemon without Services and admin addresses that changes nothing on its host. */
    public static Builder builder(String nodeName) {
        return new Builder(nodeName);
    }

    /** Gathers a configuration; what is not set has the default of its flag, or is off. Not thread-safe. */
    public static final class Builder {

        private ManifestInputs manifests = ManifestInputs.of(List.of());
        private List<GivenEndpoint> endpoints = List.of();
        private boolean discover;
        private PodDetail podDetail = PodDetail.ADDRESSES;
        private Optional<LocalReadiness> readiness = Optional.empty();
        private Optional<KubernetesOptions> kubernetes = Optional.empty();
        private List<Cidr> serviceCidrs = List.of();
        private int nodePortMin = 30_000;
        private int nodePortMax = 32_767;
        private final String nodeName;
        private List<String> nodePortAddresses = List.of();
        private int portOffset;
        private Balancing balancing = Balancing.PLAIN;
        private NodeSettings node = NodeSettings.NONE;
        private ProxySettings proxy = ProxySettings.builder().build();
        private Duration drainTimeout = Duration.ofSeconds(30);
        private Optional<InetSocketAddress> metricsBindAddress = Optional.empty();
        private Optional<InetSocketAddress> healthzBindAddress = Optional.empty();
        private AllowedHosts metricsAllowedHosts = new AllowedHosts(List.of(), "--metrics-allowed-hosts");
        private boolean bindAddressHardFail;
        private int maxEndpointHistograms = ProxyMetrics.DEFAULT_MAX_ENDPOINT_HISTOGRAMS;
        private AccessLog accessLog = AccessLog.off();
        private Optional<DnsSettings> dns = Optional.empty();
        private boolean namespaces;
        private Optional<LogSwitch> operators = Optional.empty();
        private Supervision supervision = Supervision.NONE;

        private Builder(String nodeName) {
            this.nodeName = nodeName;
        }

        /** Sets {@link SluiceConfig#nodePortMin} and {@link SluiceConfig#nodePortMax}. */
        public Builder nodePorts(int first, int last) {
            this.nodePortMin = first;
            this.nodePortMax = last;
            return this;
        }

        /** Sets {@link SluiceConfig#manifests}. */
        public Builder manifests(ManifestInputs value) {
            this.manifests = value;
            return this;
        }

        /** Sets {@link SluiceConfig#endpoints}. */
        public Builder endpoints(List<GivenEndpoint> value) {
            this.endpoints = value;
            return this;
        }

        /** Sets {@link SluiceConfig#discover}. */
        public Builder discover(boolean value) {
            this.discover = value;
            return this;
        }

        /** Sets {@link SluiceConfig#podDetail}. */
        public Builder podDetail(PodDetail value) {
            this.podDetail = value;
            return this;
        }

        /** Sets {@link SluiceConfig#readiness}. */
        public Builder readiness(Optional<LocalReadiness> value) {
            this.readiness = value;
            return this;
        }

        /** Sets {@link SluiceConfig#kubernetes}. */
        public Builder kubernetes(Optional<KubernetesOptions> value) {
            this.kubernetes = value;
            return this;
        }

        /** Sets {@link SluiceConfig#serviceCidrs}. */
        public Builder serviceCidrs(List<Cidr> value) {
            this.serviceCidrs = value;
            return this;
        }

        /** Sets {@link SluiceConfig#nodePortAddresses}. */
        public Builder nodePortAddresses(List<String> value) {
            this.nodePortAddresses = value;
            return this;
        }

        /** Sets {@link SluiceConfig#portOffset}. */
        public Builder portOffset(int value) {
            this.portOffset = value;
            return this;
        }

        /** Sets {@link SluiceConfig#balancing}. */
        public Builder balancing(Balancing value) {
            this.balancing = value;
            return this;
        }

        /** Sets {@link SluiceConfig#node}. */
        public Builder node(NodeSettings value) {
            this.node = value;
            return this;
        }

        /** Sets {@link SluiceConfig#proxy}. */
        public Builder proxy(ProxySettings value) {
            this.proxy = value;
            return this;
        }

        /** Sets {@link SluiceConfig#drainTimeout}. */
        public Builder drainTimeout(Duration value) {
            this.drainTimeout = value;
            return this;
        }

        /** Sets {@link SluiceConfig#metricsBindAddress}. */
        public Builder metricsBindAddress(Optional<InetSocketAddress> value) {
            this.metricsBindAddress = value;
            return this;
        }

        /** Sets {@link SluiceConfig#healthzBindAddress}. */
        public Builder healthzBindAddress(Optional<InetSocketAddress> value) {
            this.healthzBindAddress = value;
            return this;
        }

        /** Sets {@link SluiceConfig#metricsAllowedHosts}. */
        public Builder metricsAllowedHosts(AllowedHosts value) {
            this.metricsAllowedHosts = value;
            return this;
        }

        /** Sets {@link SluiceConfig#bindAddressHardFail}. */
        public Builder bindAddressHardFail(boolean value) {
            this.bindAddressHardFail = value;
            return this;
        }

        /** Sets {@link SluiceConfig#maxEndpointHistograms}. */
        public Builder maxEndpointHistograms(int value) {
            this.maxEndpointHistograms = value;
            return this;
        }

        /** Sets {@link SluiceConfig#accessLog}. */
        public Builder accessLog(AccessLog value) {
            this.accessLog = value;
            return this;
        }

        /** Sets {@link SluiceConfig#dns}. */
        public Builder dns(Optional<DnsSettings> value) {
            this.dns = value;
            return this;
        }

        /** Sets {@link SluiceConfig#namespaces}. */
        public Builder namespaces(boolean value) {
            this.namespaces = value;
            return this;
        }

        /** Takes orders of operators; sets {@link SluiceConfig#operators}. */
        public Builder operators(LogSwitch value) {
            this.operators = Optional.of(value);
            return this;
        }

        /** Sets {@link SluiceConfig#supervision}. */
        public Builder supervision(Supervision value) {
            this.supervision = value;
            return this;
        }

        /** The configuration. */
        public SluiceConfig build() {
            return new SluiceConfig(manifests, endpoints, discover, podDetail, readiness, kubernetes, serviceCidrs,
                    nodePortMin,
                    nodePortMax,
                    nodeName,
                    nodePortAddresses, portOffset, balancing, node, proxy, drainTimeout, metricsBindAddress,
                    healthzBindAddress, metricsAllowedHosts, bindAddressHardFail, maxEndpointHistograms, accessLog, dns,
                    namespaces, operators, supervision);
        }
    }
}
