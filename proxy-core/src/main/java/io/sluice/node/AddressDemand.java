package io.sluice.node;

import io.sluice.service.ServiceName;
import java.net.InetAddress;
import java.util.Map;

/**
 * The addresses that Services need on this node, and the addresses of endpoints, which must stay where they are.
 *
 * @param wanted       every address of a Service and its use
 * @param endpoints    the addresses of the endpoints of all Services, each with a Service that names it
 * @param ownManifests whether the operator of this proxy wrote all Services; else other users name the endpoints
 */
public record AddressDemand(Map<InetAddress, Use> wanted, Map<InetAddress, ServiceName> endpoints,
        boolean ownManifests) {

    /** The use of an address by a Service, in the order in which an address yields to objections: the first one least. */
    public enum Use {
        /** A cluster address: the API server allocates it, for good, from a range for nothing else. */
        CLUSTER,
        /** {@code status.loadBalancer}: a controller writes it, usually from a pool. */
        LOAD_BALANCER,
        /** {@code spec.externalIPs}: a user who may write Services can write any address. */
        EXTERNAL
    }
}
