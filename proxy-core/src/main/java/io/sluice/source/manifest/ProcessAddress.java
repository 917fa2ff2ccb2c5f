package io.sluice.source.manifest;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.List;

/**
 * Where one process of a workload is, as a developer writes it: {@code 127.0.0.1:3000}, {@code localhost:3000},
 * {@code [::1]:3000}, {@code 3000} for a port of this machine, or an address alone.
 *
 * @param ips  one address, or one of each family; {@code localhost} is 127.0.0.1
 * @param port where it listens, 1 to 65,535; 0 if at the ports of its containers
 */
public record ProcessAddress(List<InetAddress> ips, int port) {

    /** The most addresses that one workload may have. */
    static final int MAX = 1_000;

    private static final List<InetAddress> LOCALHOST = List.of(IpAddresses.parse("127.0.0.1"));

    public ProcessAddress {
        ips = List.copyOf(ips);
    }

    /**
     * Reads one address; names other than {@code localhost} are not asked for.
     *
     * @throws IllegalArgumentException if {@code text} is none; the message says why, and what may be written
     */
    public static ProcessAddress parse(String text) {
        String host = text;
        String port = "";
        int bracket = text.startsWith("[") ? text.indexOf(']') : -1;
        int colon = text.lastIndexOf(':');
        if (isNumber(text)) {
            host = "";
            port = text;
        } else if (bracket > 0 && (bracket == text.length() - 1 || colon == bracket + 1)) {
            host = text.substring(1, bracket);
            port = colon == bracket + 1 ? text.substring(colon + 1) : "";
            if (host.indexOf(':') < 0) {
                throw noAddress(text);
            }
        } else if (colon >= 0 && colon == text.indexOf(':')) {
            host = text.substring(0, colon);
            port = text.substring(colon + 1);
        }
        if (host.isEmpty() && port.isEmpty() || colon >= 0 && colon == text.length() - 1) {
            throw noAddress(text);
        }
        return new ProcessAddress(ips(host, text), port.isEmpty() ? 0 : port(port, text));
    }

    private static List<InetAddress> ips(String host, String text) {
        if (host.isEmpty() || host.equals("localhost")) {
            return LOCALHOST;
        }
        InetAddress ip;
        try {
            ip = IpAddresses.parse(host);
        } catch (IllegalArgumentException e) {
            throw noAddress(text);
        }
        if (ip.isAnyLocalAddress()) {
            throw new IllegalArgumentException("'" + text + "' cannot be connected to: a program that listens on all"
                    + " addresses is reached at localhost");
        }
        if (ip.isMulticastAddress()) {
            throw new IllegalArgumentException("'" + text + "' cannot be connected to");
        }
        return List.of(ip);
    }

    private static int port(String port, String text) {
        int number = isNumber(port) ? Integer.parseInt(port) : 0;
        if (number < 1 || number > 65_535) {
            throw new IllegalArgumentException("'" + text + "' has no port between 1 and 65535");
        }
        return number;
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.length() <= 6 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static IllegalArgumentException noAddress(String text) {
        return new IllegalArgumentException("'" + text + "' is not an address such as 127.0.0.1:3000, localhost:3000,"
                + " [::1]:3000 or 3000");
    }

    /** Where it listens for a container's port {@code number}. */
    List<EndpointAddress> at(int number) {
        return ips.stream().map(ip -> new EndpointAddress(ip, port == 0 ? number : port)).toList();
    }
}
