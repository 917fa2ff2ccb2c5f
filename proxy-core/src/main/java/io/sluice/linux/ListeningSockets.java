package io.sluice.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The ports at which somebody in this network namespace listens at all addresses, as proc(5) tells in {@code /proc/net}: no other
 * program can listen there at any single address. Immutable.
 */
public final class ListeningSockets {

    /** The kernel lists sockets that listen before connections, of which there may be a million. */
    private static final int MAX_LINES = 10_000;
    private static final String TCP_LISTEN = "0A";
    private static final String UDP_UNCONNECTED = "07";

    private final Set<Integer> ipv4;
    private final Set<Integer> ipv6;

    private ListeningSockets(Set<Integer> ipv4, Set<Integer> ipv6) {
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
    }

    /** The present state of TCP; nothing if it cannot be read. */
    public static ListeningSockets ofTcp() {
        return read(Path.of("/proc/net"), "tcp", TCP_LISTEN);
    }

    /** The present state of UDP; nothing if it cannot be read. */
    public static ListeningSockets ofUdp() {
        return read(Path.of("/proc/net"), "udp", UDP_UNCONNECTED);
    }

    static ListeningSockets read(Path directory, String protocol, String state) {
        return new ListeningSockets(ports(directory.resolve(protocol), state),
                ports(directory.resolve(protocol + "6"), state));
    }

    private static Set<Integer> ports(Path file, String state) {
        Set<Integer> ports = new TreeSet<>();
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(Files.newInputStream(file), StandardCharsets.US_ASCII))) {
            String line = lines.readLine(); // the heading
            for (int i = 0; line != null && i < MAX_LINES; i++) {
                String[] fields = line.strip().split("\\s+", 5);
                if (fields.length > 3 && fields[3].equals(state) && fields[1].matches("0+:[0-9A-F]{4}")) {
                    ports.add(Integer.parseInt(fields[1].substring(fields[1].indexOf(':') + 1), 16));
                }
                line = lines.readLine();
            }
        } catch (IOException e) {
            return Set.of(); // not Linux, or no /proc
        }
        return ports;
    }

    /**
     * What takes {@code port} from every address of a family: {@code 0.0.0.0:8080} or {@code [::]:8080}, which takes it from IPv4
     * addresses too unless its program wants otherwise; empty if nothing does.
     *
     * @param forIpv6 whether the address is an IPv6 one
     */
    public Optional<String> atAllAddresses(int port, boolean forIpv6) {
        return !forIpv6 && ipv4.contains(port)
                ? Optional.of("0.0.0.0:" + port)
                : ipv6.contains(port) ? Optional.of("[::]:" + port) : Optional.empty();
    }
}
