package io.sluice.metrics;

import io.sluice.service.ServicePortName;
import java.util.ArrayList;
import java.util.List;

/**
 * All ports or all endpoints at one moment, in the order of their series. Immutable.
 *
 * @param labels the names of their labels, sorted
 * @param all    sorted by the values of the labels
 * @param <T>    the meters of one
 */
record MeteredSet<T>(List<String> labels, List<Metered<T>> all) {

    /** What has series, with the values of its labels. */
    record Metered<T>(T meters, List<String> values) implements Comparable<Metered<T>> {

        @Override
        public int compareTo(Metered<T> other) {
            int order = 0;
            for (int i = 0; order == 0 && i < values.size(); i++) {
                order = values.get(i).compareTo(other.values.get(i));
            }
            return order;
        }

        /** Whether the first {@code count} labels are the same. */
        boolean sameBegin(Metered<T> other, int count) {
            for (int i = 0; i < count; i++) {
                if (!values.get(i).equals(other.values.get(i))) {
                    return false;
                }
            }
            return true;
        }
    }

    static MeteredSet<PortMeters> ports(Iterable<PortMeters> ports) {
        List<Metered<PortMeters>> all = new ArrayList<>();
        for (PortMeters port : ports) {
            ServicePortName name = port.name();
            all.add(new Metered<>(port,
                    List.of(name.service().namespace(), name.port(), name.service().name())));
        }
        all.sort(null);
        return new MeteredSet<>(List.of("namespace", "port", "service"), List.copyOf(all));
    }

    /** The endpoints of {@code ports} that have series. */
    static MeteredSet<EndpointMeters> endpoints(Iterable<PortMeters> ports) {
        List<Metered<EndpointMeters>> all = new ArrayList<>();
        for (PortMeters port : ports) {
            ServicePortName name = port.name();
            for (EndpointMeters endpoint : port.knownEndpoints()) {
                if (endpoint.hasSeries()) {
                    all.add(new Metered<>(endpoint, List.of(endpoint.address().toString(),
                            name.service().namespace(), name.port(), name.service().name())));
                }
            }
        }
        all.sort(null);
        return new MeteredSet<>(List.of("endpoint", "namespace", "port", "service"), List.copyOf(all));
    }
}
