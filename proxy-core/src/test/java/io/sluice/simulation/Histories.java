package io.sluice.simulation;

import java.util.Optional;

/** Plays plans; one that fails is made as small as it can be, and told. */
final class Histories {

    private Histories() {}

    /** @throws AssertionError if the history breaks a rule; the message has all that is needed to understand and repeat it */
    static void play(Plan plan) {
        Optional<AssertionError> broken = broken(plan);
        if (broken.isPresent()) {
            Plan smallest = shrink(plan);
            throw new AssertionError("seed %d: %s%n%s%nrepeat it with: %s".formatted(plan.seed(),
                    broken(smallest).map(Throwable::getMessage).orElse("not broken when repeated"),
                    Simulation.story(smallest), smallest.command()), broken.get());
        }
    }

    /** Plays exactly this plan, and tells it even if it fails in nothing. */
    static void repeat(Plan plan) {
        Optional<AssertionError> broken = broken(plan);
        if (broken.isPresent()) {
            throw new AssertionError(broken.get().getMessage() + "\n" + Simulation.story(plan), broken.get());
        }
        Simulation.play(plan, true).forEach(System.err::println);
    }

    private static Optional<AssertionError> broken(Plan plan) {
        try {
            Simulation.play(plan, false);
            return Optional.empty();
        } catch (AssertionError | RuntimeException e) {
            return Optional.of(e instanceof AssertionError error ? error : new AssertionError(e.toString(), e));
        }
    }

    /** The fewest classes of faults, then the fewest actions, with which it still fails in any way. */
    private static Plan shrink(Plan plan) {
        Plan smallest = plan;
        for (FaultClass fault : plan.faults()) {
            Plan fewer = smallest.without(fault);
            if (broken(fewer).isPresent()) {
                smallest = fewer;
            }
        }
        for (int actions = 0; actions < smallest.actions(); actions++) {
            Plan shorter = smallest.cutTo(actions);
            if (broken(shorter).isPresent()) {
                return shorter;
            }
        }
        return smallest;
    }
}
