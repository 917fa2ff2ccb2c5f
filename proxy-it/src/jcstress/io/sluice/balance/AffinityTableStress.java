package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Event loops remember clients while the control thread forgets some. */
public final class AffinityTableStress {

    static final InetAddress FIRST = IpAddresses.parse("10.0.0.1");
    static final InetAddress SECOND = IpAddresses.parse("10.0.0.2");
    static final EndpointAddress STAYS = new EndpointAddress(IpAddresses.parse("10.1.0.1"), 80);
    static final EndpointAddress GOES = new EndpointAddress(IpAddresses.parse("10.1.0.2"), 80);

    private AffinityTableStress() {}

    /** The number of entries is what the table says, and no more than its capacity but for those that run at once. */
    @JCStressTest
    @Outcome(id = {"1, 1", "2, 2"}, expect = Expect.ACCEPTABLE, desc = "as many as are there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the size is wrong")
    @State
    public static class Full {

        private final AffinityTable table = new AffinityTable(1);

        @Actor
        public void first() {
            table.remember(FIRST, Endpoint.ready(STAYS), 0);
        }

        @Actor
        public void second() {
            table.remember(SECOND, Endpoint.ready(STAYS), 0);
        }

        @Arbiter
        public void count(II_Result result) {
            result.r1 = table.size();
            result.r2 = (table.find(FIRST, 1, 0) == null ? 0 : 1) + (table.find(SECOND, 1, 0) == null ? 0 : 1);
        }
    }

    /** A client that is remembered while its endpoint is forgotten counts once or not at all. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "as many as are there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the size is wrong")
    @State
    public static class Forgotten {

        private final AffinityTable table = new AffinityTable(10);

        public Forgotten() {
            table.remember(FIRST, Endpoint.ready(GOES), 0);
        }

        @Actor
        public void again() {
            table.remember(FIRST, Endpoint.ready(STAYS), 0);
        }

        @Actor
        public void forget() {
            table.forget(List.of(GOES));
        }

        @Arbiter
        public void count(II_Result result) {
            result.r1 = table.size();
            result.r2 = table.find(FIRST, 1, 0) == null ? 0 : 1;
        }
    }

    /** A client that is known goes to one of the endpoints that it was given. */
    @JCStressTest
    @Outcome(id = {"0", "1", "2"}, expect = Expect.ACCEPTABLE, desc = "none, or one of both")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an endpoint that nobody gave")
    @State
    public static class Moved {

        private final AffinityTable table = new AffinityTable(10);

        @Actor
        public void one() {
            table.remember(FIRST, Endpoint.ready(STAYS), 0);
        }

        @Actor
        public void other() {
            table.remember(FIRST, Endpoint.ready(GOES), 0);
        }

        @Actor
        public void look(I_Result result) {
            AffinityTable.Entry entry = table.find(FIRST, 1, 0);
            result.r1 = entry == null ? 0 : entry.address().equals(STAYS) ? 1 : entry.address().equals(GOES) ? 2 : -1;
        }
    }
}
