package io.sluice.source.kubernetes;

import io.sluice.simulation.Fiber;
import io.sluice.simulation.World;

/** A reflector's thread in a simulated world. */
final class FiberThread implements ReflectorThread {

    private final World world;
    private final Fiber fiber;
    private boolean woken;

    FiberThread(World world, Fiber fiber) {
        this.world = world;
        this.fiber = fiber;
    }

    @Override
    public long nanoTime() {
        return world.nanoTime();
    }

    @Override
    public void pause(long nanos) {
        long until = world.nanoTime() + nanos;
        while (!woken && world.nanoTime() < until) {
            fiber.sleep(until - world.nanoTime());
        }
        woken = false;
    }

    @Override
    public void wake() {
        woken = true;
        fiber.wake();
    }
}
