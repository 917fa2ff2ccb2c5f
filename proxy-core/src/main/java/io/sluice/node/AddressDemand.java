package io.sluice.node;

import io.sluice.service.ServiceName;
import java.net.InetAddress;
import java.util.Map;

/**
 * What Services want to be an address of this node, and what must stay where it is.
 *
 * @param wanted       every address of a Service and what it is to that Service
 * @param endpoints    the addresses behind all Services, each with one that names it
 * @param ownManifests whether the operator of this proxy wrote all of it; else an endpoint is only somebody's word
 */
public record AddressDemand(Map<InetAddress, Use> wanted, Map<InetAddress, ServiceName> endpoints,
        boolean ownManifests) {

    /** What an address is to a Service; the first gives way to the least. */
    public enum Use {
        /** A cluster address: given by the API server, for good, out of a range for nothing else. */
        CLUSTER,
        /** {@code status.loadBalancer}: written by a controller, usually out of a pool. */
        LOAD_BALANCER,
        /** {@code spec.externalIPs}: whoever may write a Service can write anything. */
        EXTERNAL
    }
}
