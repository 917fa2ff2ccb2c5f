package io.sluice.cli.config;

import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Bytes in the notation of Kubernetes quantities: {@code 65536}, {@code 64Ki}, {@code 128Mi}, {@code 1Gi}, or {@code auto}.
 *
 * @param bytes empty for {@code auto}
 */
record ByteQuantity(OptionalLong bytes) {

    private static final Pattern QUANTITY = Pattern.compile("(\\d{1,15})(Ki|Mi|Gi)?");

    private static long parse(String text, long least, long most, String more) {
        Matcher quantity = QUANTITY.matcher(text);
        if (!quantity.matches()) {
            throw new TypeConversionException("'" + text + "' is not a number of bytes like 65536, 64Ki, 128Mi or 1Gi"
                    + more);
        }
        int shift = switch (quantity.group(2)) {
            case "Ki" -> 10;
            case "Mi" -> 20;
            case "Gi" -> 30;
            case null, default -> 0;
        };
        long count = Long.parseLong(quantity.group(1));
        if (count > most >> shift || count << shift < least) {
            throw new TypeConversionException(
                    "'" + text + "' is not from " + format(least) + " to " + format(most) + more);
        }
        return count << shift;
    }

    /** The shortest notation of a number of bytes. */
    static String format(long bytes) {
        String[] units = {"", "Ki", "Mi", "Gi"};
        int unit = 0;
        long count = bytes;
        while (unit + 1 < units.length && count != 0 && count % 1024 == 0) {
            count /= 1024;
            unit++;
        }
        return count + units[unit];
    }

    @Override
    public String toString() {
        return bytes.isPresent() ? format(bytes.getAsLong()) : "auto";
    }

    /** {@code auto}, or 1Mi to 64Gi. */
    static final class Memory implements ITypeConverter<ByteQuantity> {
        @Override
        public ByteQuantity convert(String value) {
            return value.equals("auto") ? new ByteQuantity(OptionalLong.empty())
                    : new ByteQuantity(OptionalLong.of(parse(value, 1L << 20, 64L << 30, ", nor the word auto")));
        }
    }

    /** {@code auto}, or 4Ki to 1Gi. */
    static final class SocketBuffer implements ITypeConverter<ByteQuantity> {
        @Override
        public ByteQuantity convert(String value) {
            return value.equals("auto") ? new ByteQuantity(OptionalLong.empty())
                    : new ByteQuantity(OptionalLong.of(parse(value, 4L << 10, 1L << 30, ", nor the word auto")));
        }
    }

    /** 4Ki to 1Gi. */
    static final class Unsent implements ITypeConverter<ByteQuantity> {
        @Override
        public ByteQuantity convert(String value) {
            return new ByteQuantity(OptionalLong.of(parse(value, 4L << 10, 1L << 30, "")));
        }
    }
}
