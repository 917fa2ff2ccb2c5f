package io.sluice.cli.config;

import io.sluice.metrics.ProxyMetrics;
import io.sluice.service.PeerTimeouts;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converters for whole numbers with bounds, one class for each pair of bounds as picocli wants them. */
public final class BoundedInt {

    private BoundedInt() {}

    /**
     * A count that Sluice determines by itself unless it is set.
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

    /** The offset of every port: 0 to 65,534. */
    public static final class PortOffset implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, 65_534);
        }
    }

    /** A number of retries: 0 to 100. */
    static final class Retries implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, 100);
        }
    }

    /** A number of endpoints: 0 to 20,000, as many as have series at all. */
    static final class Histograms implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, ProxyMetrics.DEFAULT_MAX_ENDPOINTS);
        }
    }

    /** A limit; 0 for none. */
    static final class Limit implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, Integer.MAX_VALUE);
        }
    }

    /** How often a silent peer is asked: 1 to 127. */
    static final class KeepaliveCount implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 1, PeerTimeouts.MAX_KEEPALIVE_COUNT);
        }
    }

    /** Octets of a DNS message over UDP: 512 to 65,535. */
    static final class DnsUdpSize implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 512, 65_535);
        }
    }

    /** Length of an accept queue: 1 to 65,535. */
    static final class Backlog implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 1, 65_535);
        }
    }

    /** 0 to 10,000 health checks in a second; 0 for none. */
    static final class ChecksPerSecond implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return between(value, 0, 10_000);
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
    public static final class Requests implements ITypeConverter<Integer> {
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

    /** The candidates for completion where only {@code auto} can be completed. */
    static final class AutoWord implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return List.of("auto").iterator();
        }
    }
}
