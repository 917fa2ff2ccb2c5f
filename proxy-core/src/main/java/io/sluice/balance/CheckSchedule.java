package io.sluice.balance;

import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.ServicePortName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Which endpoint is to be checked when, and what the checks have come to. However many Services ask for checks, no more begin in
 * a second, and no more are under way, than {@link Bounds} says; namespaces take turns, so that one with many endpoints makes
 * only its own checks late. Not thread-safe: lives on the control thread; time and chance are passed in.
 */
public final class CheckSchedule {

    /**
     * How many checks there are at the most.
     *
     * @param perSecond             that begin in a second; 0 for none at all
     * @param perSecondOfNamespace  the same of one namespace; at least 1
     * @param underWay              at once; at least 1
     * @param underWayOfNamespace   the same of one namespace; at least 1
     */
    public record Bounds(int perSecond, int perSecondOfNamespace, int underWay, int underWayOfNamespace) {

        /** A quarter of all for one namespace; 128 at once, 32 of one namespace. */
        public static Bounds of(int perSecond) {
            return new Bounds(perSecond, Math.max(1, perSecond / 4), 128, 32);
        }
    }

    /** Nothing is to be done. */
    public static final long NEVER = Long.MAX_VALUE;

    /** How far two nodes, or two endpoints, drift apart with each check: a tenth of the interval. */
    private static final int JITTER = 10;
    /** For this long checks may be made up for that could not begin in time. */
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** One endpoint of one port that is checked. */
    public static final class Target {
        private final ServicePortName port;
        private final EndpointAddress endpoint;
        private final Lane lane;
        private final long order;
        private HealthCheck check;
        private long due;
        private long begun;
        private boolean underWay;
        private boolean gone;
        private @Nullable EndpointHealth health;

        private Target(ServicePortName port, EndpointAddress endpoint, Lane lane, long order, HealthCheck check) {
            this.port = port;
            this.endpoint = endpoint;
            this.lane = lane;
            this.order = order;
            this.check = check;
        }

        /** Its port. */
        public ServicePortName port() {
            return port;
        }

        /** Its address. */
        public EndpointAddress endpoint() {
            return endpoint;
        }

        /** Whether a check of it has ended with a result. */
        public boolean isChecked() {
            return health != null;
        }

        /** Whether it is still checked: its port has it. */
        public boolean isFollowed() {
            return !gone;
        }

        /** What is asked. */
        public HealthCheck check() {
            return check;
        }
    }

    /** A pace: the time at which the next may begin (the generic cell rate algorithm). */
    private static final class Pace {
        private final long gap;
        private long next;

        Pace(int perSecond, long now) {
            gap = TimeUnit.SECONDS.toNanos(1) / perSecond;
            next = now - BURST_NANOS;
        }

        boolean allows(long now) {
            return next - now <= 0;
        }

        void take(long now) {
            next = (next - (now - BURST_NANOS) < 0 ? now - BURST_NANOS : next) + gap;
        }
    }

    /** The endpoints of one namespace, the next one due first. */
    private static final class Lane {
        private final Pace pace;
        private final TreeSet<Target> waiting = new TreeSet<>(
                Comparator.<Target>comparingLong(target -> target.due).thenComparingLong(target -> target.order));
        private int targets;
        private int underWay;

        Lane(Pace pace) {
            this.pace = pace;
        }
    }

    private final Bounds bounds;
    private final RandomGenerator random;
    private final Map<ServicePortName, Map<EndpointAddress, Target>> ports = new HashMap<>();
    private final Map<String, Lane> lanes = new HashMap<>();
    /** In the order of their turns. */
    private final Deque<Lane> turns = new ArrayDeque<>();
    private @Nullable Pace pace;
    private int underWay;
    private long order;

    /** Checks nothing yet. */
    public CheckSchedule(Bounds bounds, RandomGenerator random) {
        this.bounds = bounds;
        this.random = random;
    }

    /** Whether anything is ever checked. */
    public boolean on() {
        return bounds.perSecond() > 0;
    }

    /**
     * Checks exactly these endpoints of a port from now on; what is known of those that stay is kept.
     *
     * @param check null for none
     * @param now   nanoseconds of a monotonic clock
     */
    public void follow(ServicePortName port, @Nullable HealthCheck check, Set<EndpointAddress> endpoints, long now) {
        Map<EndpointAddress, Target> known = ports.get(port);
        if (check == null || !on() || endpoints.isEmpty()) {
            if (known != null) {
                new ArrayList<>(known.values()).forEach(this::remove);
                ports.remove(port);
            }
            return;
        }
        if (known == null) {
            known = new HashMap<>();
            ports.put(port, known);
        }
        known.values().removeIf(target -> {
            boolean goes = !endpoints.contains(target.endpoint);
            if (goes) {
                remove(target);
            }
            return goes;
        });
        for (EndpointAddress endpoint : endpoints) {
            Target target = known.get(endpoint);
            if (target == null) {
                Lane lane = lane(port.service().namespace(), now);
                lane.targets++;
                target = new Target(port, endpoint, lane, order++, check);
                known.put(endpoint, target);
                wait(target, now + random.nextLong(check.interval().toNanos()));
            } else if (!target.check.equals(check)) {
                target.check = check;
                if (!target.underWay) {
                    target.lane.waiting.remove(target);
                    wait(target, now + random.nextLong(check.interval().toNanos()));
                }
            }
        }
    }

