package io.sluice.connection;

import java.io.IOException;

/** What {@link Handoff} does with the two sockets of a connection and the kernel's table of connections. */
public interface HandoffSteps {

    /**
     * Sequence numbers of a frozen socket.
     *
     * @param written  of the next byte that this side would send
     * @param received of the next byte that the peer will send
     */
    record Numbers(int written, int received) {}

    /** What a socket has agreed on with its peer. */
    SocketTerms terms(Side side) throws IOException;

    /** Freezes a socket: it sends nothing more, and closing it sends nothing; what comes is still received. */
    Numbers freeze(Side side) throws IOException;

    /** Of a frozen socket: {@link Numbers#received} by now. */
    int received(Side side) throws IOException;

    /** Whether a socket has bytes that nobody has read. */
    boolean hasUnread(Side side) throws IOException;

    /**
     * Makes an entry by which the kernel would translate the packets of both peers into each other's. Until {@link #open} it
     * drops them, so that everything can be taken back: their senders repeat them.
     *
     * @param toBackend added to the client's sequence numbers
     * @param toClient  added to the endpoint's
     * @return {@link HandoffResult#HANDED}, or why not
     */
    HandoffResult install(int toBackend, int toClient) throws IOException;

    /** Lets packets pass by the entry; from now on nothing can be taken back. */
    void open() throws IOException;

    /** Takes the entry back before it was opened: packets meet the sockets again. */
    void uninstall() throws IOException;

    /** Lets a frozen socket go on, without sending anything. */
    void thaw(Side side);
}
