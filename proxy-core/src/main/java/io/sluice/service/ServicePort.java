package io.sluice.service;

import org.jspecify.annotations.Nullable;

/**
 * One port of a Service.
 *
 * @param name        the port's name, {@code ""} for the only port of a Service that gives none
 * @param port        the port at the Service's addresses, 1 to 65,535
 * @param nodePort    the port at the node's addresses, 0 for none
 * @param targetPort  as the manifest writes it, a number or a name, for display only
 * @param appProtocol {@code appProtocol}, for display only
 */
public record ServicePort(String name, Protocol protocol, int port, int nodePort, String targetPort,
        @Nullable String appProtocol) {

    /** {@code 80/TCP}, or {@code 80:30080/TCP} with a node port, as {@code kubectl get services} writes it. */
    public String display() {
        return nodePort == 0 ? port + "/" + protocol : port + ":" + nodePort + "/" + protocol;
    }
}
