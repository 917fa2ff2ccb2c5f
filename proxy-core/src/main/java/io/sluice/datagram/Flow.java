package io.sluice.datagram;

import io.sluice.service.EndpointAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The datagrams between one client's socket and one address of a Service: which endpoint gets them, and for how long.
 *
 * <p>A flow stays with its endpoint. When that is gone, is not ready any more, has another port or has responded with an
 * ICMP error, the client's next datagram goes to another one. It does no I/O and reads no clock: times are parameters, in
 * nanoseconds of a monotonic clock. An engine's own class adds the socket.
 */
@SuppressWarnings("this-escape") // its places in lists keep it and do no more
public class Flow {

    /** The phases of a flow. */
    public enum Phase {
        /** The endpoint has not replied yet. */
        UNANSWERED,
        /** The endpoint has replied, but the client may send no more: a client with a forged address never does. */
        ANSWERED,
        /** Both sides go on to send. It gives way to no other flow. */
        STREAM,
        /** The proxy passes on no datagram of it any more. */
        ENDED
    }

    private final FlowKey key;
    private final FlowTimes times;
    private long began;
    private long spoke;
    private Phase phase = Phase.UNANSWERED;
    /** Replies that are still to come before it ends, where their number is known. */
    private int owed;
    /** The client sent the last datagram. */
    private boolean asking = true;
    private @Nullable EndpointAddress endpoint;
    private boolean refused;
    /** The last set of endpoints that was found to contain {@link #endpoint}; the same object still contains it. */
    private @Nullable Set<EndpointAddress> standing;

    // The lists of its table; no other class touches them.
    @Nullable
    Flow chained;
    @Nullable
    FlowGroup group;
    @Nullable
    FlowHolder holder;
    final FlowLink inGroup = new FlowLink(this);
    final FlowLink inHolder = new FlowLink(this);
    final FlowLink inWheel = new FlowLink(this);

    /** A flow that begins with the client's first datagram and has no endpoint yet. */
    public Flow(FlowKey key, FlowTimes times, long now) {
        this.key = key.copy();
        this.times = times;
        this.began = now;
        this.spoke = now;
    }

    public final FlowKey key() {
        return key;
    }

    public final Phase phase() {
        return phase;
    }

    /** When it began. */
    public final long began() {
        return began;
    }

    /** The endpoint of this flow, or its last one; null before the first choice. */
    public final @Nullable EndpointAddress endpoint() {
        return endpoint;
    }

    /**
     * Whether the client's next datagram goes where the last one went. If not, an endpoint is to be chosen and
     * {@link #goesTo} called.
     *
     * @param endpoints those of the Service port that serve, ready or terminating; the same object as long as they are the
     *                  same
     */
    @SuppressWarnings("ReferenceEquality") // another object may have other endpoints; it is searched once
    public final boolean stays(Set<EndpointAddress> endpoints) {
        if (refused || endpoint == null) {
            return false;
        }
        if (standing != endpoints) {
            if (!endpoints.contains(endpoint)) {
                return false;
            }
            standing = endpoints;
        }
        return true;
    }

    /** The endpoints that must not be chosen while there are others. */
    public final Set<EndpointAddress> avoided() {
        return refused && endpoint != null ? Set.of(endpoint) : Set.of();
    }

    /** Sends it to this endpoint, one of {@code endpoints}, from now on. */
    public final void goesTo(EndpointAddress chosen, Set<EndpointAddress> endpoints) {
        endpoint = chosen;
        standing = endpoints;
        refused = false;
        owed = 0;
    }

    /** Its endpoint has responded with an ICMP error. */
    public final void refused() {
        refused = true;
    }

    /** The proxy passed on a datagram of the client. */
    public final void asked(long now) {
        asking = true;
        owed = Math.min(owed, Integer.MAX_VALUE - times.replies()) + times.replies();
        spoken(now);
    }

    /**
     * The proxy passed on a datagram of the endpoint.
     *
     * @return whether that was the last one that the client waits for
     */
    public final boolean answered(long now) {
        asking = false;
        if (phase == Phase.UNANSWERED) {
            phase = Phase.ANSWERED;
        }
        spoken(now);
        return times.replies() > 0 && --owed <= 0;
    }

    /** Whether the endpoint still has to reply, as far as that is known. */
    public final boolean awaitsReply() {
        return asking || owed > 0;
    }

    /** What the process that takes it over has to know. */
    public final FlowLife life(long now) {
        return new FlowLife(phase, asking, owed, now - began, now - spoke);
    }

    /** Goes on as it was in the process before this one. Before it is in a table. */
    public final void resume(FlowLife life, EndpointAddress at, long now) {
        phase = life.phase();
        asking = life.asking();
        owed = life.owed();
        began = now - life.ageNanos();
        spoke = now - life.silentNanos();
        endpoint = at;
    }

    private void spoken(long now) {
        spoke = now;
        if (phase == Phase.ANSWERED && now - began >= FlowTimes.STREAM_AFTER_NANOS) {
            phase = Phase.STREAM;
            if (group != null) {
                group.nowStream(this);
            }
        }
    }

    /** When it ends if neither side sends. */
    public final long deadline() {
        return spoke + (phase == Phase.STREAM ? times.streamNanos() : times.idleNanos());
    }

    /** Why it ends at its {@link #deadline}. */
    final FlowEnd expiry() {
        return phase == Phase.UNANSWERED ? FlowEnd.UNANSWERED : FlowEnd.EXPIRED;
    }

    final void ended() {
        phase = Phase.ENDED;
    }
}
