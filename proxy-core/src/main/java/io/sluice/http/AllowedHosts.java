package io.sluice.http;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The host names for which views are served. A web page could read a server on loopback if a name of its own site resolves to
 * 127.0.0.1 (DNS rebinding): to the browser both are one site, and only {@code Host} shows the name. IP addresses are always
 * allowed, because no other site has our address as its name; so are {@code localhost} and names below it (RFC 6761, 6.3).
 * Immutable; any thread.
 */
public final class AllowedHosts {

    private static final String ANY = "*";
    private static final String BELOW = "*.";

    private final List<String> names;
    private final String setting;

    /**
     * Allows {@code names} besides IP addresses and localhost.
     *
     * @param names   each {@code node.example}, {@code *.example} for every name below, or {@code *} for every
     *                {@code Host}; upper and lower case are the same
     * @param setting the setting that has the names, for messages
     * @throws IllegalArgumentException if one is none of these; the message says why
     */
    public AllowedHosts(Collection<String> names, String setting) {
        List<String> all = new ArrayList<>(List.of("localhost", BELOW + "localhost"));
        names.forEach(name -> all.add(checked(name)));
        this.names = List.copyOf(all);
        this.setting = setting;
    }

    /**
     * An entry in the form in which it is compared.
     *
     * @throws IllegalArgumentException if it is not an entry; the message says why
     */
    public static String checked(String entry) {
        String lower = entry.toLowerCase(Locale.ROOT);
        String name = lower.endsWith(".") && !lower.equals(BELOW) ? lower.substring(0, lower.length() - 1) : lower;
        if (HostHeader.parse(lower) instanceof HostHeader.Literal
                || HostHeader.parse("[" + lower + "]") instanceof HostHeader.Literal) {
            throw new IllegalArgumentException("'" + entry + "' is an IP address: these are allowed anyway");
        }
        if (!name.equals(ANY) && !HostHeader.isName(name.startsWith(BELOW) ? name.substring(2) : name)) {
            throw new IllegalArgumentException(
                    "'" + entry + "' is not a host name like node-1.example.com, *.example.com or * (no port)");
        }
        return name;
    }

    /** Whether {@code name} can be an entry. */
    public static boolean isName(String name) {
        return HostHeader.isName(name.toLowerCase(Locale.ROOT));
    }

    /**
     * Why a request is refused.
     *
     * @param status  of HTTP
     * @param message for the client
     */
    record Refusal(int status, String message) {}

    /**
     * The reason to refuse a request; empty if it is allowed.
     *
     * @param hosts    every {@code Host} of the request
     * @param absolute the authority of its target, if that is a whole URL
     * @param required whether HTTP requires a {@code Host}, as 1.1 does and 1.0 does not; browsers always send it
     */
    Optional<Refusal> refusal(Collection<String> hosts, Optional<String> absolute, boolean required) {
        if (names.contains(ANY)) {
            return Optional.empty();
        }
        if (hosts.size() > 1) {
            return Optional.of(new Refusal(400, "the request has more than one header Host"));
        }
        if (hosts.isEmpty() && required) {
            return Optional.of(new Refusal(400, "the request has no header Host"));
        }
        List<String> all = new ArrayList<>(hosts);
        absolute.ifPresent(all::add);
        return all.stream().map(HostHeader::parse).map(this::refusal).flatMap(Optional::stream).findFirst();
    }

    private Optional<Refusal> refusal(HostHeader host) {
        return switch (host) {
            case HostHeader.Literal literal -> Optional.empty();
            case HostHeader.Malformed malformed -> Optional.of(new Refusal(400,
                    "the header Host is neither a host name nor an IP address"));
            case HostHeader.Name(String name) -> allows(name)
                    ? Optional.empty()
                    : Optional.of(new Refusal(403, "the name " + name + " is not allowed here: ask by IP address, by "
                            + String.join(", ", names) + ", or allow the name with " + setting));
        };
    }

    private boolean allows(String name) {
        return names.stream().anyMatch(allowed -> allowed.startsWith(BELOW)
                ? name.endsWith(allowed.substring(1)) && name.length() > allowed.length() - 1
                : name.equals(allowed));
    }
}
