package io.sluice.admin;

import io.sluice.history.Change;
import io.sluice.history.Event;
import io.sluice.history.Journal;
import io.sluice.history.Journal.Page;
import io.sluice.history.Journal.Wanted;
import io.sluice.http.Request;
import io.sluice.http.Response;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.text.PrintableJson;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code /api/v1/events}: what has changed, the oldest first. {@code docs/api.md} says what each field means.
 *
 * @param last the number after which the next page begins
 * @param more whether there are more now
 * @param lost how many events after the one that was asked for are not kept any more
 */
record EventsView(List<Row> events, long last, boolean more, long lost) {

    private static final int DEFAULT_LIMIT = 1000;
    private static final int STREAMED_AT_ONCE = 32;
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
    private static final Pattern NUMBER = Pattern.compile("\\d{1,18}");
    private static final JsonMapper MAPPER = PrintableJson.mapper();

    /** A page of events, or with {@code watch} a stream that begins with the same events. */
    static Response answer(Journal journal, Request request, Clock clock) {
        Wanted wanted = wanted(request, clock);
        String watch = request.text("watch").orElse("false");
        if (watch.equals("1") || watch.equals("true")) {
            long from = request.text("since").isPresent() ? wanted.after() : journal.newest();
            return Response.events(wake -> new Feed(journal, wanted.after(from), wake));
        }
        int limit = Math.min(request.number("limit").orElse(DEFAULT_LIMIT), Journal.CAPACITY);
        Page page = request.text("since").isPresent() ? journal.first(wanted, limit) : journal.last(wanted, limit);
        return Response.json(new EventsView(page.events().stream().map(Row::of).toList(), page.last(), page.more(),
                page.lost()));
    }

    /** @throws Request.BadRequestException if {@code since} is neither a number nor a duration */
    private static Wanted wanted(Request request, Clock clock) {
        String since = request.text("since").orElse("0");
        long after = 0;
        Instant notBefore = Instant.MIN;
        Matcher duration = DURATION.matcher(since);
        if (NUMBER.matcher(since).matches()) {
            after = Long.parseLong(since);
        } else if (duration.matches()) {
            notBefore = clock.instant().minus(duration(Long.parseLong(duration.group(1)), duration.group(2)));
        } else {
            throw new Request.BadRequestException("query parameter since='" + since
                    + "' is neither the number of an event nor a duration such as 30s, 10m or 2h");
        }
        return new Wanted(after, notBefore, request.text("namespace").orElse(null),
                request.text("service").orElse(null));
    }

    private static Duration duration(long count, String unit) {
        return switch (unit) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
        };
    }

    /** One event. */
    record Row(long id, Instant at, String type, @Nullable String namespace, @Nullable String service,
            @Nullable String port, @Nullable String endpoint, @Nullable String pod, String message) {

        static Row of(Event event) {
            Change change = event.change();
            ServiceName service = change.service();
            ServicePortName port = change.port();
            EndpointAddress endpoint = change.endpoint();
            return new Row(event.id(), event.at(), change.type(), service == null ? null : service.namespace(),
                    service == null ? null : service.name(), port == null ? null : port.port(),
                    endpoint == null ? null : endpoint.toString(),
                    change instanceof Change.EndpointChange changed ? changed.pod() : null, change.message());
        }

        /** The fields that have a value. */
        Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("id", id);
            fields.put("at", at.toString());
            fields.put("type", type);
            putIfKnown(fields, "namespace", namespace);
            putIfKnown(fields, "service", service);
            putIfKnown(fields, "port", port);
            putIfKnown(fields, "endpoint", endpoint);
            putIfKnown(fields, "pod", pod);
            fields.put("message", message);
            return fields;
        }

        private static void putIfKnown(Map<String, Object> fields, String name, @Nullable Object value) {
            if (value != null) {
                fields.put(name, value);
            }
        }
    }

    /** The events of one client as server-sent events. */
    private static final class Feed implements Response.Feed {

        private final Journal journal;
        private final Runnable wake;
        private Wanted wanted;

        Feed(Journal journal, Wanted wanted, Runnable wake) {
            this.journal = journal;
            this.wanted = wanted;
            this.wake = wake;
            journal.follow(wake);
        }

        @Override
        public byte[] next() {
            Page page = journal.first(wanted, STREAMED_AT_ONCE);
            wanted = wanted.after(page.last());
            StringBuilder text = new StringBuilder();
            if (page.lost() > 0) {
                text.append("event: lost\ndata: {\"lost\":").append(page.lost()).append("}\n\n");
            }
            for (Event event : page.events()) {
                text.append("id: ").append(event.id()).append("\ndata: ")
                        .append(MAPPER.writeValueAsString(Row.of(event).fields())).append("\n\n");
            }
            return text.toString().getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public void close() {
            journal.unfollow(wake);
        }
    }
}
