package io.sluice.service;

/**
 * Source ports of connections that are made with a client's address ({@code sluice.io/preserve-source}). The data path binds
 * them, and the rules that bring replies back recognize such connections by them, so that both have to know the same ports.
 *
 * @param first lowest port, above those that Linux chooses by itself ({@code net.ipv4.ip_local_port_range})
 * @param last  highest port, included
 */
public record SourcePortRange(int first, int last) {

    /** The range in use; the kernel takes no range in a rule that ends with 65,535. */
    public static final SourcePortRange PRESERVED = new SourcePortRange(61_440, 65_534);

    /** The number of ports. */
    public int size() {
        return last - first + 1;
    }

    /** Each of them in turn, over and over: the port for connection {@code number}, which may overflow. */
    public int port(int number) {
        return first + Math.floorMod(number, size());
    }
}
