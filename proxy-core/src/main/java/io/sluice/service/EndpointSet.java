package io.sluice.service;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;

/**
 * The endpoints of one Service port: sorted by address, each address once.
 *
 * <p>Duplicates happen while an endpoint moves from one slice to another, and where Endpoints and EndpointSlices are
 * both written by hand. Of two entries the ready one wins, then one that is serving while it terminates, then
 * the first.
 */
public record EndpointSet(List<Endpoint> endpoints) {

    /** No endpoints. */
    public static final EndpointSet EMPTY = new EndpointSet(List.of());

    public EndpointSet {
        endpoints = List.copyOf(endpoints);
        for (int i = 1; i < endpoints.size(); i++) {
            if (endpoints.get(i - 1).address().compareTo(endpoints.get(i).address()) >= 0) {
                throw new IllegalArgumentException("endpoints are not sorted, or one address is there twice");
            }
        }
    }

    /** Sorts and merges {@code endpoints}. */
    public static EndpointSet of(Collection<Endpoint> endpoints) {
        TreeMap<EndpointAddress, Endpoint> byAddress = new TreeMap<>();
        for (Endpoint endpoint : endpoints) {
            byAddress.merge(endpoint.address(), endpoint, (a, b) -> b.rank() > a.rank() ? b : a);
        }
        return byAddress.isEmpty() ? EMPTY : new EndpointSet(new ArrayList<>(byAddress.values()));
    }

    /** The endpoints of one address family. */
    public EndpointSet of(IpFamily family) {
        List<Endpoint> kept = endpoints.stream().filter(e -> e.address().family() == family).toList();
        return kept.size() == endpoints.size() ? this : new EndpointSet(kept);
    }

    public boolean isEmpty() {
        return endpoints.isEmpty();
    }
}
