package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Endpoints for tests, called by a number: 10.0.x.y:8080. */
final class Endpoints {

    static final InetAddress CLIENT = IpAddresses.parse("192.0.2.1");

    private Endpoints() {}

    static EndpointAddress address(int number) {
        return new EndpointAddress(IpAddresses.parse("10.0." + number / 250 + "." + (number % 250 + 1)), 8080);
    }

    /** Ready ones, numbered from {@code first} on. */
    static List<Endpoint> ready(int first, int count) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            endpoints.add(Endpoint.ready(address(first + i)));
        }
        return endpoints;
    }

    static Set<EndpointAddress> addresses(List<Endpoint> endpoints) {
        Set<EndpointAddress> addresses = new HashSet<>();
        endpoints.forEach(e -> addresses.add(e.address()));
        return addresses;
    }

    /** 100.64.0.0 and the addresses after it. */
    static InetAddress client(int number) {
        return IpAddresses
                .parse("100." + (64 + number / 65_536) + "." + number / 256 % 256 + "." + number % 256);
    }
}
