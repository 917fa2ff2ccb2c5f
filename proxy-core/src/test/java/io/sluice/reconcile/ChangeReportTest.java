package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.history.Journal;
import io.sluice.metrics.SyncMetrics;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What is logged of a change: it names the Services, but not any number of them. */
class ChangeReportTest {

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(ChangeReport.class);
    private final ChangeReport report =
            new ChangeReport(new SyncMetrics(new SimpleMeterRegistry()), new HistoryWriter(new Journal()));

    @BeforeEach
    void listen() {
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void detach() {
        logger.detachAppender(log);
    }

    @Test
    void endpoints_of_one_service_are_named_in_the_text_and_in_fields() {
        report.endpoints(snapshot("a"), applied("a"), endpointsOf("a"), List.of());
        assertThat(log.list).singleElement().satisfies(line -> {
            assertThat(line.getFormattedMessage()).isEqualTo("applied in 4 ms: endpoints of shop/a");
            assertThat(fields(line)).isEqualTo("namespace=shop service=a");
            assertThat(line.getMarkerList()).containsExactly(NamedLine.FIELDS_FOR_PROGRAMS);
        });
    }

    @Test
    void of_many_services_the_first_are_named_and_the_others_counted() {
        String[] names = "a b c d e f g".split(" ", -1);
        report.endpoints(snapshot(names), applied(names), endpointsOf(names), List.of());
        assertThat(log.list).singleElement().satisfies(line -> assertThat(line.getFormattedMessage())
                .isEqualTo("applied in 4 ms: endpoints of shop/a, shop/b, shop/c, shop/d, shop/e and 2 more"));
    }

    @Test
    void services_that_come_go_and_differ_are_named() {
        report.everything(snapshot("a", "b"), snapshot("b", "c"), applied("b", "c"),
                new ChangeReport.Steps(1, 2, 1, 2, 2), List.of());
        assertThat(log.list).singleElement().satisfies(line -> assertThat(line.getFormattedMessage()).isEqualTo(
                "applied in 4 ms: changed shop/a, shop/c; Services 2, ports 2, listeners 2 (opened 1, closed 2)"));
    }

    @Test
    void a_port_that_is_empty_now_is_a_line_with_its_names() {
        report.endpoints(snapshot("a"), applied("a"), endpointsOf("a"), List.of(NamedLine.of(
                new ServicePortName(new ServiceName("shop", "a"), "http", Protocol.TCP), "it is empty")));
        assertThat(log.list).first().satisfies(line -> {
            assertThat(line.getFormattedMessage()).isEqualTo("it is empty");
            assertThat(fields(line)).isEqualTo("namespace=shop service=a port=http");
        });
    }

    @Test
    void a_review_that_changes_nothing_is_not_logged() {
        report.everything(snapshot("a"), snapshot("a"), applied("a"), new ChangeReport.Steps(0, 0, 0, 1, 1), List.of());
        assertThat(log.list).isEmpty();
    }

    private static String fields(ILoggingEvent line) {
        return line.getKeyValuePairs().stream().map(pair -> pair.key + "=" + pair.value)
                .collect(Collectors.joining(" "));
    }

    @Test
    void a_snapshot_in_which_nothing_differs_is_not_logged() {
        report.endpoints(snapshot("a"), applied("a"), new ChangeScope.Nothing(), List.of());
        assertThat(log.list).noneMatch(line -> line.getLevel().isGreaterOrEqual(Level.INFO));
    }

    private static ChangeScope endpointsOf(String... names) {
        return new ChangeScope.Endpoints(snapshot(names), snapshot(names), states(names));
    }

    private static AppliedState applied(String... names) {
        return new AppliedState(snapshot(names), Instant.EPOCH, Duration.ofMillis(4), Map.of());
    }

    private static ClusterSnapshot snapshot(String... names) {
        Map<ServiceName, ServiceState> services = new TreeMap<>();
        states(names).forEach(state -> services.put(state.service().name(), state));
        return new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), services);
    }

    private static List<ServiceState> states(String... names) {
        return new ArrayList<>(Stream.of(names)
                .map(name -> new ServiceState(Service.builder(new ServiceName("shop", name)).build(), List.of()))
                .toList());
    }
}
