package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Event loops pick endpoints while the control thread replaces them. */
public final class PoolSwapStress {

    static final InetAddress CLIENT = IpAddresses.parse("10.0.0.1");

    private PoolSwapStress() {}

    /** Endpoints with these last numbers. */
    static List<Endpoint> endpoints(int... numbers) {
        return java.util.Arrays.stream(numbers)
                .mapToObj(n -> Endpoint.ready(new EndpointAddress(IpAddresses.parse("10.1.0." + n), 80))).toList();
    }

    /** The last number of the endpoint that is picked. */
    static int pick(EndpointPool pool) {
        int index = pool.pick(CLIENT, Set.of(), 0);
        return pool.endpoints().get(index).address().ip().getAddress()[3];
    }

    /** Two connections at once take two turns. */
    @JCStressTest
    @Outcome(id = {"1, 2, 1", "2, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "each another one, then the first again")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a turn is taken twice, or left out")
    @State
    public static class Turns {

        private final EndpointPool pool = new EndpointPool(endpoints(1, 2), new RoundRobin(endpoints(1, 2), 0), null);

        @Actor
        public void one(III_Result result) {
            result.r1 = pick(pool);
        }

        @Actor
        public void other(III_Result result) {
            result.r2 = pick(pool);
        }

        @Arbiter
        public void then(III_Result result) {
            result.r3 = pick(pool);
        }
    }

    /** A connection goes to an endpoint of the pool that it has read, whole, and never past the end of another one. */
    @JCStressTest
    @Outcome(id = {"1, 3", "1, 4", "3, 4", "4, 3", "3, 3"}, expect = Expect.ACCEPTABLE, desc = "to one that is there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "to one that is gone, or to none")
    @State
    public static class Swap {

        private volatile EndpointPool pool =
                new EndpointPool(endpoints(1, 2), new RoundRobin(endpoints(1, 2), 0), null);

        @Actor
        public void eventLoop(II_Result result) {
            result.r1 = pick(pool);
        }

        @Actor
        public void control() {
            List<Endpoint> next = endpoints(3, 4);
            pool = new EndpointPool(next, pool.balancer().with(next, 0), null);
        }

        @Arbiter
        public void then(II_Result result) {
            result.r2 = pick(pool);
        }
    }
}
