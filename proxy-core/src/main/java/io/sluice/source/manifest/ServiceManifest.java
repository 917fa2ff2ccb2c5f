package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.manifest.Manifest.FamilyPolicy;
import io.sluice.source.manifest.Manifest.PortManifest;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Service.
 *
 * @param clusterIps           those that are written; empty if they have to be allocated
 * @param clusterIpPlace       {@code file:line} of the field that writes them
 * @param families             {@code ipFamilies}; empty if not written
 * @param healthCheck          whether it has a health check node port, written or not
 * @param healthCheckNodePort  0 if not written
 * @param healthCheckPlace     {@code file:line} of {@code healthCheckNodePort}
 * @param nodePorts            whether ports without one get a node port
 * @param distribution         {@code trafficDistribution}, or {@code Auto} for the topology annotation; empty for none
 * @param exclusion            the label that leaves the Service to another proxy; null for none
 */
record ServiceManifest(ServiceName name, String location, ServiceType type, List<InetAddress> clusterIps,
        String clusterIpPlace, boolean headless, @Nullable String externalName, List<IpFamily> families,
        FamilyPolicy familyPolicy,
        List<PortManifest> ports, TrafficPolicy internalTrafficPolicy, TrafficPolicy externalTrafficPolicy,
        SessionAffinity sessionAffinity, List<InetAddress> externalIps, List<InetAddress> loadBalancerIps,
        List<Cidr> loadBalancerSourceRanges, boolean healthCheck, int healthCheckNodePort,
        String healthCheckPlace, boolean publishNotReadyAddresses,
        boolean nodePorts, String distribution, Map<String, String> selector, Map<String, String> annotations,
        @Nullable Instant createdAt, @Nullable String exclusion) implements Manifest {

    /** Begins a Service that has a name and a place only. */
    static Builder builder(ServiceName name, String location) {
        return new Builder(name, location);
    }

    /** Gathers what a manifest says. Not thread-safe. */
    static final class Builder {

        private final ServiceName name;
        private final String location;
        private ServiceType type = ServiceType.CLUSTER_IP;
        private List<InetAddress> clusterIps = List.of();
        private String clusterIpPlace = "";
        private boolean headless;
        private @Nullable String externalName;
        private List<IpFamily> families = List.of();
        private FamilyPolicy familyPolicy = FamilyPolicy.SINGLE;
        private List<PortManifest> ports = List.of();
        private TrafficPolicy internalTrafficPolicy = TrafficPolicy.CLUSTER;
        private TrafficPolicy externalTrafficPolicy = TrafficPolicy.CLUSTER;
        private SessionAffinity sessionAffinity = SessionAffinity.NONE;
        private List<InetAddress> externalIps = List.of();
        private List<InetAddress> loadBalancerIps = List.of();
        private List<Cidr> loadBalancerSourceRanges = List.of();
        private boolean healthCheck;
        private int healthCheckNodePort;
        private String healthCheckPlace = "";
        private boolean publishNotReadyAddresses;
        private boolean nodePorts;
        private String distribution = "";
        private Map<String, String> selector = Map.of();
        private Map<String, String> annotations = Map.of();
        private @Nullable Instant createdAt;
        private @Nullable String exclusion;

        private Builder(ServiceName name, String location) {
            this.name = name;
            this.location = location;
        }

        /** Sets {@link ServiceManifest#type}. */
        Builder type(ServiceType value) {
            this.type = value;
            return this;
        }

        /** Sets {@link ServiceManifest#clusterIps}. */
        Builder clusterIps(List<InetAddress> value) {
            this.clusterIps = value;
            return this;
        }

        /** Sets {@link ServiceManifest#clusterIpPlace}. */
        Builder clusterIpPlace(String value) {
            this.clusterIpPlace = value;
            return this;
        }

        /** Sets {@link ServiceManifest#headless}. */
        Builder headless(boolean value) {
            this.headless = value;
            return this;
        }

        /** Sets {@link ServiceManifest#externalName}. */
        Builder externalName(@Nullable String value) {
            this.externalName = value;
            return this;
        }

        /** Sets {@link ServiceManifest#families}. */
        Builder families(List<IpFamily> value) {
            this.families = value;
            return this;
        }

        /** Sets {@link ServiceManifest#familyPolicy}. */
        Builder familyPolicy(FamilyPolicy value) {
            this.familyPolicy = value;
            return this;
        }

        /** Sets {@link ServiceManifest#ports}. */
        Builder ports(List<PortManifest> value) {
            this.ports = value;
            return this;
        }

        /** Sets {@link ServiceManifest#internalTrafficPolicy}. */
        Builder internalTrafficPolicy(TrafficPolicy value) {
            this.internalTrafficPolicy = value;
            return this;
        }

        /** Sets {@link ServiceManifest#externalTrafficPolicy}. */
        Builder externalTrafficPolicy(TrafficPolicy value) {
            this.externalTrafficPolicy = value;
            return this;
        }

        /** Sets {@link ServiceManifest#sessionAffinity}. */
        Builder sessionAffinity(SessionAffinity value) {
            this.sessionAffinity = value;
            return this;
        }

        /** Sets {@link ServiceManifest#externalIps}. */
        Builder externalIps(List<InetAddress> value) {
            this.externalIps = value;
            return this;
        }

        /** Sets {@link ServiceManifest#loadBalancerIps}. */
        Builder loadBalancerIps(List<InetAddress> value) {
            this.loadBalancerIps = value;
            return this;
        }

        /** Sets {@link ServiceManifest#loadBalancerSourceRanges}. */
        Builder loadBalancerSourceRanges(List<Cidr> value) {
            this.loadBalancerSourceRanges = value;
            return this;
        }

        /** Sets {@link ServiceManifest#healthCheck}. */
        Builder healthCheck(boolean value) {
            this.healthCheck = value;
            return this;
        }

        /** Sets {@link ServiceManifest#healthCheckNodePort}. */
        Builder healthCheckNodePort(int value) {
            this.healthCheckNodePort = value;
            return this;
        }

        /** Sets {@link ServiceManifest#healthCheckPlace}. */
        Builder healthCheckPlace(String value) {
            this.healthCheckPlace = value;
            return this;
        }

        /** Sets {@link ServiceManifest#publishNotReadyAddresses}. */
        Builder publishNotReadyAddresses(boolean value) {
            this.publishNotReadyAddresses = value;
            return this;
        }

        /** Sets {@link ServiceManifest#nodePorts}. */
        Builder nodePorts(boolean value) {
            this.nodePorts = value;
            return this;
        }

        /** Sets {@link ServiceManifest#distribution}. */
        Builder distribution(String value) {
            this.distribution = value;
            return this;
        }

        /** Sets {@link ServiceManifest#selector}. */
        Builder selector(Map<String, String> value) {
            this.selector = value;
            return this;
        }

        /** Sets {@link ServiceManifest#annotations}. */
        Builder annotations(Map<String, String> value) {
            this.annotations = value;
            return this;
        }

        /** Sets {@link ServiceManifest#createdAt}. */
        Builder createdAt(@Nullable Instant value) {
            this.createdAt = value;
            return this;
        }

        /** Sets {@link ServiceManifest#exclusion}. */
        Builder exclusion(@Nullable String value) {
            this.exclusion = value;
            return this;
        }

        /** The Service. */
        ServiceManifest build() {
            return new ServiceManifest(name, location, type, clusterIps, clusterIpPlace, headless, externalName,
                    families, familyPolicy, ports, internalTrafficPolicy, externalTrafficPolicy, sessionAffinity,
                    externalIps, loadBalancerIps, loadBalancerSourceRanges, healthCheck, healthCheckNodePort,
                    healthCheckPlace, publishNotReadyAddresses, nodePorts, distribution, selector, annotations,
                    createdAt, exclusion);
        }
    }
}
