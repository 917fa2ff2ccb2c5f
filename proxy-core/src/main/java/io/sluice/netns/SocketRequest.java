package io.sluice.netns;

import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import java.net.InetSocketAddress;
import java.util.Locale;

/** A socket that the daemon requests from a namespace, and its text in the protocol, {@code tcp 10.96.0.1 80}. */
public record SocketRequest(Protocol protocol, InetSocketAddress address) {

    /** The line that says that all requests so far are fulfilled. */
    static final String READY = "ready";

    /** The length of the longest line. */
    static final int MAX_LINE = 128;

    /** The line of the request, without a line feed. */
    String line() {
        return protocol.name().toLowerCase(Locale.ROOT) + ' ' + IpAddresses.format(address.getAddress()) + ' '
                + address.getPort();
    }

    /** @throws IllegalArgumentException if {@code line} is not one of {@link #line} */
    static SocketRequest parse(String line) {
        String[] words = line.split(" ", -1);
        if (words.length != 3) {
            throw new IllegalArgumentException("'" + line + "' is not understood");
        }
        return new SocketRequest(Protocol.valueOf(words[0].toUpperCase(Locale.ROOT)),
                new InetSocketAddress(IpAddresses.parse(words[1]), Integer.parseInt(words[2])));
    }
}
