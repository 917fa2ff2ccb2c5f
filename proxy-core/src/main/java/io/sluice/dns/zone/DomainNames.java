package io.sluice.dns.zone;

import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Name;
import org.xbill.DNS.TextParseException;

/** Names made of Kubernetes' words and of addresses, in lower case. Pure. */
public final class DomainNames {

    static final Name IPV4_REVERSE = Name.fromConstantString("in-addr.arpa.");
    static final Name IPV6_REVERSE = Name.fromConstantString("ip6.arpa.");

    private static final int MAX_LABEL = 63;
    private static final int MAX_NAME = 255;
    private static final String HEX = "0123456789abcdef";

    private DomainNames() {}

    /** {@code label.parent}, where a dot in {@code label} is an octet like any other; null if it would be too long. */
    static @Nullable Name child(String label, Name parent) {
        byte[] octets = label.toLowerCase(Locale.ROOT).getBytes(StandardCharsets.UTF_8);
        if (octets.length == 0 || octets.length > MAX_LABEL || parent.length() + octets.length + 1 > MAX_NAME) {
            return null;
        }
        byte[] rest = parent.toWire();
        byte[] wire = new byte[1 + octets.length + rest.length];
        wire[0] = (byte) octets.length;
        System.arraycopy(octets, 0, wire, 1, octets.length);
        System.arraycopy(rest, 0, wire, 1 + octets.length, rest.length);
        return ofWire(wire);
    }

    /** {@link #child} for labels that are known to be short. */
    static Name fixedChild(String label, Name parent) {
        Name name = child(label, parent);
        if (name == null) {
            throw new IllegalArgumentException(label + '.' + parent + " is too long");
        }
        return name;
    }

    /** The name {@code text}, with or without a dot at the end; null if it is not a name. */
    public static @Nullable Name absolute(String text) {
        try {
            return text.isEmpty() ? null : Name.fromString(text.toLowerCase(Locale.ROOT), Name.root);
        } catch (TextParseException e) {
            return null;
        }
    }

    /** Whether {@code text} is an IP address and no name, even with a dot at the end. */
    static boolean isAddress(String text) {
        try {
            IpAddresses.parse(text.endsWith(".") ? text.substring(0, text.length() - 1) : text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** The name of the PTR record of {@code address} (RFC 1035 §3.5, RFC 3596 §2.5). */
    static Name reverse(InetAddress address) {
        byte[] octets = address.getAddress();
        StringBuilder wire = new StringBuilder(74);
        for (int i = octets.length - 1; i >= 0; i--) {
            int octet = octets[i] & 0xff;
            if (octets.length == 4) {
                String label = Integer.toString(octet);
                wire.append((char) label.length()).append(label);
            } else {
                wire.append('\1').append(HEX.charAt(octet & 15)).append('\1').append(HEX.charAt(octet >> 4));
            }
        }
        byte[] labels = wire.toString().getBytes(StandardCharsets.ISO_8859_1);
        byte[] zone = (octets.length == 4 ? IPV4_REVERSE : IPV6_REVERSE).toWire();
        byte[] name = new byte[labels.length + zone.length];
        System.arraycopy(labels, 0, name, 0, labels.length);
        System.arraycopy(zone, 0, name, labels.length, zone.length);
        return ofWire(name);
    }

    /** The label of an endpoint without a hostname: its address with dashes, as CoreDNS writes it. */
    static String addressLabel(InetAddress address) {
        String label = IpAddresses.format(address).replace('.', '-').replace(':', '-');
        return label.endsWith("-") ? label + '0' : label;
    }

    /** The address that a Pod's label spells: three dashes and no two in a row are IPv4; null if it spells none. */
    static @Nullable InetAddress addressOf(String label) {
        boolean v4 = !label.contains("--") && label.chars().filter(c -> c == '-').count() == 3;
        try {
            InetAddress address = IpAddresses.parse(label.replace('-', v4 ? '.' : ':'));
            return (IpFamily.of(address) == IpFamily.IPV4) == v4 ? address : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static Name ofWire(byte[] wire) {
        try {
            return new Name(wire);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
