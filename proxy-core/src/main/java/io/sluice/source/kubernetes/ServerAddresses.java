package io.sluice.source.kubernetes;

import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** The addresses of the URL of an API server. */
final class ServerAddresses {

    private ServerAddresses() {}

    /** The address of a URL whose host is an address; empty if the host is a name. Resolves nothing. */
    static Set<InetSocketAddress> written(String url) {
        URI server = URI.create(url);
        try {
            return Set.of(new InetSocketAddress(IpAddresses.parse(host(server)), port(server)));
        } catch (IllegalArgumentException e) {
            return Set.of();
        }
    }

    /**
     * The addresses of any URL; a name is resolved, which may take seconds.
     *
     * @throws UnknownHostException if the name cannot be resolved now
     */
    static Set<InetSocketAddress> lookUp(String url) throws UnknownHostException {
        URI server = URI.create(url);
        return Arrays.stream(InetAddress.getAllByName(host(server)))
                .map(address -> new InetSocketAddress(address, port(server))).collect(Collectors.toSet());
    }

    private static String host(URI server) {
        String host = server.getHost() == null ? "" : server.getHost();
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private static int port(URI server) {
        return server.getPort() >= 0 ? server.getPort() : "http".equals(server.getScheme()) ? 80 : 443;
    }
}
