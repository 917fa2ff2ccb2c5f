package io.sluice.netlink;

import java.net.InetSocketAddress;

/**
 * A TCP connection that the kernel tracks (conntrack).
 *
 * @param original      as its client sees it
 * @param reply         where replies come from and go to: {@link Tuple#reversed} of {@code original}, unless addresses
 *                      are translated
 * @param mark          the connection's mark
 * @param state         of the connection, as far as the kernel has seen its packets
 * @param timeoutSeconds after which the kernel forgets it unless a packet comes
 * @param fromClient    what the client has sent
 * @param fromBackend   what the other side has sent
 */
public record TrackedConnection(Tuple original, Tuple reply, int mark, State state, long timeoutSeconds,
        Count fromClient, Count fromBackend) {

    /** Whether it has not ended. */
    public boolean isOpen() {
        return state != State.FINISHED && state != State.RESET;
    }

    /** The states of a connection that matter here. */
    public enum State {
        /** Packets go both ways. */
        ESTABLISHED,
        /** One side has finished. */
        HALF_CLOSED,
        /** Both sides have finished, and not all of it is acknowledged. */
        FINISHING,
        /** Both sides have finished. */
        FINISHED,
        /** One side has reset it. */
        RESET
    }

    /**
     * Packets of one side, and their bytes with all headers; both are 0 where the kernel does not count.
     */
    public record Count(long packets, long bytes) {
        /** Nothing. */
        public static final Count NONE = new Count(0, 0);

        /**
         * About the bytes of the stream.
         *
         * @param headerBytes of each packet
         */
        public long payload(int headerBytes) {
            return Math.max(0, bytes - packets * headerBytes);
        }
    }

    /** The two ends of a packet. */
    public record Tuple(InetSocketAddress source, InetSocketAddress destination) {

        /** The tuple of replies. */
        public Tuple reversed() {
            return new Tuple(destination, source);
        }
    }
}
