package io.sluice.connection;

import java.io.IOException;

/**
 * Hands a connection to the kernel, with a way back: from then on a packet of either peer becomes one of the other's by
 * address translation, and its sequence numbers are moved by as much as the two sockets were apart. No byte is lost, because
 * nothing is handed over while a byte is with the proxy: neither unread, nor unsent, nor unacknowledged.
 *
 * <p>Packets may come between any two steps. Before {@link HandoffSteps#install} they reach the sockets, which acknowledge
 * what they receive: then the numbers have moved, and everything is taken back, which is possible because nothing has passed
 * by the new entry yet. After {@link HandoffSteps#open} they reach the other peer.
 *
 * <p>Pure: it does what a simulation does to it, and no I/O of its own.
 */
public final class Handoff {

    private Handoff() {}

    /**
     * Tries it now. Unless it returns {@link HandoffResult#HANDED}, both sockets are as they were.
     *
     * @throws IOException if a step has failed; both sockets are as they were, as far as the kernel allows
     */
    public static HandoffResult attempt(HandoffSteps steps) throws IOException {
        HandoffResult terms = compatible(steps.terms(Side.CLIENT), steps.terms(Side.BACKEND));
        if (terms != HandoffResult.HANDED) {
            return terms;
        }
        HandoffSteps.Numbers client = steps.freeze(Side.CLIENT);
        boolean handed = false;
        try {
            HandoffSteps.Numbers backend = steps.freeze(Side.BACKEND);
            try {
                HandoffResult result = replace(steps, client, backend);
                handed = result == HandoffResult.HANDED;
                return result;
            } finally {
                if (!handed) {
                    steps.thaw(Side.BACKEND);
                }
            }
        } finally {
            if (!handed) {
                steps.thaw(Side.CLIENT);
            }
        }
    }

    private static HandoffResult replace(HandoffSteps steps, HandoffSteps.Numbers client,
            HandoffSteps.Numbers backend) throws IOException {
        if (steps.hasUnread(Side.CLIENT) || steps.hasUnread(Side.BACKEND)) {
            return HandoffResult.BUSY;
        }
        HandoffResult installed =
                steps.install(backend.written() - client.received(), client.written() - backend.received());
        if (installed != HandoffResult.HANDED) {
            return installed;
        }
        boolean opened = false;
        try {
            if (steps.received(Side.CLIENT) == client.received()
                    && steps.received(Side.BACKEND) == backend.received()) {
                steps.open();
                opened = true;
            }
        } finally {
            if (!opened) {
                steps.uninstall();
            }
        }
        return opened ? HandoffResult.HANDED : HandoffResult.INTERRUPTED;
    }

    /** Whether the peers can speak with each other as they speak with the proxy: {@link HandoffResult#HANDED}, or why not. */
    static HandoffResult compatible(SocketTerms client, SocketTerms backend) {
        if (!client.established() || !backend.established()) {
            return HandoffResult.ENDING;
        }
        if (client.timestamps() || backend.timestamps()) {
            return HandoffResult.TIMESTAMPS;
        }
        if (client.peerScale() != backend.ownScale() || client.ownScale() != backend.peerScale()) {
            return HandoffResult.WINDOW_SCALES;
        }
        if (client.selective() != backend.selective()) {
            return HandoffResult.SELECTIVE_ACKNOWLEDGEMENTS;
        }
        if (client.congestionMarks() != backend.congestionMarks()) {
            return HandoffResult.CONGESTION_MARKS;
        }
        if (client.ownSegmentBytes() > backend.peerSegmentBytes()
                || backend.ownSegmentBytes() > client.peerSegmentBytes()) {
            return HandoffResult.SEGMENT_SIZES;
        }
        return client.settled() && backend.settled() ? HandoffResult.HANDED : HandoffResult.BUSY;
    }
}
