package io.sluice.cli;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converters for numbers and durations that have limits, one class for each set of limits as picocli wants them. */
final class Numbers {

    private Numbers() {}

    /**
     * A count that Sluice works out by itself unless it is told.
     *
     * @param count empty for {@code auto}
     */
    record Auto(OptionalInt count) {
        @Override
        public String toString() {
            return count.isPresent() ? Integer.toString(count.getAsInt()) : "auto";
        }
    }

    private static int between(String value, int min, int max) {
        try {
            int number = Integer.parseInt(value);
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new TypeConversionException(complaint(value, min, max));
        }
        throw new TypeConversionException(complaint(value, min, max));
    }

    private static String complaint(String value, int min, int max) {
        return max == Integer.MAX_VALUE
                ? "'" + value + "' is not a number of at least " + min
                : "'" + value + "' is not a number from " + min + " to " + max;
    }

    private static Auto autoOrBetween(String value, int min, int max) {
        if (value.equals("auto")) {
            return new Auto(OptionalInt.empty());
        }
        try {
            return new Auto(OptionalInt.of(between(value, min, max)));
        } catch (TypeConversionException e) {
            throw new TypeConversionException(e.getMessage() + ", nor the word auto");
        }
    }

    /** What is added to every port: 0 to 65,534. */
    static final class PortOffset implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, 65_534);
        }
    }

    /** How often something is tried again: 0 to 100. */
    static final class Retries implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, 100);
        }
    }

    /** A limit; 0 stands for none. */
    static final class Limit implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, Integer.MAX_VALUE);
        }
    }

    /** Length of an accept queue: 1 to 65,535. */
    static final class Backlog implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 1, 65_535);
        }
    }

    /** 0 to 100. */
    static final class Percent implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, 100);
        }
    }

    /** 1 to 1,000,000. */
    static final class Requests implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 1, 1_000_000);
        }
    }

    /** {@code auto} or 1 to 1,024 threads. */
    static final class Threads implements ITypeConverter<Auto> {
        @Override
        public Auto convert(String value) {
            return autoOrBetween(value, 1, 1_024);
        }
    }

    /** {@code auto} or at least one connection. */
    static final class Connections implements ITypeConverter<Auto> {
        @Override
        public Auto convert(String value) {
            return autoOrBetween(value, 1, Integer.MAX_VALUE);
        }
    }

    /** A duration that cannot be nothing. */
    static final class PositiveDuration implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            Duration duration = GoDuration.parse(value);
            if (duration.isZero()) {
                throw new TypeConversionException("'" + value + "' is not allowed: it has to be longer than nothing");
            }
            return duration;
        }
    }

    /** Candidates for completion where {@code auto} is the one word that can be completed. */
    static final class AutoWord implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return List.of("auto").iterator();
        }
    }
}
