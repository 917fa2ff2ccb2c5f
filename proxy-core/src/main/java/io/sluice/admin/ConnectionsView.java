package io.sluice.admin;

import io.sluice.http.Request;
import io.sluice.proxy.ConnectionView;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/v1/connections}: the open connections, oldest first. {@code docs/api.md} says what each field means.
 *
 * @param total the number of open connections, those beyond the limit included
 */
record ConnectionsView(int total, List<Row> connections) {

    static final int DEFAULT_LIMIT = 1000;

    static ConnectionsView of(DaemonStatus status, Request request) {
        int limit = request.number("limit").orElse(DEFAULT_LIMIT);
        List<ConnectionView> selected = status.connections().stream()
                .filter(connection -> {
                    ServiceName service = connection.servicePort().service();
                    return request.selects("namespace", service.namespace())
                            && request.selects("service", service.name());
                }).toList();
        return new ConnectionsView(selected.size(), selected.stream()
                .sorted(Comparator.comparing(ConnectionView::acceptedAt).thenComparingLong(ConnectionView::id))
                .limit(limit).map(Row::of).toList());
    }

    record Row(long id, String protocol, String client, String listener, String namespace, String service, String port,
            @Nullable String endpoint, String state, Instant acceptedAt, long bytesFromClient, long bytesFromBackend,
            int retries) {

        static Row of(ConnectionView connection) {
            return new Row(connection.id(), connection.servicePort().protocol().name(), format(connection.client()),
                    format(connection.listener()),
                    connection.servicePort().service().namespace(), connection.servicePort().service().name(),
                    connection.servicePort().port(),
                    connection.endpoint() == null ? null : connection.endpoint().toString(), connection.state(),
                    connection.acceptedAt(), connection.bytesFromClient(), connection.bytesFromBackend(),
                    connection.retries());
        }

        private static String format(InetSocketAddress address) {
            return IpAddresses.format(address.getAddress(), address.getPort());
        }
    }
}
