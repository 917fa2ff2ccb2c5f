package io.sluice.cli.config;

import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The address of an admin server.
 *
 * @param address empty to switch the server off
 */
record BindAddress(Optional<InetSocketAddress> address) {

    /** The notation in which it is read; empty for off. */
    @Override
    public String toString() {
        return address.map(a -> IpAddresses.format(a.getAddress(), a.getPort())).orElse("");
    }

    /**
     * Reads {@code ip:port}, {@code [ip]:port} or {@code :port} (every address); the empty text is off.
     *
     * @throws TypeConversionException if {@code text} is neither; the message names it
     */
    static BindAddress parse(String text) {
        if (text.isEmpty()) {
            return new BindAddress(Optional.empty());
        }
        int colon = text.lastIndexOf(':');
        try {
            if (colon >= 0) {
                int port = Integer.parseInt(text.substring(colon + 1));
                if (port >= 0 && port <= 65_535) {
                    return new BindAddress(
                            Optional.of(new InetSocketAddress(host(text.substring(0, colon)), port)));
                }
            }
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(complaint(text));
        }
        throw new TypeConversionException(complaint(text));
    }

    private static InetAddress host(String text) {
        if (text.isEmpty()) {
            return IpAddresses.parse("0.0.0.0");
        }
        boolean bracketed = text.startsWith("[") && text.endsWith("]");
        if (bracketed == text.indexOf(':') < 0) {
            throw new IllegalArgumentException("brackets belong to IPv6 addresses, and only to them");
        }
        return IpAddresses.parseZoned(bracketed ? text.substring(1, text.length() - 1) : text);
    }

    private static String complaint(String text) {
        return "'" + text + "' is not an address like 127.0.0.1:10249, [::1]:10249 or :10249 (empty switches it off)";
    }

    /** For picocli. */
    static final class Converter implements ITypeConverter<BindAddress> {
        @Override
        public BindAddress convert(String value) {
            return parse(value);
        }
    }
}
