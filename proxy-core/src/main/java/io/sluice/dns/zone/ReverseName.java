package io.sluice.dns.zone;

import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.xbill.DNS.Name;

/** The address, or the first part of one, in a name of a reverse zone. Pure. */
final class ReverseName {

    private ReverseName() {}

    /** Whether all addresses below {@code name} are in one of {@code ranges}. */
    static boolean inside(Name name, List<Cidr> ranges) {
        if (ranges.isEmpty()) {
            return false;
        }
        boolean v4 = name.subdomain(DomainNames.IPV4_REVERSE);
        int labels = Math.min(name.labels() - 3, v4 ? 4 : 32);
        byte[] octets = new byte[v4 ? 4 : 16];
        for (int i = 0; i < labels; i++) {
            String label = name.getLabelString(name.labels() - 4 - i);
            int digit = digit(label, v4 ? 10 : 16, v4 ? 255 : 15);
            if (digit < 0) {
                return false;
            }
            octets[v4 ? i : i / 2] |= (byte) (v4 || i % 2 == 1 ? digit : digit << 4);
        }
        InetAddress first = address(octets);
        int bits = labels * (v4 ? 8 : 4);
        return ranges.stream().anyMatch(range -> range.prefixLength() <= bits && range.contains(first));
    }

    private static int digit(String label, int radix, int max) {
        try {
            int digit = Integer.parseInt(label, radix);
            return digit >= 0 && digit <= max ? digit : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static InetAddress address(byte[] octets) {
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
