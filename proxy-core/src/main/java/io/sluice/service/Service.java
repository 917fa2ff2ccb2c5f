package io.sluice.service;

import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Service as the proxy and DNS need it, every default filled in.
 *
 * @param clusterIps               its virtual addresses, at most one of each family; empty for a headless Service and for ExternalName
 * @param headless                 {@code clusterIP: None}
 * @param externalName             target of the CNAME of an ExternalName Service, else null
 * @param externalIps              {@code spec.externalIPs}
 * @param loadBalancerIps          {@code status.loadBalancer.ingress[].ip} whose {@code ipMode} is VIP or absent
 * @param loadBalancerSourceRanges who may use {@code loadBalancerIps}; empty means everybody
 * @param healthCheckNodePort      0 for none
 * @param selector                 {@code spec.selector}; empty means that the endpoints are written by hand
 * @param annotations              those that start with {@code sluice.io/} or {@code service.kubernetes.io/}; all others are dropped
 * @param createdAt                {@code metadata.creationTimestamp}, or when a manifest without one was first seen
 */
public record Service(ServiceName name, ServiceType type, List<InetAddress> clusterIps, boolean headless,
        @Nullable String externalName, List<ServicePort> ports, TrafficPolicy internalTrafficPolicy,
        TrafficPolicy externalTrafficPolicy, SessionAffinity sessionAffinity, List<InetAddress> externalIps,
        List<InetAddress> loadBalancerIps, List<Cidr> loadBalancerSourceRanges, int healthCheckNodePort,
        boolean publishNotReadyAddresses, Map<String, String> selector, Map<String, String> annotations,
        Instant createdAt) {

    public Service {
        clusterIps = List.copyOf(clusterIps);
        ports = List.copyOf(ports);
        externalIps = List.copyOf(externalIps);
        loadBalancerIps = List.copyOf(loadBalancerIps);
        loadBalancerSourceRanges = List.copyOf(loadBalancerSourceRanges);
        selector = Map.copyOf(selector);
        annotations = Map.copyOf(annotations);
    }

    /** Whether connections to it are proxied at all: it has a cluster address and is not an ExternalName. */
    public boolean proxied() {
        return type != ServiceType.EXTERNAL_NAME && !clusterIps.isEmpty();
    }

    /** Whether traffic from outside the cluster can reach it: a node port, an external or a load balancer address. */
    public boolean externallyAccessible() {
        return !externalIps.isEmpty() || !loadBalancerIps.isEmpty() || ports.stream().anyMatch(p -> p.nodePort() != 0);
    }

    /** Begins a Service of which nothing but its name is said yet: a ClusterIP Service without addresses and ports. */
    public static Builder builder(ServiceName name) {
        return new Builder(name);
    }

    /** Gathers what makes a Service; what is not said has the API's default. Not thread-safe. */
    public static final class Builder {

        private final ServiceName name;
        private ServiceType type = ServiceType.CLUSTER_IP;
        private List<InetAddress> clusterIps = List.of();
        private boolean headless;
        private @Nullable String externalName;
        private List<ServicePort> ports = List.of();
        private TrafficPolicy internalTrafficPolicy = TrafficPolicy.CLUSTER;
        private TrafficPolicy externalTrafficPolicy = TrafficPolicy.CLUSTER;
        private SessionAffinity sessionAffinity = SessionAffinity.NONE;
        private List<InetAddress> externalIps = List.of();
        private List<InetAddress> loadBalancerIps = List.of();
        private List<Cidr> loadBalancerSourceRanges = List.of();
        private int healthCheckNodePort;
        private boolean publishNotReadyAddresses;
        private Map<String, String> selector = Map.of();
        private Map<String, String> annotations = Map.of();
        private Instant createdAt = Instant.EPOCH;

        private Builder(ServiceName name) {
            this.name = name;
        }

        /** Says {@link Service#type}. */
        public Builder type(ServiceType value) {
            this.type = value;
            return this;
        }

        /** Says {@link Service#clusterIps}. */
        public Builder clusterIps(List<InetAddress> value) {
            this.clusterIps = value;
            return this;
        }

        /** Says {@link Service#headless}. */
        public Builder headless(boolean value) {
            this.headless = value;
            return this;
        }

        /** Says {@link Service#externalName}. */
        public Builder externalName(@Nullable String value) {
            this.externalName = value;
            return this;
        }

        /** Says {@link Service#ports}. */
        public Builder ports(List<ServicePort> value) {
            this.ports = value;
            return this;
        }

        /** Says {@link Service#internalTrafficPolicy}. */
        public Builder internalTrafficPolicy(TrafficPolicy value) {
            this.internalTrafficPolicy = value;
            return this;
        }

        /** Says {@link Service#externalTrafficPolicy}. */
        public Builder externalTrafficPolicy(TrafficPolicy value) {
            this.externalTrafficPolicy = value;
            return this;
        }

        /** Says {@link Service#sessionAffinity}. */
        public Builder sessionAffinity(SessionAffinity value) {
            this.sessionAffinity = value;
            return this;
        }

        /** Says {@link Service#externalIps}. */
        public Builder externalIps(List<InetAddress> value) {
            this.externalIps = value;
            return this;
        }

        /** Says {@link Service#loadBalancerIps}. */
        public Builder loadBalancerIps(List<InetAddress> value) {
            this.loadBalancerIps = value;
            return this;
        }

        /** Says {@link Service#loadBalancerSourceRanges}. */
        public Builder loadBalancerSourceRanges(List<Cidr> value) {
            this.loadBalancerSourceRanges = value;
            return this;
        }

        /** Says {@link Service#healthCheckNodePort}. */
        public Builder healthCheckNodePort(int value) {
            this.healthCheckNodePort = value;
            return this;
        }

        /** Says {@link Service#publishNotReadyAddresses}. */
        public Builder publishNotReadyAddresses(boolean value) {
            this.publishNotReadyAddresses = value;
            return this;
        }

        /** Says {@link Service#selector}. */
        public Builder selector(Map<String, String> value) {
            this.selector = value;
            return this;
        }

        /** Says {@link Service#annotations}. */
        public Builder annotations(Map<String, String> value) {
            this.annotations = value;
            return this;
        }

        /** Says {@link Service#createdAt}. */
        public Builder createdAt(Instant value) {
            this.createdAt = value;
            return this;
        }

        /** The Service. */
        public Service build() {
            return new Service(name, type, clusterIps, headless, externalName, ports, internalTrafficPolicy,
                    externalTrafficPolicy, sessionAffinity, externalIps, loadBalancerIps, loadBalancerSourceRanges,
                    healthCheckNodePort, publishNotReadyAddresses, selector, annotations, createdAt);
        }
    }
}
