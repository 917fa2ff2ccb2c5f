package io.sluice.service;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/** Addresses with a meaning of their own everywhere, which no Service can have (RFC 6890, RFC 4291). */
public final class SpecialAddresses {

    private record Range(Cidr range, String what) {}

    /** No range for IPv4-mapped IPv6 addresses: Java makes them the IPv4 addresses that they stand for. */
    private static final List<Range> RANGES = List.of(
            range("0.0.0.0/8", "unspecified"),
            range("127.0.0.0/8", "loopback"),
            range("169.254.0.0/16", "link-local"),
            range("224.0.0.0/4", "multicast"),
            range("255.255.255.255/32", "broadcast"),
            range("240.0.0.0/4", "reserved"),
            range("::/128", "unspecified"),
            range("::1/128", "loopback"),
            range("::/96", "IPv4-compatible"),
            range("fe80::/10", "link-local"),
            range("ff00::/8", "multicast"));

    private SpecialAddresses() {}

    /** Which kind of special address {@code address} is, for example {@code link-local}; empty for any other. */
    public static Optional<String> kind(InetAddress address) {
        return RANGES.stream().filter(r -> r.range().contains(address)).map(Range::what).findFirst();
    }

    private static Range range(String cidr, String what) {
        return new Range(Cidr.parse(cidr), what);
    }
}