    private Lane lane(String namespace, long now) {
        return lanes.computeIfAbsent(namespace, name -> {
            Lane lane = new Lane(new Pace(bounds.perSecondOfNamespace(), now));
            turns.add(lane);
            return lane;
        });
    }

    private void remove(Target target) {
        target.gone = true;
        target.lane.waiting.remove(target);
        target.lane.targets--;
        forgetIdle(target);
    }

    private void forgetIdle(Target target) {
        if (target.lane.targets == 0 && target.lane.underWay == 0
                && lanes.remove(target.port.service().namespace(), target.lane)) {
            turns.remove(target.lane);
        }
    }

    private static void wait(Target target, long due) {
        target.due = due;
        target.lane.waiting.add(target);
    }

    /**
     * The endpoints whose checks are to begin now, as many as the bounds allow; each is reported with {@link #passed}, {@link
     * #failed} or {@link #inconclusive} once.
     *
     * @param now nanoseconds of a monotonic clock
     */
    public List<Target> take(long now) {
        List<Target> taken = new ArrayList<>();
        if (pace == null) {
            if (!on()) {
                return taken;
            }
            pace = new Pace(bounds.perSecond(), now);
        }
        int idle = 0;
        while (idle < turns.size() && underWay < bounds.underWay() && pace.allows(now)) {
            Lane lane = turns.remove();
            turns.add(lane);
            if (lane.waiting.isEmpty() || lane.waiting.first().due - now > 0
                    || lane.underWay >= bounds.underWayOfNamespace() || !lane.pace.allows(now)) {
                idle++;
                continue;
            }
            idle = 0;
            Target target = lane.waiting.removeFirst();
            pace.take(now);
            lane.pace.take(now);
            target.underWay = true;
            target.begun = now;
            lane.underWay++;
            underWay++;
            taken.add(target);
        }
        return taken;
    }

    /** When {@link #take} is worth calling again if no check ends before; {@link #NEVER} if it is not. */
    public long next(long now) {
        if (turns.isEmpty() || underWay >= bounds.underWay()) {
            return NEVER;
        }
        long wait = NEVER;
        for (Lane lane : turns) {
            if (!lane.waiting.isEmpty() && lane.underWay < bounds.underWayOfNamespace()) {
                wait = Math.min(wait, Math.max(lane.waiting.first().due - now, lane.pace.next - now));
            }
        }
        return wait == NEVER ? NEVER : now + Math.max(Math.max(0, wait), pace == null ? 0 : pace.next - now);
    }

    /** The endpoint passed its check: whether it is taken for other than before. */
    public boolean passed(Target target, long now) {
        return ended(target, EndpointHealth.passed(target.health, target.check), now);
    }

    /** The endpoint failed its check: whether it is taken for other than before. */
    public boolean failed(Target target, String why, long now) {
        return ended(target, EndpointHealth.failed(target.health, target.check, why), now);
    }

    /** The check could not be made for a reason on this node: nothing is known of the endpoint. */
    public void inconclusive(Target target, long now) {
        ended(target, target.health, now);
    }

    private boolean ended(Target target, @Nullable EndpointHealth health, long now) {
        target.underWay = false;
        target.lane.underWay--;
        underWay--;
        if (target.gone) {
            forgetIdle(target);
            return false;
        }
        EndpointHealth before = target.health;
        target.health = health;
        long interval = target.check.interval().toNanos();
        long next = target.begun + interval - interval / JITTER + random.nextLong(interval / JITTER * 2 + 1);
        wait(target, next - now < 0 ? now : next);
        return health != null && (before == null || before.passing() != health.passing());
    }

    /** What is known of the endpoints of a port; those that were not checked yet are absent. */
    public Map<EndpointAddress, EndpointHealth> health(ServicePortName port) {
        Map<EndpointAddress, EndpointHealth> health = new HashMap<>();
        ports.getOrDefault(port, Map.of()).forEach((endpoint, target) -> {
            if (target.health != null) {
                health.put(endpoint, target.health);
            }
        });
        return health;
    }

    /** How many endpoints are checked. */
    public int size() {
        return lanes.values().stream().mapToInt(lane -> lane.targets).sum();
    }
}
