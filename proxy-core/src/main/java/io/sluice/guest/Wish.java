package io.sluice.guest;

import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import java.net.InetSocketAddress;
import java.util.Locale;

/** A socket that a guest is asked for; also how it is written on the way, {@code tcp 10.96.0.1 80}. */
record Wish(Protocol protocol, InetSocketAddress address) {

    /** The line that says that all wishes so far are fulfilled. */
    static final String READY = "ready";

    /** Longer lines do not occur. */
    static final int MAX_LINE = 128;

    /** Without the end of the line. */
    String line() {
        return protocol.name().toLowerCase(Locale.ROOT) + ' ' + IpAddresses.format(address.getAddress()) + ' '
                + address.getPort();
    }

    /** @throws IllegalArgumentException if {@code line} is not one of {@link #line} */
    static Wish parse(String line) {
        String[] words = line.split(" ", -1);
        if (words.length != 3) {
            throw new IllegalArgumentException("'" + line + "' is not understood");
        }
        return new Wish(Protocol.valueOf(words[0].toUpperCase(Locale.ROOT)),
                new InetSocketAddress(IpAddresses.parse(words[1]), Integer.parseInt(words[2])));
    }
}
