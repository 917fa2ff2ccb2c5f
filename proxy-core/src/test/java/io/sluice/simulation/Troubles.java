package io.sluice.simulation;

import static io.sluice.simulation.Simulation.SECOND;

import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.simulation.Cluster.Item;
import io.sluice.simulation.Cluster.Svc;
import io.sluice.source.kubernetes.SimulatedApiServer.Condition;
import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/** Lets faults of the history's classes begin and end. */
final class Troubles {

    /** A list that is empty for this long counts. */
    private static final long GRACE = 19 * SECOND;

    private final World world;
    private final Simulation simulation;
    private final RandomGenerator random;
    private int open;
    private boolean ended;

    Troubles(World world, Simulation simulation) {
        this.world = world;
        this.simulation = simulation;
        this.random = world.random("troubles");
    }

    /** Whether no fault goes on. */
    boolean none() {
        return open == 0;
    }

    /** One more fault, if the history has any. */
    void one() {
        FaultClass[] all = FaultClass.values();
        FaultClass fault = all[random.nextInt(all.length)];
        long lasts = SECOND + random.nextLong(random.nextInt(1, 150) * SECOND);
        boolean has = world.has(fault);
        int which = random.nextInt(6);
        if (!has) {
            return;
        }
        world.note(() -> fault + " for " + Duration.ofNanos(lasts));
        switch (fault) {
            case SERVER_FAILS -> server(lasts, List.of(Condition.DOWN, Condition.BUSY, Condition.BROKEN,
                    Condition.UNAUTHORIZED).get(which % 4));
            case SERVER_SLOW -> server(lasts, List.of(Condition.SILENT, Condition.SLOW, Condition.BREAKS_OFF)
                    .get(which % 3));
            case WATCHES_FAIL -> server(lasts, List.of(Condition.WATCHES_BREAK, Condition.WATCHES_END,
                    Condition.WATCHES_DUMB, Condition.COMPACTED, Condition.TOKENS_EXPIRE).get(which % 5));
            case STORE_LOST -> lose(lasts, which);
            case IMPOSTOR -> server(lasts, List.of(Condition.HTML, Condition.OTHER_KIND, Condition.OTHER_KIND_EMPTY,
                    Condition.OTHER_EVENTS).get(which % 4));
            case PORTS_TAKEN -> ports(lasts, which);
            case ROUTES_FAIL -> routes(lasts, which);
            case NETFILTER_FAILS -> simulation.netfilter().ifPresent(filter -> netfilter(filter, lasts, which));
            case NODE_CHANGES -> node(lasts);
            case PODS_FAIL -> pods(lasts);
            case KILLED -> simulation.restart();
            case HANDED_OVER -> {
                if (!ended && simulation.follow(() -> open--)) {
                    open++;
                }
            }
            case DISK_FAILS -> disk(lasts, which);
            case CLOCK_STEPS -> world.step(Duration.ofSeconds(random.nextLong(-7200, 7200)));
            case HOSTILE_TENANT -> {
                // Its author does it.
            }
        }
    }

    private void during(long lasts, Runnable end) {
        open++;
        world.after(lasts, () -> {
            open--;
            end.run();
        });
    }

    private void server(long lasts, Condition condition) {
        if (simulation.api().condition() != Condition.WELL || ended) {
            return;
        }
        simulation.apiIs(condition);
        during(lasts, () -> simulation.apiIs(Condition.WELL));
    }

    private void lose(long lasts, int which) {
        if (simulation.api().condition() != Condition.WELL) {
            return;
        }
        if (which < 3) {
            List<Item> left = simulation.api().restoreOlder(random.nextInt(1, 20));
            simulation.restored(left);
        } else {
            server(lasts, Condition.EMPTY);
            if (lasts > GRACE) {
                world.after(GRACE, () -> {
                    simulation.storeIs(List.of());
                    simulation.storeIs(simulation.api().items());
                });
            }
        }
    }

    private void ports(long lasts, int which) {
        if (which == 0) {
            simulation.kernel().outOfDescriptors();
        } else {
            simulation.truth().now(Svc.class).stream().filter(svc -> random.nextBoolean())
                    .forEach(svc -> svc.ips().forEach(ip -> svc.protocols().stream()
                            .filter(protocol -> random.nextInt(4) > 0).forEach(protocol -> simulation.kernel()
                                    .taken(Place.at(protocol, ip, svc.port()), true))));
        }
        simulation.kernelChanged();
        during(lasts, () -> {
            simulation.kernel().free();
            simulation.kernelChanged();
        });
    }

    private void routes(long lasts, int which) {
        switch (which % 3) {
            case 0 -> {
                simulation.routes().lose(random);
                simulation.routes().refuse(random.nextBoolean());
            }
            case 1 -> simulation.routes().refuse(true);
            default -> simulation.routes().unreadable(true);
        }
        if (random.nextBoolean()) {
            simulation.nodeChanged();
        }
        simulation.kernelChanged();
        during(lasts, () -> {
            simulation.routes().refuse(false);
            simulation.routes().unreadable(false);
            simulation.kernelChanged();
        });
    }

    private void netfilter(SimulatedNetfilter filter, long lasts, int which) {
        switch (which) {
            case 0 -> filter.refuse();
            case 1 -> filter.beUnreadable();
            case 2 -> filter.loseReplies();
            case 3 -> filter.harmAfterNextBatch(random);
            default -> {
                filter.harm(random);
                if (random.nextInt(4) == 0) {
                    filter.refuse();
                }
            }
        }
        simulation.kernelChanged();
        during(lasts, () -> {
            filter.beWell();
            simulation.kernelChanged();
        });
    }

    private void node(long lasts) {
        String address = random.nextBoolean() ? "192.0.2.8" : "2001:db8::8";
        simulation.routes().address(address, true);
        simulation.nodeChanged();
        during(lasts, () -> {
            simulation.routes().address(address, false);
            simulation.nodeChanged();
        });
    }

    private void pods(long lasts) {
        simulation.podAddresses().stream().filter(ip -> random.nextInt(3) == 0).forEach(simulation.pods()::kill);
        during(lasts, simulation.pods()::reviveAll);
    }

    private void disk(long lasts, int which) {
        if (which < 2) {
            simulation.disk().tear(random);
        } else {
            simulation.disk().full(true);
            during(lasts, () -> simulation.disk().full(false));
        }
    }

    /** All is well from now on. */
    void end() {
        ended = true;
        world.note(() -> "all is well from now on");
        simulation.kernel().free();
        simulation.routes().refuse(false);
        simulation.routes().unreadable(false);
        simulation.netfilter().ifPresent(SimulatedNetfilter::beWell);
        simulation.disk().full(false);
        simulation.pods().reviveAll();
        simulation.kernelChanged();
        if (simulation.api().condition() != Condition.WELL) {
            simulation.apiIs(Condition.WELL);
        }
    }
}
