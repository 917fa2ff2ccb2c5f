package io.sluice.reconcile;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.NodeTopology;
import java.time.Instant;
import java.util.Map;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A source puts snapshots while the control thread takes them. */
public final class SnapshotQueueStress {

    private SnapshotQueueStress() {}

    static ClusterSnapshot snapshot(long version) {
        return new ClusterSnapshot(version, Instant.EPOCH, new NodeTopology("node", null), Map.of());
    }

    static int version(SnapshotQueue.Waiting taken) {
        return taken == null ? 0 : (int) taken.snapshot().version();
    }

    /** The newest snapshot is taken at last, and none is taken after a newer one. */
    @JCStressTest
    @Outcome(id = {"0, 2", "1, 2", "2, 0"}, expect = Expect.ACCEPTABLE, desc = "in order, the newest at last")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a snapshot is lost, or an old one comes after a new one")
    @State
    public static class Taken {

        private final SnapshotQueue queue = new SnapshotQueue();

        @Actor
        public void source() {
            queue.put(snapshot(1), Instant.EPOCH);
            queue.put(snapshot(2), Instant.EPOCH);
        }

        @Actor
        public void control(II_Result result) {
            result.r1 = version(queue.take());
        }

        @Arbiter
        public void rest(II_Result result) {
            result.r2 = version(queue.take());
        }
    }

    /** What could not be applied comes again, unless something newer has come. */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 0"}, expect = Expect.ACCEPTABLE, desc = "the newest at last")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the newest is lost")
    @State
    public static class PutBack {

        private final SnapshotQueue queue = new SnapshotQueue();

        public PutBack() {
            queue.put(snapshot(1), Instant.EPOCH);
        }

        @Actor
        public void source() {
            queue.put(snapshot(2), Instant.EPOCH);
        }

        @Actor
        public void control(II_Result result) {
            SnapshotQueue.Waiting taken = queue.take();
            queue.putBack(taken);
            result.r1 = version(queue.take());
        }

        @Arbiter
        public void rest(II_Result result) {
            result.r2 = version(queue.take());
        }
    }
}
