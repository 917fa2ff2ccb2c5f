package io.sluice.it.dataplane;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.Script;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.time.Duration;

/** How fast each endpoint is: what is measured, and what is not its fault. */
class EndpointLatencyIT {

    private static final Duration LATE = Duration.ofMillis(1500);
    /** What came about in time was shorter; what came late was longer, though the clocks of both sides do not begin at once. */
    private static final double LATE_SECONDS = 1;

    @EachTransport
    void an_endpoint_that_thinks_is_slow(Transport transport) throws Exception {
        measured(transport, script().receive(1).expectNothingFor(LATE).send(1).finish(),
                script().send(1).receiveToEnd(1).finish(), (connect, firstByte) -> {
                    assertThat(firstByte).isGreaterThanOrEqualTo(LATE_SECONDS);
                });
    }

    @EachTransport
    void an_endpoint_whose_client_begins_late_is_not(Transport transport) throws Exception {
        measured(transport, script().receive(1).send(1).finish(),
                script().expectNothingFor(LATE).send(1).receiveToEnd(1).finish(), (connect, firstByte) -> {
                    assertThat(firstByte).isLessThan(LATE_SECONDS);
                });
    }

    @EachTransport
    void one_that_speaks_first_is_measured_from_when_it_took_the_connection(Transport transport) throws Exception {
        measured(transport, script().expectNothingFor(LATE).send(1).finish(), script().receiveToEnd(1).finish(),
                (connect, firstByte) -> {
                    assertThat(firstByte).isGreaterThanOrEqualTo(LATE_SECONDS);
                    assertThat(connect).isLessThan(LATE_SECONDS);
                });
    }

    private interface Check {
        void look(double connectSeconds, double firstByteSeconds);
    }

    private static void measured(Transport transport, Script endpoint, Script client, Check check)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.server(1, endpoint);
            sluice.service("kubia", sluice.address(1)).start();
            sluice.with(sluice.client("kubia", client)).outcome();
            sluice.awaitIdle();
            await().until(() -> seconds(sluice, "first_byte", "count"), Double.valueOf(1)::equals);
            assertThat(seconds(sluice, "connect", "count")).isEqualTo(1);
            check.look(seconds(sluice, "connect", "sum"), seconds(sluice, "first_byte", "sum"));
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"firstByte\":{\"count\":1,");
        }
    }

    private static double seconds(RunningSluice sluice, String what, String part) throws IOException {
        return sluice.metric("sluice_endpoint_" + what + "_duration_seconds_" + part + "{endpoint=\""
                + sluice.address(1) + ":8080\",namespace=\"default\",port=\"\",service=\"kubia\"}");
    }
}
