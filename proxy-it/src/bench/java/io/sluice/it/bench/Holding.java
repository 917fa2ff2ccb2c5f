package io.sluice.it.bench;

import java.io.IOException;
import java.util.List;

/** What idle connections cost: each peer in a process of its own that has been at work before. */
record Holding(String peer, int connections, double residentBytes, double kernelBytes) {

    /**
     * Measures {@code peer}, which must not run yet.
     *
     * @param connections how many are held
     */
    static Holding measure(Peer peer, LoadTool load, int connections) throws IOException, InterruptedException {
        peer.start();
        try {
            String target = peer.target(Work.Backend.ECHO);
            // What is allocated once, also the garbage of opening connections, is not counted.
            load.run(Work.CONNECTIONS.load(), target, List.of(), 5, 0);
            Processes.end(load.hold(target, connections / 4));
            Thread.sleep(1000);
            long resident = peer.resident();
            long kernel = Processes.kernelObjects();
            Process held = load.hold(target, connections);
            Thread.sleep(1000);
            Holding result = new Holding(peer.name(), connections, (peer.resident() - resident) / (double) connections,
                    (Processes.kernelObjects() - kernel) / (double) connections);
            Processes.end(held);
            return result;
        } finally {
            peer.stop();
        }
    }
}
