package io.sluice.cli.exec;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A port of this machine's 127.0.0.1 that leads into the network of a command.
 *
 * @param outside 1 to 65,535
 * @param inside  the same, of the command's 127.0.0.1
 */
record PublishedPort(int outside, int inside) {

    private static final int LAST = 65_535;

    /** {@code PORT} or {@code PORT:PORT}. */
    static final class Converter implements ITypeConverter<PublishedPort> {
        @Override
        public PublishedPort convert(String value) {
            int colon = value.indexOf(':');
            int outside = port(colon < 0 ? value : value.substring(0, colon), value);
            return new PublishedPort(outside, colon < 0 ? outside : port(value.substring(colon + 1), value));
        }

        private static int port(String text, String value) {
            int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
            if (port < 1 || port > LAST) {
                throw new TypeConversionException(
                        "'" + value + "' is not a port such as 3000, or two such as 8080:3000");
            }
            return port;
        }
    }
}
