package io.sluice.cli.config;

import io.sluice.service.PeerTimeouts;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Durations in Go's notation, which Kubernetes users know: {@code 250ms}, {@code 30s}, {@code 1h30m}, {@code 0}. Does not use
 * BigDecimal, whose tables take time at the start of each process.
 */
public final class GoDuration implements ITypeConverter<Duration> {

    private static final Pattern PART = Pattern.compile("(\\d+)(\\.\\d+)?(ns|us|µs|ms|s|m|h)");
    private static final long LONGEST_NANOS = Duration.ofDays(365).toNanos();
    /** With more digits even nanoseconds are too long. */
    private static final int LONGEST_DIGITS = 18;
    private static final long NANOS_IN_MILLI = 1_000_000;

    @Override
    public Duration convert(String value) {
        return parse(value);
    }

    /**
     * Reads a duration of at most a year, to the millisecond.
     *
     * @throws TypeConversionException if {@code text} is not a duration; the message names it and shows examples
     */
    public static Duration parse(String text) {
        if (text.equals("0")) {
            return Duration.ZERO;
        }
        Matcher part = PART.matcher(text);
        long nanos = 0;
        int end = 0;
        while (part.find() && part.start() == end) {
            long unit = nanosOf(part.group(3));
            nanos += whole(part.group(1), unit, text) + fraction(part.group(2), unit);
            end = part.end();
            if (nanos > LONGEST_NANOS) {
                throw tooLong(text);
            }
        }
        if (end == 0 || end != text.length()) {
            throw new TypeConversionException("'" + text + "' is not a duration like 250ms, 30s, 5m or 1h30m");
        }
        long millis = nanos / NANOS_IN_MILLI;
        if (millis == 0 && nanos != 0) {
            throw new TypeConversionException("'" + text + "' is shorter than a millisecond");
        }
        return Duration.ofMillis(millis);
    }

    private static long whole(String digits, long unit, String text) {
        long count = digits.length() > LONGEST_DIGITS ? Long.MAX_VALUE : Long.parseLong(digits);
        if (count > LONGEST_NANOS / unit) {
            throw tooLong(text);
        }
        return count * unit;
    }

    /** A double has room for the nanoseconds of an hour. */
    private static long fraction(@Nullable String digits, long unit) {
        return digits == null ? 0 : Math.round(Double.parseDouble(digits) * unit);
    }

    private static TypeConversionException tooLong(String text) {
        return new TypeConversionException("'" + text + "' is longer than a year (8760h)");
    }

    /** The shortest notation: {@code 1h30m}, {@code 250ms}, {@code 1m0.5s} as {@code 1m500ms}, nothing as {@code 0s}. */
    static String format(Duration duration) {
        if (duration.isZero()) {
            return "0s";
        }
        StringBuilder text = new StringBuilder();
        append(text, duration.toHours(), "h");
        append(text, duration.toMinutesPart(), "m");
        append(text, duration.toSecondsPart(), "s");
        append(text, duration.toMillisPart(), "ms");
        return text.toString();
    }

    private static void append(StringBuilder text, long count, String unit) {
        if (count != 0) {
            text.append(count).append(unit);
        }
    }

    private static long nanosOf(String unit) {
        return switch (unit) {
            case "ns" -> 1;
            case "us", "µs" -> 1_000;
            case "ms" -> 1_000_000;
            case "s" -> 1_000_000_000;
            case "m" -> 60_000_000_000L;
            default -> 3_600_000_000_000L;
        };
    }

    /** A duration that is not zero. */
    static final class Positive implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            Duration duration = parse(value);
            if (duration.isZero()) {
                throw new TypeConversionException("'" + value + "' is not allowed: it has to be longer than zero");
            }
            return duration;
        }
    }

    /** Whole seconds, as many as the kernel takes for TCP_KEEPIDLE and TCP_KEEPINTVL. */
    static final class Keepalive implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            return keepalive(value, parse(value));
        }
    }

    /** The same, or nothing. */
    static final class KeepaliveOrZero implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            Duration duration = parse(value);
            return duration.isZero() ? duration : keepalive(value, duration);
        }
    }

    private static Duration keepalive(String value, Duration duration) {
        if (!PeerTimeouts.isKeepalive(duration)) {
            throw new TypeConversionException("'" + value + "' is not a time of whole seconds from 1s to "
                    + PeerTimeouts.MAX_KEEPALIVE_SECONDS + "s");
        }
        return duration;
    }
}
