package io.sluice.service;

import java.util.Comparator;

/**
 * The name of one port of one Service, everywhere: kube-proxy's ServicePortName.
 *
 * @param port the port's name, {@code ""} if it has none
 */
public record ServicePortName(ServiceName service, String port, Protocol protocol)
        implements
        Comparable<ServicePortName> {

    private static final Comparator<ServicePortName> ORDER = Comparator.comparing(ServicePortName::service)
            .thenComparing(ServicePortName::port).thenComparing(ServicePortName::protocol);

    @Override
    public int compareTo(ServicePortName other) {
        return ORDER.compare(this, other);
    }

    /** {@code namespace/name:port}, without the colon for an unnamed port, as kube-proxy logs it. */
    @Override
    public String toString() {
        return port.isEmpty() ? service.toString() : service + ":" + port;
    }
}
