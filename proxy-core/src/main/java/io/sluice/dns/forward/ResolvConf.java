package io.sluice.dns.forward;

import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Files in the form of resolv.conf(5). Pure. */
public final class ResolvConf {

    private static final int DNS_PORT = 53;

    private ResolvConf() {}

    /**
     * The name servers that {@code file} names; other lines are skipped. Comments may be in any encoding that
     * contains ASCII.
     */
    public static List<InetSocketAddress> nameservers(byte[] file) {
        List<InetSocketAddress> found = new ArrayList<>();
        for (String line : new String(file, StandardCharsets.ISO_8859_1).lines().toList()) {
            String[] words = line.strip().split("\\s+", -1);
            if (words.length >= 2 && words[0].equals("nameserver")) {
                address(words[1]).ifPresent(ip -> found.add(new InetSocketAddress(ip, DNS_PORT)));
            }
        }
        return found;
    }

    /** Empty for a name, and for an address whose interface does not exist yet. */
    private static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(IpAddresses.parseZoned(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
