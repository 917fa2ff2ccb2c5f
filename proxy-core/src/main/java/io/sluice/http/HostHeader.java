package io.sluice.http;

import io.sluice.service.IpAddresses;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The header {@code Host}, or the authority of an absolute request target (RFC 9112, 3.2): the host that the client asks.
 * Any port is accepted: a forwarded port has another number.
 */
sealed interface HostHeader {

    /** An address: no name was resolved, so no resolver can have given a false answer. */
    record Literal() implements HostHeader {}

    /**
     * A name.
     *
     * @param name in lower case, without a dot at the end
     */
    record Name(String name) implements HostHeader {}

    /** Neither a name nor an address: no browser sends that. */
    record Malformed() implements HostHeader {}

    /** The longest DNS name, RFC 1035. */
    int LONGEST_NAME = 253;
    /** Labels of letters, digits, hyphens, and underscores, which some resolvers accept. */
    Pattern NAME = Pattern.compile("[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*");
    /** A scope of an IPv6 address (RFC 4007, 11), also with its sign encoded (RFC 6874). */
    Pattern ZONE = Pattern.compile("%(25)?[A-Za-z0-9._~-]+$");
    Pattern PORT = Pattern.compile("[0-9]{0,5}");

    /** Reads {@code host}, {@code host:port}, {@code [v6]} or {@code [v6]:port}. */
    static HostHeader parse(String text) {
        int bracket = text.startsWith("[") ? text.indexOf(']') : -1;
        int colon = text.indexOf(':', Math.max(bracket, 0));
        String host = colon < 0 ? text : text.substring(0, colon);
        String port = colon < 0 ? "" : text.substring(colon + 1);
        if (!PORT.matcher(port).matches() || !port.isEmpty() && Integer.parseInt(port) > 65_535) {
            return new Malformed();
        }
        if (bracket >= 0) {
            String address = ZONE.matcher(host.substring(1, Math.min(bracket, host.length()))).replaceFirst("");
            return host.endsWith("]") && address.indexOf(':') >= 0 && isAddress(address)
                    ? new Literal()
                    : new Malformed();
        }
        String name = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
        if (isAddress(name)) {
            return new Literal();
        }
        String lower = name.toLowerCase(Locale.ROOT);
        return isName(lower) ? new Name(lower) : new Malformed();
    }

    /** Whether {@code text} is a name, in lower case and without a dot at the end. */
    static boolean isName(String text) {
        return text.length() <= LONGEST_NAME && NAME.matcher(text).matches() && !endsInNumber(text);
    }

    /** A browser takes such a host for an IPv4 address and sends it as four numbers (WHATWG URL, "ends in a number"). */
    private static boolean endsInNumber(String text) {
        String last = text.substring(text.lastIndexOf('.') + 1);
        return last.chars().allMatch(c -> c >= '0' && c <= '9') || last.startsWith("0x");
    }

    private static boolean isAddress(String text) {
        try {
            IpAddresses.parse(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
