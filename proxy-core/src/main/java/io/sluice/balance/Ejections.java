package io.sluice.balance;

import io.sluice.service.EndpointAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The endpoints of one port that are ejected because they did not answer, and the times of their probes.
 *
 * <p>An endpoint that refused a connection or did not answer in time gets no connections for a while. Then it is probed: if it
 * accepts, it is taken back, else it stays out for twice as long, up to a maximum. Once it has been back for as long as that
 * maximum, its history is forgotten. {@link EndpointPool#usable} decides how many endpoints may be out at once, as this
 * depends on the traffic. Not thread-safe: lives on the control thread; time is passed in.
 */
public final class Ejections {

    /**
     * The rules.
     *
     * @param time     the first time out; zero means that no endpoint is ever ejected
     * @param maxTime  the longest time out, at least {@code time}
     * @param maxShare percent of the endpoints that may be out at once, 0 to 100; at least one, but never the last
     */
    public record Rules(Duration time, Duration maxTime, int maxShare) {

        /** No endpoint is ever ejected. */
        public static final Rules OFF = new Rules(Duration.ZERO, Duration.ZERO, 0);

        /** Whether endpoints are ejected at all. */
        public boolean on() {
            return !time.isZero();
        }
    }

    /** In place of a time: the endpoint is out already, or none is ever ejected. */
    public static final long ALREADY_OUT = -1;

    private static final class State {
        /** How often the endpoint's time out has doubled. */
        int level;
        boolean out;
        long backSince;
    }

    private final Rules rules;
    private final Map<EndpointAddress, State> states = new LinkedHashMap<>();

    /** No endpoint is out. */
    public Ejections(Rules rules) {
        this.rules = rules;
    }

    /**
     * A connection to an endpoint was refused or not answered.
     *
     * @return nanoseconds until its first probe is due; {@link #ALREADY_OUT} if it is ejected already, or none ever is
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
        // At the end: the order is that of ejection.
        states.remove(address);
        states.put(address, state);
        return time(state);
    }

    /** The endpoint refused the probe too: nanoseconds until the next; {@link #ALREADY_OUT} if it is not out at all. */
    public long probeFailed(EndpointAddress address) {
        State state = states.get(address);
        if (state == null || !state.out) {
            return ALREADY_OUT;
        }
        state.level++;
        return time(state);
    }

    /** The probe could not be sent for a reason on this node: nanoseconds until the next. */
    public long probeImpossible(EndpointAddress address) {
        State state = states.get(address);
        return state == null || !state.out ? ALREADY_OUT : time(state);
    }

    /** The endpoint accepted the probe. */
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

    /** The ejected endpoints, longest ejected first. */
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
