package io.sluice.datagram;

import io.sluice.datagram.FlowBounds.Bound;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The flows of one event loop. It ends flows that are idle for too long, and flows that give way to new ones when there are
 * too many. Looking up the flow of a datagram takes the same time whatever their number, and allocates nothing.
 *
 * @param <F> the engine's own flows
 */
public final class FlowTable<F extends Flow> {

    /** Notified of the end of each flow, once, after it has left the table. */
    @FunctionalInterface
    public interface Exit<F> {
        void ended(F flow, FlowEnd why);
    }

    private static final int SMALLEST = 1024;

    private final FlowBounds bounds;
    private final FlowPlaces places;
    private final Exit<F> exit;
    private final FlowWheel wheel;
    private final Ranking groups = new Ranking();
    private @Nullable Flow[] chains = new Flow[SMALLEST];
    private int size;

    /** A table without flows. */
    public FlowTable(FlowBounds bounds, FlowPlaces places, Exit<F> exit, long now) {
        this.bounds = bounds;
        this.places = places;
        this.exit = exit;
        this.wheel = new FlowWheel(now);
    }

    public int size() {
        return size;
    }

    /** The flow of a datagram; null if there is none. */
    @Nullable
    public F find(FlowKey key) {
        Flow flow = chains[key.hashCode() & chains.length - 1];
        while (flow != null && !flow.key().equals(key)) {
            flow = flow.chained;
        }
        return own(flow);
    }

    /**
     * Makes room for one more flow, and ends others if it has to.
     *
     * @param service the Service of the new flow
     * @return null if there is room; else the bound that forbids the flow
     */
    @Nullable
    public Bound admit(FlowKey key, FlowGroup service) {
        if (bounds.perClient() > 0 && service.size(key) >= bounds.perClient() && !yields(service.first(key))) {
            return Bound.CLIENT;
        }
        if (bounds.perService() > 0 && service.size() >= bounds.perService() && !yields(service.first())) {
            return Bound.SERVICE;
        }
        while (!places.isFree(size)) {
            FlowGroup most = (FlowGroup) groups.most();
            if (most == null || !yields(most.first())) {
                return Bound.OVERALL;
            }
        }
        return null;
    }

    private boolean yields(@Nullable Flow flow) {
        F known = own(flow);
        if (known == null) {
            return false;
        }
        end(known, FlowEnd.GAVE_WAY);
        return true;
    }

    /** Adds a flow for which there is room. */
    public void add(F flow, FlowGroup service) {
        if (size >= chains.length) {
            resize(chains.length * 2);
        }
        put(chains, flow);
        size++;
        places.take();
        service.add(flow, groups);
        if (flow.phase() == Flow.Phase.STREAM) {
            service.nowStream(flow);
        }
        wheel.add(flow);
    }

    /** Ends a flow; does nothing if it has ended. */
    public void end(F flow, FlowEnd why) {
        FlowGroup group = flow.group;
        if (group == null) {
            return;
        }
        group.remove(flow);
        flow.inWheel.remove();
        unchain(flow);
        size--;
        places.giveBack();
        flow.ended();
        if (chains.length > SMALLEST && size < chains.length / 8) {
            resize(chains.length / 2);
        }
        exit.ended(flow, why);
    }

    /** Ends all flows of a Service that {@code meant} accepts. */
    public void endAll(FlowGroup service, Predicate<? super F> meant, FlowEnd why) {
        service.forEach(flow -> meant.test(mine(flow)), flow -> end(mine(flow), why));
    }

    /**
     * Ends flows that are idle for too long.
     *
     * @param most the most flows to look at
     * @return whether more flows may have to end
     */
    public boolean expire(long now, int most) {
        for (int i = 0; i < most; i++) {
            F flow = own(wheel.next(now));
            if (flow == null) {
                return false;
            }
            if (flow.deadline() - now <= 0) {
                end(flow, flow.expiry());
            } else {
                wheel.add(flow);
            }
        }
        return true;
    }

    /** Calls {@code action} for all flows; it must not change the table. */
    public void forEach(Consumer<? super F> action) {
        for (Flow first : chains) {
            F flow = own(first);
            while (flow != null) {
                action.accept(flow);
                flow = own(flow.chained);
            }
        }
    }

    /** Ends all flows. */
    public void endAll(FlowEnd why) {
        List<F> all = new ArrayList<>(size);
        forEach(all::add);
        all.forEach(flow -> end(flow, why));
    }

    private @Nullable F own(@Nullable Flow flow) {
        return flow == null ? null : mine(flow);
    }

    @SuppressWarnings("unchecked") // add() takes only flows of this type
    private F mine(Flow flow) {
        return (F) flow;
    }

    private static void put(@Nullable Flow[] table, Flow flow) {
        int at = flow.key().hashCode() & table.length - 1;
        flow.chained = table[at];
        table[at] = flow;
    }

    @SuppressWarnings("ReferenceEquality") // the same object, not an equal one
    private void unchain(Flow gone) {
        int at = gone.key().hashCode() & chains.length - 1;
        Flow flow = chains[at];
        if (flow == gone) {
            chains[at] = gone.chained;
        } else {
            while (flow != null && flow.chained != gone) {
                flow = flow.chained;
            }
            if (flow != null) {
                flow.chained = gone.chained;
            }
        }
        gone.chained = null;
    }

    private void resize(int length) {
        @Nullable
        Flow[] now = new Flow[length];
        for (Flow first : chains) {
            Flow flow = first;
            while (flow != null) {
                Flow next = flow.chained;
                put(now, flow);
                flow = next;
            }
        }
        chains = now;
    }
}
