package io.sluice.simulation;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * All that decides a history.
 *
 * @param faults  the classes of faults that happen
 * @param actions how many things the world does to the daemon before it is left alone
 */
record Plan(long seed, Set<FaultClass> faults, int actions) {

    private static final int MOST_ACTIONS = 30;

    Plan {
        faults = Set.copyOf(faults);
    }

    /** The plan of a seed: every fourth has no fault at all, the others have each class with even chance. */
    static Plan of(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int actions = 3 + random.nextInt(MOST_ACTIONS);
        Set<FaultClass> faults = EnumSet.noneOf(FaultClass.class);
        boolean calm = random.nextInt(4) == 0;
        double share = random.nextDouble();
        for (FaultClass fault : FaultClass.values()) {
            if (random.nextDouble() < share && !calm) {
                faults.add(fault);
            }
        }
        if (faults.contains(FaultClass.HANDED_OVER)) {
            // A new daemon has nothing to compare a list with, and would believe a server without its store.
            faults.remove(FaultClass.STORE_LOST);
        }
        return new Plan(seed, faults, actions);
    }

    /** The plan that system properties ask for. */
    static Plan ofProperties() {
        Plan whole = of(Long.getLong("sluice.simulation.seed"));
        String faults = System.getProperty("sluice.simulation.faults");
        return new Plan(whole.seed, faults == null ? whole.faults : faults(faults),
                Integer.getInteger("sluice.simulation.actions", whole.actions));
    }

    /** Classes of faults by their names, with commas between. */
    static Set<FaultClass> faults(String names) {
        return Arrays.stream(names.split(",")).filter(name -> !name.isBlank()).map(FaultClass::valueOf)
                .collect(Collectors.toSet());
    }

    Plan without(FaultClass fault) {
        Set<FaultClass> fewer = EnumSet.copyOf(faults);
        fewer.remove(fault);
        return new Plan(seed, fewer, actions);
    }

    Plan cutTo(int fewer) {
        return new Plan(seed, faults, fewer);
    }

    /** The command that repeats it. */
    String command() {
        return "mvn -pl proxy-core test -Dtest=SimulationTest#one_history_again -Dsluice.simulation.seed=" + seed
                + " -Dsluice.simulation.faults="
                + faults.stream().sorted().map(FaultClass::name).collect(Collectors.joining(","))
                + " -Dsluice.simulation.actions=" + actions;
    }
}
