package io.sluice.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Durations in Go's notation, which Kubernetes users know: {@code 250ms}, {@code 30s}, {@code 1h30m}, {@code 0}. */
final class GoDuration implements ITypeConverter<Duration> {

    private static final Pattern PART = Pattern.compile("(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s|m|h)");
    private static final Duration LONGEST = Duration.ofDays(365);

    @Override
    public Duration convert(String value) {
        return parse(value);
    }

    /**
     * Reads a duration of at most a year, to the millisecond.
     *
     * @throws TypeConversionException if {@code text} is none; the message names it and shows what one looks like
     */
    static Duration parse(String text) {
        if (text.equals("0")) {
            return Duration.ZERO;
        }
        Matcher part = PART.matcher(text);
        BigDecimal nanos = BigDecimal.ZERO;
        int end = 0;
        while (part.find() && part.start() == end) {
            nanos = nanos.add(new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(nanosOf(part.group(2)))));
            end = part.end();
        }
        if (end == 0 || end != text.length()) {
            throw new TypeConversionException("'" + text + "' is not a duration like 250ms, 30s, 5m or 1h30m");
        }
        if (nanos.compareTo(BigDecimal.valueOf(LONGEST.toNanos())) > 0) {
            throw new TypeConversionException("'" + text + "' is longer than a year (8760h)");
        }
        BigDecimal millis = nanos.movePointLeft(6).setScale(0, RoundingMode.DOWN);
        if (millis.signum() == 0 && nanos.signum() != 0) {
            throw new TypeConversionException("'" + text + "' is shorter than a millisecond");
        }
        return Duration.ofMillis(millis.longValueExact());
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
}
