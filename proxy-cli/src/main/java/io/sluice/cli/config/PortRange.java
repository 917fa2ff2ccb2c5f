package io.sluice.cli.config;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Ports from {@code first} to {@code last}, both included.
 *
 * @param first at least 1
 * @param last  at least {@code first}, at most 65,535
 */
public record PortRange(int first, int last) {

    private static final Pattern TEXT = Pattern.compile("(\\d{1,5})-(\\d{1,5})");

    @Override
    public String toString() {
        return first + "-" + last;
    }

    /** Reads {@code 30000-32767}. */
    static final class Converter implements ITypeConverter<PortRange> {
        @Override
        public PortRange convert(String value) {
            Matcher text = TEXT.matcher(value);
            if (text.matches()) {
                int first = Integer.parseInt(text.group(1));
                int last = Integer.parseInt(text.group(2));
                if (first >= 1 && first <= last && last <= 65_535) {
                    return new PortRange(first, last);
                }
            }
            throw new TypeConversionException("'" + value + "' is not a port range like 30000-32767");
        }
    }
}
