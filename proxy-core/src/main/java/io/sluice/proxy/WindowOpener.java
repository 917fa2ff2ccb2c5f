package io.sluice.proxy;

import io.sluice.linux.RawAcknowledgements;
import io.sluice.linux.SocketName;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.TcpCalls;
import io.sluice.linux.TcpTerms;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells peers that found the window closed how much they may send, so that no byte is with the proxy when it hands a
 * connection to the kernel. A peer that does not hear it asks by itself after a moment (the persist timer, RFC 9293 3.8.6.1).
 * Lives on an event loop.
 */
final class WindowOpener implements Closeable {

    private static final Logger LOG = LoggerFactory.getLogger(WindowOpener.class);

    /** What a peer may send before the other or the proxy says more: less than any socket here takes. */
    private static final int FIRST_BYTES = 32 * 1024;
    private static final int LARGEST_FIELD = 0xffff;

    private final TcpCalls calls;
    private final RawAcknowledgements ofSockets;
    private final RawAcknowledgements onTheWire;
    private final int ownMark;
    private final int hushed;
    private final SocketName name = new SocketName();

    private WindowOpener(TcpCalls calls, RawAcknowledgements ofSockets, RawAcknowledgements onTheWire, int ownMark,
            int hushed) {
        this.calls = calls;
        this.ofSockets = ofSockets;
        this.onTheWire = onTheWire;
        this.ownMark = ownMark;
        this.hushed = hushed;
    }

    static WindowOpener open(TcpCalls calls, int ownMark, HandoffMarks marks) throws IOException {
        RawAcknowledgements ofSockets = RawAcknowledgements.open(calls, ownMark);
        try {
            return new WindowOpener(calls, ofSockets, RawAcknowledgements.open(calls, ownMark | marks.untracked()),
                    ownMark, ownMark | marks.hushed());
        } catch (IOException e) {
            ofSockets.close();
            throw e;
        }
    }

    /** The mark (SO_MARK) of a socket to an endpoint that is to find the window closed. */
    int hushed() {
        return hushed;
    }

    /** Opens the window of a socket that had {@link #hushed} and stays with the proxy. */
    void openHushed(int fd, InetSocketAddress endpoint) {
        try {
            calls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK, ownMark);
        } catch (IOException e) {
            LOG.debug("a socket is gone: {}", e.getMessage());
        }
        open(fd, endpoint);
    }

    /** Opens the window of a socket that stays with the proxy. */
    void open(int fd, InetSocketAddress peer) {
        try {
            TcpTerms terms = calls.terms(fd);
            if (!terms.established()) {
                return;
            }
            int written = calls.freeze(fd);
            int received = calls.received(fd);
            calls.thaw(fd);
            calls.localName(fd, name);
            ofSockets.send(name.toSocketAddress(), peer, written, received, FIRST_BYTES >> terms.ownScale());
        } catch (IOException e) {
            askedFor(peer, e);
        }
    }

    /**
     * Tells a peer of a connection that the kernel has how much the other takes.
     *
     * @param from     the proxy as the peer knows it
     * @param peer     the peer as it is on the wire
     * @param written  the number of the next byte that the proxy would have written to the peer
     * @param received the number of the next byte that it would have received
     * @param other    what the proxy has agreed on with the other
     */
    void openHanded(InetSocketAddress from, InetSocketAddress peer, int written, int received, TcpTerms other) {
        int bytes = other.peerWindowBytes() == 0 ? FIRST_BYTES : other.peerWindowBytes();
        try {
            onTheWire.send(from, peer, written, received, Math.min(LARGEST_FIELD, bytes >> other.peerScale()));
        } catch (IOException e) {
            askedFor(peer, e);
        }
    }

    private static void askedFor(InetSocketAddress peer, IOException e) {
        LOG.debug("{} learns by a probe of its own that it may send: {}", peer, e.getMessage());
    }

    @Override
    public void close() throws IOException {
        try (ofSockets; onTheWire) {
            // Both are closed, whichever fails.
        }
    }
}
