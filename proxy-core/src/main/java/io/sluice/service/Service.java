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
}
