package io.sluice.service;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * When the other end of an open connection, a client or an endpoint, is taken for dead because nothing comes from its host
 * any more, not even an acknowledgement. How long a peer that answers may say nothing is another thing.
 *
 * @param keepaliveIdle     after which time without a packet a peer is asked whether it is there, in whole seconds
 *                          (TCP_KEEPIDLE, tcp(7)); zero to leave it to the kernel, and with it the next two
 * @param keepaliveInterval after which it is asked again, in whole seconds (TCP_KEEPINTVL)
 * @param keepaliveCount    how often it is asked before it is taken for dead, at least once (TCP_KEEPCNT)
 * @param deadPeer          how long it may answer nothing while something is under way to it; zero to leave it to the kernel
 */
public record PeerTimeouts(Duration keepaliveIdle, Duration keepaliveInterval, int keepaliveCount, Duration deadPeer) {

    /** The most seconds that the kernel takes. */
    public static final int MAX_KEEPALIVE_SECONDS = 32_767;
    /** The most questions that the kernel takes. */
    public static final int MAX_KEEPALIVE_COUNT = 127;

    /** A silent peer is dead after two minutes, one to which something is under way after three quarters of one. */
    public static final PeerTimeouts DEFAULT =
            new PeerTimeouts(Duration.ofMinutes(1), Duration.ofSeconds(15), 4, Duration.ofSeconds(45));

    /** What a Service says of them; null where it says nothing. */
    public record Said(@Nullable Duration keepaliveIdle, @Nullable Duration keepaliveInterval,
            @Nullable Integer keepaliveCount, @Nullable Duration deadPeer) {

        /** Nothing. */
        public static final Said NONE = new Said(null, null, null, null);

        /** {@code defaults} where nothing is said. */
        public PeerTimeouts over(PeerTimeouts defaults) {
            return equals(NONE)
                    ? defaults
                    : new PeerTimeouts(keepaliveIdle == null ? defaults.keepaliveIdle : keepaliveIdle,
                            keepaliveInterval == null ? defaults.keepaliveInterval : keepaliveInterval,
                            keepaliveCount == null ? defaults.keepaliveCount : keepaliveCount,
                            deadPeer == null ? defaults.deadPeer : deadPeer);
        }
    }

    /** Whether the kernel is told when to ask an idle peer. */
    public boolean hasKeepalive() {
        return !keepaliveIdle.isZero();
    }

    /** Whether {@code duration} is one that the kernel takes for keepalive. */
    public static boolean isKeepalive(Duration duration) {
        return duration.toSeconds() >= 1 && duration.toSeconds() <= MAX_KEEPALIVE_SECONDS
                && duration.toNanosPart() == 0;
    }
}
