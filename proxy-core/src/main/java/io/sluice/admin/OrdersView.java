package io.sluice.admin;

import io.sluice.balance.Order;
import io.sluice.service.ServicePortName;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/v1/orders}: what operators have ordered by hand and is in force, the oldest first. {@code docs/api.md} says what
 * each field means.
 *
 * @param socket where orders are given; absent if none are taken
 */
record OrdersView(@Nullable String socket, List<Row> orders) {

    static OrdersView of(DaemonStatus status) {
        return new OrdersView(status.operatorSocket().map(Path::toString).orElse(null),
                status.orders().all().stream().map(Row::of).toList());
    }

    record Row(String namespace, String service, String port, String protocol, String endpoint, String order,
            int weight, Instant since, @Nullable Instant until, String by) {

        static Row of(Order order) {
            ServicePortName port = order.port();
            return new Row(port.service().namespace(), port.service().name(), port.port(), port.protocol().name(),
                    order.endpoint().toString(), order.kind().name().toLowerCase(Locale.ROOT), order.weight(),
                    order.since(), order.until(), order.by());
        }
    }
}
