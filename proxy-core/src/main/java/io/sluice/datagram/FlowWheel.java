package io.sluice.datagram;

import org.jspecify.annotations.Nullable;

/**
 * A timing wheel of flows by the time of their next check. A datagram moves nothing here; a flow that is checked and has
 * time left gets a later place.
 */
final class FlowWheel {

    static final long TICK_NANOS = 500_000_000L;
    private static final int SLOTS = 1024;

    private final FlowList[] slots = new FlowList[SLOTS];
    /** The tick whose slot is checked next. */
    private long tick;

    FlowWheel(long now) {
        tick = Math.floorDiv(now, TICK_NANOS);
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new FlowList();
        }
    }

    /** Adds a flow to be checked after its deadline, or at the wheel's last slot if that is earlier. */
    void add(Flow flow) {
        long due = Math.floorDiv(flow.deadline(), TICK_NANOS) + 1;
        long at = Math.max(tick, Math.min(due, tick + SLOTS - 1));
        slots[(int) Math.floorMod(at, (long) SLOTS)].add(flow.inWheel);
    }

    /** Removes and returns a flow that is due for its check; null if none is due now. */
    @Nullable
    Flow next(long now) {
        long today = Math.floorDiv(now, TICK_NANOS);
        while (tick <= today) {
            Flow flow = slots[(int) Math.floorMod(tick, (long) SLOTS)].oldest();
            if (flow != null) {
                flow.inWheel.remove();
                return flow;
            }
            tick++;
        }
        return null;
    }
}
