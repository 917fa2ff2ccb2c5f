package io.sluice.admin;

import io.sluice.balance.Explanation;
import io.sluice.balance.Traffic;
import io.sluice.http.Request;
import io.sluice.http.Response;
import io.sluice.proxy.Attempt;
import io.sluice.proxy.ConnectionDetail;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.proxy.ConnectionView;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code /api/v1/explain?connection=}: everything about one connection. {@code docs/api.md} says what each field means. */
record ConnectionExplanation(Row connection) {

    static Response answer(DaemonStatus status, String wanted) {
        ConnectionFilter filter;
        try {
            filter = filter(wanted);
        } catch (IllegalArgumentException e) {
            throw new Request.BadRequestException("query parameter connection='" + wanted
                    + "' is neither a client's address and port, such as 10.0.0.9:51324, nor the number of a connection",
                    e);
        }
        Optional<ConnectionDetail> found = status.connection(filter);
        if (found.isEmpty()) {
            return Response.error(404, "no connection " + wanted
                    + " is open, and none is among the last 10,000 that were closed");
        }
        return Response.json(new ConnectionExplanation(Row.of(found.get(), status)));
    }

    private static ConnectionFilter filter(String wanted) {
        if (wanted.matches("\\d{1,18}")) {
            return new ConnectionFilter(Long.parseLong(wanted), null, null, null, Set.of(), null, 0);
        }
        int colon = wanted.lastIndexOf(':');
        if (colon < 0 || !wanted.substring(colon + 1).matches("\\d{1,5}")) {
            throw new IllegalArgumentException(wanted);
        }
        int port = Integer.parseInt(wanted.substring(colon + 1));
        return new ConnectionFilter(0, null, null, null, Set.of(),
                IpAddresses.parse(wanted.substring(0, colon).replaceAll("^\\[|\\]$", "")), port);
    }

    /** An endpoint that did not take it. */
    record FailedAttempt(String endpoint, String failure, double ms) {
        static FailedAttempt of(Attempt attempt) {
            return new FailedAttempt(attempt.endpoint().toString(),
                    attempt.failure().name().toLowerCase(Locale.ROOT).replace('_', ' '), millis(attempt.nanos()));
        }
    }

    record Row(long id, String protocol, String client, String listener, String namespace, String service, String port,
            @Nullable String endpoint, String state, Instant acceptedAt, String traffic, List<FailedAttempt> attempts,
            @Nullable Double connectMs, double totalMs, @Nullable Double idleMs, long bytesFromClient,
            long bytesFromBackend, long heldFromClient, long heldFromBackend, boolean masqueraded,
            @Nullable String termination, @Nullable String meaning, List<String> rules, @Nullable String rule) {

        static Row of(ConnectionDetail detail, DaemonStatus status) {
            ConnectionView view = detail.view();
            Explanation now = status.applied().map(applied -> applied.ports().get(view.servicePort()))
                    .map(AppliedPort::routing).map(routing -> routing.explain(
                            IpFamily.of(view.listener().getAddress()), detail.traffic(), view.client().getAddress(),
                            System.nanoTime()))
                    .orElse(Explanation.NOTHING);
            return new Row(view.id(), view.servicePort().protocol().name(), format(view.client()),
                    format(view.listener()), view.servicePort().service().namespace(),
                    view.servicePort().service().name(), view.servicePort().port(),
                    view.endpoint() == null ? null : view.endpoint().toString(), view.state(), view.acceptedAt(),
                    spelling(detail.traffic()), detail.attempts().stream().map(FailedAttempt::of).toList(),
                    detail.connectNanos() < 0 ? null : Double.valueOf(millis(detail.connectNanos())),
                    millis(detail.totalNanos()),
                    detail.idleNanos() < 0 ? null : Double.valueOf(millis(detail.idleNanos())),
                    view.bytesFromClient(), view.bytesFromBackend(), detail.heldFromClient(),
                    detail.heldFromBackend(), detail.masqueraded(), detail.termination(), detail.meaning(),
                    now.rules(), now.endpoints().stream()
                            .filter(line -> line.endpoint().address().equals(view.endpoint()))
                            .map(Explanation.Line::rule).findFirst().orElse(null));
        }

        private static String format(InetSocketAddress address) {
            return IpAddresses.format(address.getAddress(), address.getPort());
        }

        private static String spelling(Traffic traffic) {
            return switch (traffic) {
                case INTERNAL -> "internal";
                case EXTERNAL -> "external";
                case SHORT_CIRCUIT -> "looped";
            };
        }
    }

    /** With three digits after the point. */
    private static double millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(nanos) / 1000.0;
    }
}
