package io.sluice.service;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A range of IP addresses, {@code network/prefixLength}; bits of {@code network} beyond the prefix are zero.
 *
 * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
 */
public record Cidr(InetAddress network, int prefixLength) {

    /** Bits of an IPv4-mapped IPv6 address before the IPv4 address: RFC 4291. */
    private static final int MAPPED_BITS = 96;
    private static final Pattern MAPPED = Pattern.compile("(?i)::ffff:(\\d+\\.\\d+\\.\\d+\\.\\d+)/(\\d{1,3})");

    public Cidr {
        int bits = network.getAddress().length * 8;
        if (prefixLength < 0 || prefixLength > bits) {
            throw new IllegalArgumentException("prefix length " + prefixLength + " is not between 0 and " + bits);
        }
        network = mask(network, prefixLength);
    }

    /**
     * Reads {@code address/prefix}; a bare address means that single address.
     *
     * @throws IllegalArgumentException if {@code text} is neither; the message names it
     */
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        try {
            if (slash < 0) {
                InetAddress address = IpAddresses.parse(text);
                return new Cidr(address, address.getAddress().length * 8);
            }
            return new Cidr(IpAddresses.parse(text.substring(0, slash)), prefixLength(text.substring(slash + 1)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not an address range like 10.96.0.0/12", e);
        }
    }

    /**
     * Reads a range as Kubernetes reads a stored one: see {@link IpAddresses#parseStored}. A range of IPv4-mapped addresses
     * is the IPv4 range that it stands for.
     *
     * @throws IllegalArgumentException if {@code text} is not such a range; the message names it
     */
    public static Cidr parseStored(String text) {
        String decimal = IpAddresses.withoutLeadingZeros(text);
        Matcher mapped = MAPPED.matcher(decimal);
        return parse(mapped.matches()
                ? mapped.group(1) + "/" + (Integer.parseInt(mapped.group(2)) - MAPPED_BITS)
                : decimal);
    }

    private static int prefixLength(String digits) {
        int length = Integer.parseInt(digits);
        if (!Integer.toString(length).equals(digits)) {
            throw new IllegalArgumentException("'" + digits + "' has a sign or leading zeros");
        }
        return length;
    }

    /** Whether {@code address} is of this range's family and inside it. */
    public boolean contains(InetAddress address) {
        byte[] mine = network.getAddress();
        byte[] other = address.getAddress();
        if (mine.length != other.length) {
            return false;
        }
        int whole = prefixLength / 8;
        for (int i = 0; i < whole; i++) {
            if (mine[i] != other[i]) {
                return false;
            }
        }
        int rest = prefixLength % 8;
        return rest == 0 || (mine[whole] & 0xff) >> 8 - rest == (other[whole] & 0xff) >> 8 - rest;
    }

    /** The family of this range. */
    public IpFamily family() {
        return IpFamily.of(network);
    }

    /** How many addresses the range has, network and broadcast address included. */
    public BigInteger size() {
        return BigInteger.ONE.shiftLeft(network.getAddress().length * 8 - prefixLength);
    }

    /**
     * The address at {@code offset} from the network address.
     *
     * @throws IllegalArgumentException if {@code offset} is negative or outside the range
     */
    public InetAddress address(BigInteger offset) {
        if (offset.signum() < 0 || offset.compareTo(size()) >= 0) {
            throw new IllegalArgumentException("offset " + offset + " is outside " + this);
        }
        byte[] base = network.getAddress();
        byte[] sum = new BigInteger(1, base).add(offset).toByteArray();
        byte[] octets = new byte[base.length];
        int length = Math.min(sum.length, octets.length);
        System.arraycopy(sum, sum.length - length, octets, octets.length - length, length);
        return ofOctets(octets);
    }

    /** {@code network/prefixLength}. */
    @Override
    public String toString() {
        return IpAddresses.format(network) + '/' + prefixLength;
    }

    private static InetAddress mask(InetAddress address, int prefixLength) {
        byte[] octets = address.getAddress();
        for (int i = 0; i < octets.length; i++) {
            int keep = Math.clamp(prefixLength - 8L * i, 0, 8);
            octets[i] = (byte) (octets[i] & 0xff << 8 - keep);
        }
        return ofOctets(octets);
    }

    private static InetAddress ofOctets(byte[] octets) {
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
