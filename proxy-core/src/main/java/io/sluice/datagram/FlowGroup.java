package io.sluice.datagram;

import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The flows of one Service on one event loop. The flow that gives way is the oldest that is no stream: of the client that
 * has more such flows than its share, else of all clients.
 */
public final class FlowGroup extends Ranked {

    /** A client with up to this many flows has no more than its share … */
    private static final int FEW = 64;
    /** … and neither has one with less than one in this many flows. */
    private static final int SHARES = 16;

    private final FlowList yielding = new FlowList();
    private final FlowList streams = new FlowList();
    private final Ranking clients = new Ranking();
    /** A hash table by the client's address. */
    private @Nullable FlowHolder[] holders = new FlowHolder[16];
    private int holderCount;
    /** The ranking of its table; null before its first flow. */
    private @Nullable Ranking rankedIn;

    /** A group without flows. */
    public FlowGroup() {}

    /** The number of all its flows. */
    public int size() {
        return yielding.size() + streams.size();
    }

    /** How many client addresses have a flow. */
    public int clients() {
        return holderCount;
    }

    /** How many flows the client of {@code key} has. */
    int size(FlowKey key) {
        FlowHolder holder = find(key);
        return holder == null ? 0 : holder.flows;
    }

    /** The flow that gives way; null if all are streams. */
    @Nullable
    Flow first() {
        FlowHolder most = (FlowHolder) clients.most();
        if (most != null && most.yielding.size() > Math.max(FEW, yielding.size() / SHARES)) {
            return most.yielding.oldest();
        }
        return yielding.oldest();
    }

    /** The flow of one client that gives way; null if all are streams, or there are none. */
    @Nullable
    Flow first(FlowKey key) {
        FlowHolder holder = find(key);
        return holder == null ? null : holder.yielding.oldest();
    }

    /** Calls {@code action} for its flows that are {@code wanted}; it may end them. */
    void forEach(Predicate<? super Flow> wanted, Consumer<? super Flow> action) {
        for (FlowList list : new FlowList[] {yielding, streams}) {
            Flow flow = list.oldest();
            while (flow != null) {
                FlowLink next = flow.inGroup.younger;
                if (wanted.test(flow)) {
                    action.accept(flow);
                }
                flow = next == null ? null : next.flow;
            }
        }
    }

    void add(Flow flow, Ranking groups) {
        FlowHolder holder = find(flow.key());
        if (holder == null) {
            holder = new FlowHolder(flow.key());
            insert(holder);
        }
        rankedIn = groups;
        flow.group = this;
        flow.holder = holder;
        holder.flows++;
        yielding.add(flow.inGroup);
        holder.yielding.add(flow.inHolder);
        clients.raise(holder);
        groups.raise(this);
    }

    /** {@code flow} has become a stream and gives way to no other any more. */
    void nowStream(Flow flow) {
        yieldsNoMore(flow);
        streams.add(flow.inGroup);
    }

    private void yieldsNoMore(Flow flow) {
        FlowHolder holder = flow.holder;
        if (holder == null || rankedIn == null) {
            throw new IllegalStateException("not in this group");
        }
        flow.inGroup.remove();
        flow.inHolder.remove();
        clients.lower(holder);
        rankedIn.lower(this);
    }

    void remove(Flow flow) {
        if (flow.inHolder.list == null) {
            flow.inGroup.remove();
        } else {
            yieldsNoMore(flow);
        }
        FlowHolder holder = flow.holder;
        if (holder != null && --holder.flows == 0) {
            delete(holder);
        }
        flow.holder = null;
        flow.group = null;
    }

    private @Nullable FlowHolder find(FlowKey key) {
        FlowHolder holder = holders[key.clientHash() & holders.length - 1];
        while (holder != null && !holder.isOf(key)) {
            holder = holder.chained;
        }
        return holder;
    }

    private void insert(FlowHolder holder) {
        if (holderCount == holders.length) {
            resize(holders.length * 2);
        }
        holderCount++;
        put(holders, holder);
    }

    private static void put(@Nullable FlowHolder[] table, FlowHolder holder) {
        int at = holder.hash & table.length - 1;
        holder.chained = table[at];
        table[at] = holder;
    }

    @SuppressWarnings("ReferenceEquality") // the same object, not an equal one
    private void delete(FlowHolder gone) {
        int at = gone.hash & holders.length - 1;
        FlowHolder holder = holders[at];
        if (holder == gone) {
            holders[at] = gone.chained;
        } else {
            while (holder != null && holder.chained != gone) {
                holder = holder.chained;
            }
            if (holder != null) {
                holder.chained = gone.chained;
            }
        }
        gone.chained = null;
        holderCount--;
        if (holders.length > 1024 && holderCount < holders.length / 8) {
            resize(holders.length / 2);
        }
    }

    private void resize(int size) {
        @Nullable
        FlowHolder[] before = holders;
        @Nullable
        FlowHolder[] now = new FlowHolder[size];
        Arrays.stream(before).forEach(first -> {
            FlowHolder holder = first;
            while (holder != null) {
                FlowHolder next = holder.chained;
                put(now, holder);
                holder = next;
            }
        });
        holders = now;
    }
}
