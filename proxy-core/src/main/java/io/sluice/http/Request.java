package io.sluice.http;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a request that a route sees.
 *
 * @param accept    the header {@code Accept}, empty if absent
 * @param userAgent the header {@code User-Agent}, empty if absent
 * @param query     the decoded parameters; the last one of a repeated name
 * @param trusted   whether its host is {@link AllowedHosts allowed}; always true for a {@link Route.Kind#VIEW}
 */
public record Request(String accept, String userAgent, Map<String, String> query, boolean trusted) {

    /** @throws BadRequestException if the query is not properly encoded */
    static Request of(@Nullable String accept, @Nullable String userAgent, @Nullable String rawQuery, boolean trusted) {
        Map<String, String> query = new LinkedHashMap<>();
        for (String pair : rawQuery == null ? new String[0] : rawQuery.split("&")) {
            int equals = pair.indexOf('=');
            if (!pair.isEmpty()) {
                query.put(decode(equals < 0 ? pair : pair.substring(0, equals)),
                        equals < 0 ? "" : decode(pair.substring(equals + 1)));
            }
        }
        return new Request(accept == null ? "" : accept, userAgent == null ? "" : userAgent, query, trusted);
    }

    /** Whether kubelet probes a pod: its HTTP probes have its user agent, unless the pod sets another header. */
    public boolean isPodProbe() {
        return userAgent.startsWith("kube-probe/");
    }

    /** Whether {@code value} passes the filter {@code name}; an absent or empty filter accepts everything. */
    public boolean selects(String name, String value) {
        String wanted = query.getOrDefault(name, "");
        return wanted.isEmpty() || wanted.equals(value);
    }

    /** The value of {@code name}; empty if it is absent or has none. */
    public Optional<String> text(String name) {
        return Optional.ofNullable(query.get(name)).filter(text -> !text.isEmpty());
    }

    /**
     * The value of {@code name} as a number that is not negative.
     *
     * @throws BadRequestException if it is not such a number
     */
    public Optional<Integer> number(String name) {
        String text = query.get(name);
        if (text == null) {
            return Optional.empty();
        }
        try {
            int number = Integer.parseInt(text);
            if (number < 0) {
                throw new NumberFormatException(text);
            }
            return Optional.of(number);
        } catch (NumberFormatException e) {
            throw new BadRequestException("query parameter " + name + "='" + text + "' is not a number of 0 or more",
                    e);
        }
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new BadRequestException("the query string is not properly encoded", e);
        }
    }

    /** A bad request: answered with 400 and the message. */
    public static final class BadRequestException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        /** @param message for the client */
        public BadRequestException(String message) {
            super(message);
        }

        /** @param message for the client */
        public BadRequestException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
