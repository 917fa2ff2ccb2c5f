package io.sluice.nftables;

import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;

/**
 * An address, port and protocol that clients of a Service connect to.
 *
 * @param address cluster IP, external IP, load balancer IP or address of the node, with the port; not 0
 */
public record ServiceSocket(EndpointAddress address, Protocol protocol) {}
