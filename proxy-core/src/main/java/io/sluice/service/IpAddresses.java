package io.sluice.service;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.regex.Pattern;

/** Parsing, printing and ordering of IP addresses; never asks a name server. */
public final class IpAddresses {

    /** IPv4 before IPv6, then by the address's octets as unsigned numbers. */
    public static final Comparator<InetAddress> ORDER = (a, b) -> {
        byte[] left = a.getAddress();
        byte[] right = b.getAddress();
        return left.length != right.length
                ? Integer.compare(left.length, right.length)
                : Arrays.compareUnsigned(left, right);
    };

    /** Leading zeros of an octet after a point or a colon, or at the beginning; one zero may stay. */
    private static final Pattern LEADING_ZEROS = Pattern.compile("(?<![0-9a-fA-F])0+(\\d+)(?=\\.|$|/)");

    /** What an IPv4-mapped address has before its last four octets. */
    private static final long MAPPED = 0xFFFF;

    private IpAddresses() {}

    /**
     * The address whose octets are these two halves, in network byte order; an IPv4-mapped one is the IPv4 address that it stands
     * for (RFC 4291, 2.5.5.2). Thread-safe.
     *
     * @param scope the number of the interface of a link-local IPv6 address; 0 for none
     */
    public static InetAddress of(long high, long low, int scope) {
        boolean ipv4 = high == 0 && low >>> Integer.SIZE == MAPPED;
        byte[] octets = (ipv4
                ? ByteBuffer.allocate(Integer.BYTES).putInt((int) low)
                : ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low)).array();
        try {
            return ipv4 || scope == 0
                    ? InetAddress.getByAddress(octets)
                    : Inet6Address.getByAddress(null, octets, scope);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 octets", e);
        }
    }

    /**
     * Reads an address in its strict text form: dotted decimal without leading zeros, or RFC 4291 text without a zone.
     * An IPv4-mapped address is the IPv4 address that it stands for, as in Kubernetes.
     *
     * @throws IllegalArgumentException if {@code text} is not such an address; the message names it
     */
    public static InetAddress parse(String text) {
        if (text.indexOf('%') >= 0 || text.indexOf('[') >= 0 || hasLeadingZeroOctet(text)) {
            throw new IllegalArgumentException("'" + text + "' is not an IP address");
        }
        try {
            InetAddress address = InetAddress.ofLiteral(text);
            boolean dotted = text.indexOf(':') < 0;
            if (dotted && text.chars().filter(c -> c == '.').count() != 3) {
                throw new IllegalArgumentException("'" + text + "' is not an IP address");
            }
            return address;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not an IP address", e);
        }
    }

    /**
     * Reads an address as {@link #parse} does; a link-local IPv6 address may have a zone, the name or the number of an
     * interface (RFC 4007 §11): {@code fe80::1%eth0}.
     *
     * @throws IllegalArgumentException if {@code text} is not such an address, or the interface is not there
     */
    public static InetAddress parseZoned(String text) {
        int percent = text.indexOf('%');
        if (percent < 0) {
            return parse(text);
        }
        InetAddress address = parse(text.substring(0, percent));
        if (!(address instanceof Inet6Address) || !address.isLinkLocalAddress()) {
            throw new IllegalArgumentException("'" + text + "' is not an IP address: only link-local ones have a zone");
        }
        String zone = text.substring(percent + 1);
        try {
            NetworkInterface named = NetworkInterface.getByName(zone);
            int number = named == null ? Integer.parseInt(zone) : named.getIndex();
            return Inet6Address.getByAddress(null, address.getAddress(), number);
        } catch (IOException | NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' names no interface of this machine", e);
        }
    }

    /**
     * Reads an address as every part of Kubernetes reads a stored one: octets with leading zeros are decimal. The API server
     * refuses them in new objects and keeps them in old ones (KEP-4858).
     *
     * @throws IllegalArgumentException if {@code text} is not such an address; the message names it
     */
    public static InetAddress parseStored(String text) {
        return parse(withoutLeadingZeros(text));
    }

    static String withoutLeadingZeros(String text) {
        return hasLeadingZeroOctet(text) ? LEADING_ZEROS.matcher(text).replaceAll("$1") : text;
    }

    /** Some programs read such an octet as octal: the same text would be two addresses (CVE-2021-29923). */
    private static boolean hasLeadingZeroOctet(String text) {
        String dotted = text.substring(text.lastIndexOf(':') + 1);
        if (dotted.indexOf('.') < 0) {
            return false;
        }
        for (String part : dotted.split("\\.", -1)) {
            if (part.length() > 1 && part.charAt(0) == '0') {
                return true;
            }
        }
        return false;
    }

    /** The shortest usual text: dotted decimal, or RFC 5952 (lower case, longest run of zeros as {@code ::}). */
    public static String format(InetAddress address) {
        byte[] octets = address.getAddress();
        return octets.length == 4 ? formatV4(octets) : formatV6(octets);
    }

    /** {@code ip:port}, with an IPv6 address in brackets. */
    public static String format(InetAddress address, int port) {
        String ip = format(address);
        return ip.indexOf(':') >= 0 ? '[' + ip + "]:" + port : ip + ':' + port;
    }

    /** The same, with the zone of a link-local address if it has one. */
    public static String formatZoned(InetAddress address, int port) {
        String text = format(address, port);
        int zone = address instanceof Inet6Address v6 ? v6.getScopeId() : 0;
        return zone == 0 ? text : text.replace("]", '%' + nameOf(zone) + ']');
    }

    private static String nameOf(int zone) {
        try {
            NetworkInterface named = NetworkInterface.getByIndex(zone);
            return named == null ? Integer.toString(zone) : named.getName();
        } catch (SocketException e) {
            return Integer.toString(zone);
        }
    }

    private static String formatV4(byte[] octets) {
        return (octets[0] & 0xff) + "." + (octets[1] & 0xff) + "." + (octets[2] & 0xff) + "." + (octets[3] & 0xff);
    }

    private static String formatV6(byte[] octets) {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (octets[2 * i] & 0xff) << 8 | octets[2 * i + 1] & 0xff;
        }
        int longestStart = -1;
        int longestLength = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - i > longestLength) {
                longestStart = i;
                longestLength = end - i;
            }
            i = Math.max(i, end);
        }
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == longestStart) {
                text.append("::");
                i += longestLength - 1;
                continue;
            }
            if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(groups[i]));
        }
        return text.toString();
    }
}
