package io.sluice.balance;

import io.sluice.service.EndpointAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which endpoints of one port are put aside because they did not answer, and when to knock again.
 *
 * <p>An endpoint that refused or did not answer in time gets no connections for a while. Then it is probed; if it takes
 * the probe it is back, else it stays out for twice as long, up to a maximum. Back for as long as the maximum, its past
 * is forgotten. How many may be out at once is not decided here but where a pick is made ({@link Lane#usable}), as it
 * depends on the traffic. Not thread-safe: lives on the control thread; time is passed in.
 */
public final class Ejections {

    /**
     * The rules.
     *
     * @param time     the first time out; zero means that nobody is ever put aside
     * @param maxTime  the longest time out, at least {@code time}
     * @param maxShare percent of the endpoints that may be out at once, 0 to 100; one always may, the last never
     */
    public record Rules(Duration time, Duration maxTime, int maxShare) {

        /** Nobody is ever put aside. */
        public static final Rules OFF = new Rules(Duration.ZERO, Duration.ZERO, 0);

        /** Whether anybody is ever put aside. */
        public boolean on() {
            return !time.isZero();
        }
    }

    /** Instead of a time: it is out already, or not to be put aside. */
    public static final long ALREADY_OUT = -1;

    private static final class State {
        /** How often its time has doubled. */
        int level;
        boolean out;
        long backSince;
    }

    private final Rules rules;
    private final Map<EndpointAddress, State> states = new LinkedHashMap<>();

    /** Nobody is out. */
    public Ejections(Rules rules) {
        this.rules = rules;
    }

    /**
     * A connection found out that an endpoint does not answer.
     *
     * @return nanoseconds until it is to be probed; {@link #ALREADY_OUT} if it is out already, or nobody ever is
     */
    public long failed(EndpointAddress address, long now) {
        if (!rules.on()) {
            return ALREADY_OUT;
        }
        State state = states.getOrDefault(address, new State());
        if (state.out) {
            return ALREADY_OUT;
        }
        if (now - state.backSince >= rules.maxTime().toNanos()) {
            state.level = 0;
        }
        state.out = true;
        // At the end: who was put aside first stays first.
        states.remove(address);
        states.put(address, state);
        return time(state);
    }

    /** It did not take the probe either: nanoseconds until the next; {@link #ALREADY_OUT} if it is not out at all. */
    public long probeFailed(EndpointAddress address) {
        State state = states.get(address);
        if (state == null || !state.out) {
            return ALREADY_OUT;
        }
        state.level++;
        return time(state);
    }

    /** The probe could not be made for a fault of this node: nanoseconds until the next. */
    public long probeImpossible(EndpointAddress address) {
        State state = states.get(address);
        return state == null || !state.out ? ALREADY_OUT : time(state);
    }

    /** It took the probe. */
    public void recovered(EndpointAddress address, long now) {
        State state = states.get(address);
        if (state != null && state.out) {
            state.out = false;
            state.backSince = now;
            state.level++;
        }
    }

    /** Forgets every endpoint but these. */
    public void retain(Set<EndpointAddress> known) {
        states.keySet().retainAll(known);
    }

    /** Who is out, first who has been for longest. */
    public List<EndpointAddress> ejected() {
        List<EndpointAddress> out = new ArrayList<>();
        states.forEach((address, state) -> {
            if (state.out) {
                out.add(address);
            }
        });
        return out;
    }

    private long time(State state) {
        long time = rules.time().toNanos();
        long most = rules.maxTime().toNanos();
        for (int i = 0; i < state.level && time < most; i++) {
            time *= 2;
        }
        return Math.min(time, Math.max(most, rules.time().toNanos()));
    }
}
