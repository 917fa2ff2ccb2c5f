package io.sluice.service;

import java.net.Inet4Address;
import java.net.InetAddress;

/** Address family of an IP address. */
public enum IpFamily {
    IPV4("IPv4"), IPV6("IPv6");

    private final String apiName;

    IpFamily(String apiName) {
        this.apiName = apiName;
    }

    /** The spelling of the Kubernetes API: {@code IPv4} or {@code IPv6}. */
    public String apiName() {
        return apiName;
    }

    /** The family of {@code address}. */
    public static IpFamily of(InetAddress address) {
        return address instanceof Inet4Address ? IPV4 : IPV6;
    }
}
