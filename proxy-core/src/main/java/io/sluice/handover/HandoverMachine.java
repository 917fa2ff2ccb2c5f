package io.sluice.handover;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The handovers of a process that serves, as a state machine: the stage of each peer at its socket, the peer that is offered
 * the listening sockets, and until when. It does no I/O and reads no clock; times are nanoseconds of any origin. One thread.
 *
 * <p>Rules: no peer holds up this process for longer than an offer lasts; the newest process that is ready comes first; a
 * process that was started before the one that took over is notified and never takes over later, so that a roll-back
 * stays; and no number of silent connections keeps a real one out.
 */
final class HandoverMachine {

    /** For the first word. */
    static final long SILENCE = TimeUnit.SECONDS.toNanos(2);
    /** From the sockets to {@link HandoverWord#READY}: the new process applies a snapshot that it has. */
    static final long OFFER = TimeUnit.SECONDS.toNanos(10);
    /** The same for the earlier protocol, where it still has to learn its Services. */
    static final long EARLIER_OFFER = TimeUnit.SECONDS.toNanos(30);
    /** From {@link HandoverWord#YIELDED} to {@link HandoverWord#SERVING}: the new process binds some addresses. */
    static final long YIELD = TimeUnit.SECONDS.toNanos(5);
    /** After an offer that was not taken, this process has its time before the same peer is offered again; doubles. */
    static final long FIRST_PAUSE = TimeUnit.SECONDS.toNanos(10);
    /** … up to this. */
    static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(60);
    /** The most connections that have said nothing; the oldest makes room for a new one. */
    static final int SILENT_PEERS = 64;
    /** The most processes that get ready; the oldest makes room for a new one. */
    static final int WAITING_PEERS = 16;

    enum Phase {
        /** Serves alone; others may get ready. */
        OWN,
        /** A peer has the sockets and does not accept yet. */
        OFFERED,
        /** A peer has the other addresses as well, and begins to accept. */
        YIELDED,
        /** A peer serves, or this process ends. */
        OVER
    }

    private enum Stage {
        SILENT, WAITING, REQUESTING
    }

    private static final class Peer {
        final int id;
        final long silentUntil;
        Stage stage = Stage.SILENT;
        /** The position of its first word: the higher, the newer. */
        long order;
        boolean earlier;
        long pausedUntil;
        long pause = FIRST_PAUSE;

        Peer(int id, long silentUntil, long now) {
            this.id = id;
            this.silentUntil = silentUntil;
            this.pausedUntil = now;
        }
    }

    private final HandoverActions actions;
    /** The peers in the order of their arrival. */
    private final Map<Integer, Peer> peers = new LinkedHashMap<>();
    private Phase phase = Phase.OWN;
    private @Nullable Peer holder;
    private long until;
    private long orders;

    HandoverMachine(HandoverActions actions) {
        this.actions = actions;
    }

    Phase phase() {
        return phase;
    }

    /** Whether another process gets ready to take over. */
    boolean awaited() {
        return peers.values().stream().anyMatch(peer -> peer.stage != Stage.SILENT);
    }

    /** A connection came. */
    void arrived(int id, long now) {
        if (phase == Phase.OVER) {
            actions.tell(id, HandoverWord.MOVED);
            actions.hangUp(id);
            return;
        }
        List<Peer> silent = peers.values().stream().filter(peer -> peer.stage == Stage.SILENT).toList();
        if (silent.size() >= SILENT_PEERS) {
            drop(silent.getFirst());
        }
        peers.put(id, new Peer(id, now + SILENCE, now));
    }

    /** A peer sent a word, {@link HandoverWord#END} when it is gone. A word out of turn closes the connection. */
    void said(int id, HandoverWord word, long now) {
        Peer peer = peers.get(id);
        if (peer == null) {
            return;
        }
        switch (word) {
            case HELLO -> greeted(peer, false);
            case EARLIER_HELLO -> greeted(peer, true);
            case REQUEST -> requested(peer);
            case READY -> ready(peer, now);
            case SERVING -> serving(peer);
            case END, WAIT, LISTENERS, THAT_IS_ALL, YIELDED, RELEASED, WITHDRAWN, SUPERSEDED, MOVED, UNKNOWN -> drop(
                    peer);
        }
        consider(now);
    }

