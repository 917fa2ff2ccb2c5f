package io.sluice.admin;

import io.sluice.http.Request;
import io.sluice.http.Response;
import io.sluice.proxy.ConnectionDetail;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.proxy.ConnectionTaps;
import io.sluice.proxy.ConnectionTaps.Event;
import io.sluice.proxy.ConnectionTaps.What;
import io.sluice.proxy.ConnectionView;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.text.PrintableJson;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code /api/v1/tap}: connections as they open and close, as server-sent events. {@code docs/api.md} says what each field
 * means.
 */
final class TapView {

    private static final int AT_ONCE = 32;
    private static final JsonMapper MAPPER = PrintableJson.mapper();

    private TapView() {}

    static Response answer(ConnectionTaps taps, Request request) {
        int sample = request.number("sample").orElse(1);
        if (sample == 0) {
            throw new Request.BadRequestException("query parameter sample=0: one connection of 1 or more");
        }
        ConnectionFilter filter = new ConnectionFilter(0, request.text("namespace").orElse(null),
                request.text("service").orElse(null), null, endpoints(request), client(request), 0);
        return Response.events(wake -> new Feed(taps.open(filter, sample, wake)));
    }

    private static @Nullable InetAddress client(Request request) {
        try {
            return request.text("from").map(IpAddresses::parse).orElse(null);
        } catch (IllegalArgumentException e) {
            throw new Request.BadRequestException("query parameter from: " + e.getMessage(), e);
        }
    }

    /** An address with a port, or each port of an address. */
    private static Set<EndpointAddress> endpoints(Request request) {
        String text = request.text("endpoint").orElse("");
        if (text.isEmpty()) {
            return Set.of();
        }
        int colon = text.lastIndexOf(':');
        boolean withPort = colon > 0 && (text.indexOf(':') == colon || text.charAt(colon - 1) == ']')
                && text.substring(colon + 1).matches("\\d{1,5}");
        try {
            return Set.of(new EndpointAddress(
                    IpAddresses.parse((withPort ? text.substring(0, colon) : text).replaceAll("^\\[|\\]$", "")),
                    withPort ? Integer.parseInt(text.substring(colon + 1)) : 0));
        } catch (IllegalArgumentException e) {
            throw new Request.BadRequestException("query parameter endpoint: " + e.getMessage(), e);
        }
    }

    private static Map<String, Object> fields(Event event) {
        ConnectionDetail detail = event.detail();
        ConnectionView view = detail.view();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("at", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
        fields.put("event", event.what() == What.OPENED ? "opened" : "closed");
        fields.put("id", view.id());
        fields.put("protocol", view.servicePort().protocol().name());
        fields.put("client", format(view.client()));
        fields.put("listener", format(view.listener()));
        fields.put("namespace", view.servicePort().service().namespace());
        fields.put("service", view.servicePort().service().name());
        fields.put("port", view.servicePort().port());
        if (view.endpoint() != null) {
            fields.put("endpoint", view.endpoint().toString());
        }
        if (detail.connectNanos() >= 0) {
            fields.put("connectMs", millis(detail.connectNanos()));
        }
        fields.put("retries", view.retries());
        if (event.what() == What.CLOSED) {
            fields.put("totalMs", millis(detail.totalNanos()));
            fields.put("bytesFromClient", view.bytesFromClient());
            fields.put("bytesFromBackend", view.bytesFromBackend());
            fields.put("termination", String.valueOf(detail.termination()));
            fields.put("meaning", String.valueOf(detail.meaning()));
        }
        return fields;
    }

    private static String format(InetSocketAddress address) {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }

    /** With three digits after the point. */
    private static double millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(nanos) / 1000.0;
    }

    /** What one client looks at. */
    private static final class Feed implements Response.Feed {

        private final ConnectionTaps.Tap tap;

        Feed(ConnectionTaps.Tap tap) {
            this.tap = tap;
        }

        @Override
        public byte[] next() {
            StringBuilder text = new StringBuilder();
            long passedOver = tap.takePassedOver();
            if (passedOver > 0) {
                text.append("event: lost\ndata: {\"lost\":").append(passedOver).append("}\n\n");
            }
            List<Event> events = tap.take(AT_ONCE);
            for (Event event : events) {
                text.append("data: ").append(MAPPER.writeValueAsString(fields(event))).append("\n\n");
            }
            return text.toString().getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public void close() {
            tap.close();
        }
    }
}
