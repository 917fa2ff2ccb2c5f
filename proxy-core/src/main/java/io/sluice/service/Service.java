package io.sluice.service;

import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Service as the proxy and DNS need it, every default filled in.
 *
 * @param clusterIps               its virtual addresses, at most one of each family; empty for a headless Service and for
 *                                 ExternalName
 * @param headless                 {@code clusterIP: None}
 * @param externalName             target of the CNAME of an ExternalName Service, else null
 * @param externalIps              {@code spec.externalIPs}
 * @param loadBalancerIps          {@code status.loadBalancer.ingress[].ip} whose {@code ipMode} is VIP or absent
 * @param loadBalancerSourceRanges the clients that may use {@code loadBalancerIps}; empty means all
 * @param healthCheckNodePort      0 for none
 * @param selector                 {@code spec.selector}; empty means that the endpoints are written by hand
 * @param annotations              those that start with {@code sluice.io/} or {@code service.kubernetes.io/}; all others are
 *                                 dropped
 * @param createdAt                {@code metadata.creationTimestamp}, or when a manifest without one was first seen
 * @param exclusion                which of {@link #EXCLUDING_LABELS} it has; null for none. Its DNS names and variables stay
 */
public record Service(ServiceName name, ServiceType type, List<InetAddress> clusterIps, boolean headless,
        @Nullable String externalName, List<ServicePort> ports, TrafficPolicy internalTrafficPolicy,
        TrafficPolicy externalTrafficPolicy, SessionAffinity sessionAffinity, List<InetAddress> externalIps,
        List<InetAddress> loadBalancerIps, List<Cidr> loadBalancerSourceRanges, int healthCheckNodePort,
        boolean publishNotReadyAddresses, Map<String, String> selector, Map<String, String> annotations,
        Instant createdAt, @Nullable String exclusion) {

    /** Labels that keep a proxy away, whatever their values are (cmd/kube-proxy/app/server.go). */
    public static final List<String> EXCLUDING_LABELS =
            List.of("service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless");

    public Service {
        clusterIps = List.copyOf(clusterIps);
        ports = List.copyOf(ports);
        externalIps = List.copyOf(externalIps);
        loadBalancerIps = List.copyOf(loadBalancerIps);
        loadBalancerSourceRanges = List.copyOf(loadBalancerSourceRanges);
        selector = Map.copyOf(selector);
        annotations = Map.copyOf(annotations);
    }

    /** Whether connections to it are proxied at all: it has a cluster address, and no label keeps this proxy away. */
    public boolean proxied() {
        return addressed() && exclusion == null;
    }

    /** Whether it has a cluster address, even if another proxy serves it. */
    public boolean addressed() {
        return type != ServiceType.EXTERNAL_NAME && !clusterIps.isEmpty();
    }

    /** Whether traffic from outside the cluster can reach it: a node port, an external or a load balancer address. */
    public boolean externallyAccessible() {
        return !externalIps.isEmpty() || !loadBalancerIps.isEmpty() || ports.stream().anyMatch(p -> p.nodePort() != 0);
    }

    /** Begins a ClusterIP Service without addresses and ports. */
    public static Builder builder(ServiceName name) {
        return new Builder(name);
    }

    /** Gathers the fields of a Service; a field that is not set has the API's default. Not thread-safe. */
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
        private @Nullable String exclusion;

        private Builder(ServiceName name) {
            this.name = name;
        }

        /** Sets {@link Service#type}. */
        public Builder type(ServiceType value) {
            this.type = value;
            return this;
        }

        /** Sets {@link Service#clusterIps}. */
        public Builder clusterIps(List<InetAddress> value) {
            this.clusterIps = value;
            return this;
        }

        /** Sets {@link Service#headless}. */
        public Builder headless(boolean value) {
            this.headless = value;
            return this;
        }

        /** Sets {@link Service#externalName}. */
        public Builder externalName(@Nullable String value) {
            this.externalName = value;
            return this;
        }

        /** Sets {@link Service#ports}. */
        public Builder ports(List<ServicePort> value) {
            this.ports = value;
            return this;
        }

        /** Sets {@link Service#internalTrafficPolicy}. */
        public Builder internalTrafficPolicy(TrafficPolicy value) {
            this.internalTrafficPolicy = value;
            return this;
        }

        /** Sets {@link Service#externalTrafficPolicy}. */
        public Builder externalTrafficPolicy(TrafficPolicy value) {
            this.externalTrafficPolicy = value;
            return this;
        }

        /** Sets {@link Service#sessionAffinity}. */
        public Builder sessionAffinity(SessionAffinity value) {
            this.sessionAffinity = value;
            return this;
        }

        /** Sets {@link Service#externalIps}. */
        public Builder externalIps(List<InetAddress> value) {
            this.externalIps = value;
            return this;
        }

        /** Sets {@link Service#loadBalancerIps}. */
        public Builder loadBalancerIps(List<InetAddress> value) {
            this.loadBalancerIps = value;
            return this;
        }

        /** Sets {@link Service#loadBalancerSourceRanges}. */
        public Builder loadBalancerSourceRanges(List<Cidr> value) {
            this.loadBalancerSourceRanges = value;
            return this;
        }

        /** Sets {@link Service#healthCheckNodePort}. */
        public Builder healthCheckNodePort(int value) {
            this.healthCheckNodePort = value;
            return this;
        }

        /** Sets {@link Service#publishNotReadyAddresses}. */
        public Builder publishNotReadyAddresses(boolean value) {
            this.publishNotReadyAddresses = value;
            return this;
        }

        /** Sets {@link Service#selector}. */
        public Builder selector(Map<String, String> value) {
            this.selector = value;
            return this;
        }

        /** Sets {@link Service#annotations}. */
        public Builder annotations(Map<String, String> value) {
            this.annotations = value;
            return this;
        }

        /** Sets {@link Service#createdAt}. */
        public Builder createdAt(Instant value) {
            this.createdAt = value;
            return this;
        }

        /** Sets {@link Service#exclusion}. */
        public Builder exclusion(@Nullable String value) {
            this.exclusion = value;
            return this;
        }

        /** The Service. */
        public Service build() {
            return new Service(name, type, clusterIps, headless, externalName, ports, internalTrafficPolicy,
                    externalTrafficPolicy, sessionAffinity, externalIps, loadBalancerIps, loadBalancerSourceRanges,
                    healthCheckNodePort, publishNotReadyAddresses, selector, annotations, createdAt, exclusion);
        }
    }
}
