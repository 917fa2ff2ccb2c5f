package io.sluice.reconcile;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServicePortName;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * Which endpoints an operator means: one address and port, every port of an IP address, or those of a Pod. Pure.
 *
 * @param ip        null for a Pod
 * @param port      0 for every port
 * @param namespace of the Pod; null for any
 * @param pod       null for an address
 */
record EndpointTarget(@Nullable InetAddress ip, int port, @Nullable String namespace, @Nullable String pod) {

    private static final int MOST_PORT = 65_535;

    /** Reads {@code 10.1.0.3:8080}, {@code [fd00::1]:80}, {@code 10.1.0.3}, {@code api-0} or {@code shop/api-0}. */
    static EndpointTarget of(String text) {
        InetAddress whole = address(text);
        if (whole != null) {
            return new EndpointTarget(whole, 0, null, null);
        }
        int colon = text.lastIndexOf(':');
        InetAddress before = colon < 0 ? null : address(text.substring(0, colon));
        if (before != null && text.substring(colon + 1).matches("\\d{1,5}")) {
            int number = Integer.parseInt(text.substring(colon + 1));
            if (number >= 1 && number <= MOST_PORT) {
                return new EndpointTarget(before, number, null, null);
            }
        }
        int slash = text.indexOf('/');
        String namespace = slash < 0 ? null : text.substring(0, slash);
        boolean kind = "pod".equals(namespace) || "pods".equals(namespace);
        return new EndpointTarget(null, 0, kind ? null : namespace, text.substring(slash + 1));
    }

    private static @Nullable InetAddress address(String text) {
        String bare = text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
        try {
            return IpAddresses.parse(bare);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Whether an endpoint of a port is meant. */
    boolean means(ServicePortName of, Endpoint endpoint) {
        return pod == null
                ? means(endpoint.address())
                : pod.equals(endpoint.target()) && (namespace == null || namespace.equals(of.service().namespace()));
    }

    /** Whether an address is meant; never for a Pod. */
    boolean means(EndpointAddress address) {
        return address.ip().equals(ip) && (port == 0 || port == address.port());
    }

    /** The addresses without a look at endpoints, a port of 0 for every port; null for a Pod. */
    @Nullable
    EndpointAddress literal() {
        return ip == null ? null : new EndpointAddress(ip, port);
    }
}
