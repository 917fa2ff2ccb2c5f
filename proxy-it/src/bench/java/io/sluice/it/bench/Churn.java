package io.sluice.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * What requests over one Service cost while endpoints of a thousand others change, and while they do not.
 *
 * @param quiet   while nothing changes
 * @param changes while an endpoint is replaced {@value #RATE} times a second
 */
record Churn(Results quiet, Results changes) {

    static final int RATE = 100;

    private static final int SERVICES = 1000;
    private static final int WARM_UP_SECONDS = 60;

    /** Not measured. */
    static Churn none() {
        return new Churn(new Results(), new Results());
    }

    /** Measures all peers in turn; those that are not measured are stopped. */
    static Churn measure(Path home, Path work, LoadTool load, String cpus, int workers, int rounds, double seconds)
            throws IOException, InterruptedException {
        Churn churn = none();
        try (ManyServices services = new ManyServices(ManyServices.Place.LOOPBACK, SERVICES, SERVICES);
                ScheduledExecutorService changer = Executors.newSingleThreadScheduledExecutor()) {
            List<Changeable> all =
                    Changeable.all(services, home, Files.createDirectories(work.resolve("changes")), cpus,
                            workers);
            try {
                for (Changeable changeable : all) {
                    changeable.peer().start();
                }
                double half = warmUp(all, changer, services, load);
                for (Changeable changeable : all) {
                    changeable.peer().pause();
                }
                for (int round = 0; round < rounds; round++) {
                    System.err.printf("round %d: requests while Services change%n", round + 1);
                    for (Work kind : List.of(Work.REQUESTS_64, Work.HALF_LOAD)) {
                        for (int i = 0; i < all.size(); i++) {
                            churn.turn(kind, all.get((i + round) % all.size()), services, changer, load, seconds,
                                    kind == Work.HALF_LOAD ? half : 0);
                        }
                    }
                }
            } finally {
                for (Changeable changeable : all) {
                    changeable.peer().resume();
                    changeable.peer().stop();
                }
            }
        }
        return churn;
    }

    /**
     * Code that is run is compiled as it runs, that of a change for about a minute. Returns half of what HAProxy does at
     * most.
     */
    private static double warmUp(List<Changeable> all, ScheduledExecutorService changer, ManyServices services,
            LoadTool load) throws IOException, InterruptedException {
        double half = 0;
        for (Changeable changeable : all) {
            Peer peer = changeable.peer();
            Sample flatOut = load.run(Work.REQUESTS_64.load(), peer.target(Work.Backend.ECHO), peer.pids(), 4, 0);
            if (peer.name().equals("haproxy")) {
                half = Math.floor(Figure.REQUEST_RATE.of(flatOut) / 2);
            }
            if (peer.name().equals("sluice")) {
                System.err.println("getting used to changes");
                ScheduledFuture<?> changing = changing(changeable, services, changer);
                load.run(Work.REQUESTS_64.load(), peer.target(Work.Backend.ECHO), peer.pids(), WARM_UP_SECONDS,
                        Figure.REQUEST_RATE.of(flatOut) / 4);
                end(changing, peer);
            }
        }
        return half;
    }

    private void turn(Work kind, Changeable changeable, ManyServices services, ScheduledExecutorService changer,
            LoadTool load, double seconds, double rate) throws IOException, InterruptedException {
        Peer peer = changeable.peer();
        String target = peer.target(Work.Backend.ECHO);
        peer.resume();
        // What was put off in the last burst, or came since, is not what this turn is about.
        TimeUnit.MILLISECONDS.sleep(1500);
        quiet.add(kind, peer, load.run(kind.load(), target, peer.pids(), seconds, rate));
        ScheduledFuture<?> changing = changing(changeable, services, changer);
        changes.add(kind, peer, load.run(kind.load(), target, peer.pids(), seconds, rate));
        end(changing, peer);
        peer.pause();
    }

    private static ScheduledFuture<?> changing(Changeable changeable, ManyServices services,
            ScheduledExecutorService changer) {
        return changer.scheduleAtFixedRate(() -> {
            try {
                changeable.teller().tell(services.replace());
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }, 0, 1_000_000_000L / RATE, TimeUnit.NANOSECONDS);
    }

    private static void end(ScheduledFuture<?> changing, Peer peer) throws IOException, InterruptedException {
        if (!changing.cancel(false)) {
            try {
                changing.get();
            } catch (ExecutionException e) {
                throw new IOException(peer.name() + " cannot be told of changes: " + e.getCause(), e);
            }
        }
    }
}
