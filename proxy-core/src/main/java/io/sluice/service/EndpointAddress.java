package io.sluice.service;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * Where a backend listens.
 *
 * @param port 1 to 65,535; 0 for an endpoint of a headless Service that belongs to none of its ports
 */
public record EndpointAddress(InetAddress ip, int port) implements Comparable<EndpointAddress> {

    @Override
    public int compareTo(EndpointAddress other) {
        int byIp = IpAddresses.ORDER.compare(ip, other.ip);
        return byIp != 0 ? byIp : Integer.compare(port, other.port);
    }

    /** The same as a socket address; a new object each time. */
    public InetSocketAddress toSocketAddress() {
        return new InetSocketAddress(ip, port);
    }

    /** The address family. */
    public IpFamily family() {
        return IpFamily.of(ip);
    }

    /** {@code ip:port}, with an IPv6 address in brackets. */
    @Override
    public String toString() {
        return IpAddresses.format(ip, port);
    }
}
