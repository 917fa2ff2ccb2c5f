package io.sluice.service;

/**
 * Source ports of connections that are made with a client's address ({@code sluice.io/preserve-source}). None is one that an
 * operating system chooses by itself, as the client may be connected to the endpoint directly.
 *
 * @param first lowest port
 * @param last  highest port, included
 */
public record SourcePortRange(int first, int last) {

    /**
     * Where rules bring replies back, they recognize such connections by these ports: as few as possible, because they take
     * for theirs what a client that has changed {@code net.ipv4.ip_local_port_range} receives. Linux chooses up to 60,999. The
     * kernel takes no range in a rule that ends with 65,535.
     */
    public static final SourcePortRange ROUTED = new SourcePortRange(61_440, 65_534);

    /**
     * Where the kernel finds a reply's socket by all of its addresses: below node ports and those that Linux (from 32,768),
     * Windows and the BSDs (from 49,152) choose, and above those whose datagrams are taken for reflected attacks.
     */
    public static final SourcePortRange INTERCEPTED = new SourcePortRange(12_288, 29_999);

    /** The number of ports. */
    public int size() {
        return last - first + 1;
    }

    /** Whether {@code port} is one of them. */
    public boolean contains(int port) {
        return port >= first && port <= last;
    }

    /** Each of them in turn, over and over: the port for connection {@code number}, which may overflow. */
    public int port(int number) {
        return first + Math.floorMod(number, size());
    }
}
