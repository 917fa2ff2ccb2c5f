package io.sluice.simulation;

import static io.sluice.simulation.Simulation.SECOND;

import io.sluice.handover.SimulatedHandover;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** A new daemon follows the old one, or fails to at any step. */
final class Succession implements SimulatedHandover.Successor {

    private static final long SLOWEST = 2 * SECOND;

    private final World world;
    private final SimulatedHandover old;
    private final SimulatedDaemon daemon;
    private final Consumer<SimulatedDaemon> serves;
    private final Runnable over;
    private final RandomGenerator random;
    private final int id;
    private boolean mayFail = true;
    private boolean ended;

    /**
     * The new daemon has begun.
     *
     * @param serves takes it when it has taken over
     * @param over   is called once, however it ends
     */
    Succession(World world, SimulatedHandover old, SimulatedDaemon daemon, Consumer<SimulatedDaemon> serves,
            Runnable over) {
        this.world = world;
        this.old = old;
        this.daemon = daemon;
        this.serves = serves;
        this.over = over;
        this.random = world.random("succession");
        this.id = old.arrive(this);
    }

    /** The new daemon. */
    SimulatedDaemon daemon() {
        return daemon;
    }

    /** Nothing goes wrong with it from now on. */
    void beWell() {
        mayFail = false;
    }

    /** Does the next step, never, or dies before it. */
    private void step(Runnable next) {
        int fate = mayFail ? random.nextInt(8) : 7;
        if (fate == 0) {
            world.after(random.nextLong(SLOWEST), this::die);
        } else if (fate > 1) {
            world.after(random.nextLong(SLOWEST), () -> {
                if (!ended) {
                    next.run();
                }
            });
        } else {
            world.note(() -> "the new daemon hangs");
        }
    }

    /** The process ends. */
    void die() {
        if (!ended) {
            world.note(() -> "the new daemon dies");
            ended = true;
            daemon.kill();
            old.say(id, "END");
            over.run();
        }
    }

    @Override
    public void told(String word) {
        if (ended) {
            return;
        }
        world.note(() -> "the new daemon is told " + word);
        switch (word) {
            case "WAIT" -> requestWhenReady();
            case "THAT_IS_ALL" -> {
                daemon.process().inheritAll();
                daemon.process().accepts(false);
                daemon.reconciler().sockets().share().thenRun(() -> step(() -> old.say(id, "READY")));
            }
            case "YIELDED" -> step(() -> {
                daemon.process().accepts(true);
                old.say(id, "SERVING");
            });
            case "RELEASED" -> {
                ended = true;
                daemon.process().accepts(true);
                daemon.reconciler().sockets().own();
                daemon.process().disinherit();
                serves.accept(daemon);
                over.run();
            }
            case "WITHDRAWN" -> {
                daemon.reconciler().sockets().retreat();
                daemon.process().disinherit();
                world.after(SECOND, this::requestWhenReady);
            }
            default -> world.broken("the new daemon does not know what to do when it is told " + word);
        }
    }

    private void requestWhenReady() {
        if (!ended && daemon.source().current()) {
            old.say(id, "REQUEST");
        } else if (!ended) {
            world.after(SECOND, this::requestWhenReady);
        }
    }

    @Override
    public void hungUp() {
        die();
    }
}
