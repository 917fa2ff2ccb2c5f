package io.sluice.service;

/**
 * Ports from which connections in a client's name leave ({@code sluice.io/preserve-source}). The data path takes them, and
 * the rules that bring replies back tell such connections by them, so that both have to know the same ports.
 *
 * @param first lowest port, above those that Linux chooses by itself ({@code net.ipv4.ip_local_port_range})
 * @param last  highest port, included
 */
public record SourcePortRange(int first, int last) {

    /** The one that is used; the kernel takes no range in a rule that ends with 65,535. */
    public static final SourcePortRange PRESERVED = new SourcePortRange(61_440, 65_534);

    /** How many ports. */
    public int size() {
        return last - first + 1;
    }

    /** Each of them in turn, over and over: the port for connection {@code number}, which may overflow. */
    public int port(int number) {
        return first + Math.floorMod(number, size());
    }
}