    private void greeted(Peer peer, boolean earlier) {
        if (peer.stage != Stage.SILENT) {
            drop(peer);
            return;
        }
        List<Peer> waiting = peers.values().stream().filter(other -> other.stage != Stage.SILENT && other != holder)
                .sorted(Comparator.comparingLong(other -> other.order)).toList();
        if (waiting.size() >= WAITING_PEERS) {
            actions.tell(waiting.getFirst().id, HandoverWord.SUPERSEDED);
            drop(waiting.getFirst());
        }
        peer.order = ++orders;
        peer.earlier = earlier;
        peer.stage = earlier ? Stage.REQUESTING : Stage.WAITING;
        if (!earlier) {
            actions.tell(peer.id, HandoverWord.WAIT);
        }
    }

    private void requested(Peer peer) {
        if (peer.stage == Stage.WAITING && peer != holder) {
            peer.stage = Stage.REQUESTING;
        } else {
            drop(peer);
        }
    }

    /** The word may come after the offer has ended; the peer was notified of that, so the word is ignored. */
    private void ready(Peer peer, long now) {
        if (peer.stage != Stage.WAITING) {
            drop(peer);
        } else if (peer == holder && phase == Phase.OFFERED) {
            phase = Phase.YIELDED;
            until = now + YIELD;
            if (peer.earlier) {
                serving(peer);
            } else {
                actions.yieldAddresses(peer.id);
            }
        }
    }

    /** As in {@link #ready}, the word may come after the offer has ended. */
    private void serving(Peer peer) {
        if (peer.stage != Stage.WAITING || peer == holder && phase == Phase.OFFERED) {
            drop(peer);
        } else if (peer == holder) {
            actions.release(peer.id);
            peers.remove(peer.id);
            over(Optional.of(peer));
        }
    }

    /** This process ends: peers that get ready have to look for another process. */
    void ending() {
        over(Optional.empty());
    }

    private void over(Optional<Peer> owner) {
        phase = Phase.OVER;
        holder = null;
        for (Peer peer : peers.values()) {
            boolean older = peer.stage != Stage.SILENT && owner.filter(o -> peer.order < o.order).isPresent();
            actions.tell(peer.id, older ? HandoverWord.SUPERSEDED : HandoverWord.MOVED);
            actions.hangUp(peer.id);
        }
        peers.clear();
    }

    /** When {@link #timer} is to be called; {@link Long#MAX_VALUE} for never. */
    long deadline() {
        long next = holder == null ? Long.MAX_VALUE : until;
        for (Peer peer : peers.values()) {
            if (peer.stage == Stage.SILENT) {
                next = Math.min(next, peer.silentUntil);
            } else if (peer.stage == Stage.REQUESTING && holder == null) {
                next = Math.min(next, peer.pausedUntil);
            }
        }
        return next;
    }

    /** Time passed. */
    void timer(long now) {
        for (Peer peer : List.copyOf(peers.values())) {
            if (peer.stage == Stage.SILENT && now >= peer.silentUntil) {
                drop(peer);
            }
        }
        Peer late = holder;
        if (late != null && now >= until) {
            late.pausedUntil = now + late.pause;
            late.pause = Math.min(2 * late.pause, LONGEST_PAUSE);
            withdraw(late);
        }
        consider(now);
    }

    private void withdraw(Peer peer) {
        resume(peer);
        if (peer.earlier) {
            // The earlier protocol has no such word; the peer sees the end of the connection when it is ready.
            drop(peer);
        } else {
            actions.tell(peer.id, HandoverWord.WITHDRAWN);
        }
    }

    /** Offers to the newest peer that requests, in the place of an older one that is not ready yet. */
    private void consider(long now) {
        Optional<Peer> newest = peers.values().stream()
                .filter(peer -> peer.stage == Stage.REQUESTING && now >= peer.pausedUntil)
                .max(Comparator.comparingLong(peer -> peer.order));
        if (newest.isEmpty() || phase == Phase.YIELDED || phase == Phase.OVER) {
            return;
        }
        Peer next = newest.get();
        Peer older = holder;
        if (older != null) {
            if (older.order > next.order) {
                return;
            }
            withdraw(older);
        }
        holder = next;
        phase = Phase.OFFERED;
        until = now + (next.earlier ? EARLIER_OFFER : OFFER);
        next.stage = Stage.WAITING;
        actions.offer(next.id);
    }

    private void drop(Peer peer) {
        peers.remove(peer.id);
        if (peer == holder) {
            resume(peer);
        }
        actions.hangUp(peer.id);
    }

    private void resume(Peer peer) {
        holder = null;
        phase = Phase.OWN;
        actions.resume(peer.id);
    }
}
