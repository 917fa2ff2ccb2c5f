package io.sluice.source.kubernetes;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The HTTP proxy for a server, from the variables {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY} as kubectl
 * reads them (golang.org/x/net/http/httpproxy): in upper case before lower case, never for this machine itself. Pure.
 */
final class ProxyVariables {

    private ProxyVariables() {}

    /**
     * The proxy on the way to {@code server}; empty for none.
     *
     * @throws IllegalArgumentException if the variable for it cannot be used; the message says why
     */
    static Optional<URI> proxyFor(URI server, Map<String, String> environment) {
        String name = server.getScheme().equals("https") ? "HTTPS_PROXY" : "HTTP_PROXY";
        String value = variable(name, environment);
        String host = server.getHost().toLowerCase(Locale.ROOT).replaceAll("^\\[|]$", "");
        int port = server.getPort() >= 0 ? server.getPort() : server.getScheme().equals("https") ? 443 : 80;
        if (value.isEmpty() || isThisMachine(host)
                || List.of(variable("NO_PROXY", environment).split(",", -1)).stream()
                        .anyMatch(exception -> matches(exception.strip().toLowerCase(Locale.ROOT), host, port))) {
            return Optional.empty();
        }
        return Optional.of(proxy("the variable " + name, value));
    }

    private static String variable(String name, Map<String, String> environment) {
        String upper = environment.getOrDefault(name, "");
        return (upper.isEmpty() ? environment.getOrDefault(name.toLowerCase(Locale.ROOT), "") : upper).strip();
    }

    /**
     * An HTTP proxy with its port.
     *
     * @param name where the value comes from, for the message
     * @throws IllegalArgumentException if {@code value} is no HTTP proxy; the message omits it, as it may contain a password
     */
    static URI proxy(String name, String value) {
        try {
            URI proxy = new URI(value.contains("://") ? value : "http://" + value);
            if ("http".equals(proxy.getScheme()) && proxy.getHost() != null) {
                return proxy.getPort() >= 0
                        ? proxy
                        : new URI("http", proxy.getUserInfo(), proxy.getHost(), 80, null, null, null);
            }
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(wrong(name), e);
        }
        throw new IllegalArgumentException(wrong(name));
    }

    private static String wrong(String name) {
        return name + " has to be an HTTP proxy such as http://10.0.0.1:3128";
    }

    private static boolean isThisMachine(String host) {
        return host.equals("localhost") || address(host).map(InetAddress::isLoopbackAddress).orElse(false);
    }

    /** Matches a range, an address, a domain with its subdomains, or with a leading dot the subdomains alone. */
    private static boolean matches(String exception, String host, int port) {
        if (exception.isEmpty() || exception.equals("*")) {
            return !exception.isEmpty();
        }
        Optional<InetAddress> address = address(host);
        if (exception.indexOf('/') >= 0) {
            try {
                return address.isPresent() && Cidr.parse(exception).contains(address.get());
            } catch (IllegalArgumentException e) {
                return false;
            }
        }
        String wanted = exception;
        if (address(wanted.replaceAll("^\\[|]$", "")).isEmpty()) {
            int colon = wanted.lastIndexOf(':');
            if (colon >= 0) {
                if (!wanted.substring(colon + 1).equals(Integer.toString(port))) {
                    return false;
                }
                wanted = wanted.substring(0, colon);
            }
        }
        wanted = wanted.replaceAll("^\\[|]$", "");
        if (address(wanted).isPresent()) {
            return address(wanted).equals(address);
        }
        String domain = wanted.startsWith("*.") ? wanted.substring(1) : wanted;
        return domain.startsWith(".") ? host.endsWith(domain) : host.equals(domain) || host.endsWith("." + domain);
    }

    private static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(IpAddresses.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
