package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.Ejections;
import io.sluice.history.Event;
import io.sluice.history.Journal;
import io.sluice.metrics.EndpointFailure;
import io.sluice.proxy.ProbeResult;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is ejected, probed and taken back, and when; without a socket, on a clock that the test moves. */
class OutlierDetectorTest {

    private static final Ejections.Rules RULES = new Ejections.Rules(Duration.ofSeconds(1), Duration.ofSeconds(4), 50);

    private final Journal journal = new Journal();
    private final FakeControl control = new FakeControl();
    private final FakeProber prober = new FakeProber();
    private final Map<ServicePortName, OutlierDetector.Subject> ports = new HashMap<>();
    private final FakePort web = new FakePort("web", "a", "b", "c");

    /**
     * Words are: {@code fails X} (a connection to X is refused), {@code answers X}, {@code hangs X} and {@code broken X} (what probes of X
     * come to from now on), {@code wait N} (seconds), {@code without X} (the endpoint goes), {@code with X} (it comes).
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            nothing fails and nobody is ejected                | wait 60                                    | ''   | ''      | 0
            one that fails is ejected at once                  | fails a                                    | a    | ''      | 1
            it is probed after the first time                  | fails a, wait 1                            | a    | a       | 1
            but not before                                     | hangs a, fails a, wait 0.9                 | a    | ''      | 1
            one that answers the probe is back                 | answers a, fails a, wait 1                 | ''   | a       | 1
            one that does not stays out for twice as long      | fails a, wait 2.9                          | a    | a       | 1
            and is probed again then                           | fails a, wait 3                            | a    | a a     | 1
            the time stops to grow at the longest              | fails a, wait 15                           | a    | a a a a a | 1
            a fault of this node does not lengthen the time    | broken a, fails a, wait 3                  | a    | a a a   | 1
            one that answers at last is back                   | fails a, wait 1, answers a, wait 2         | ''   | a a     | 1
            it stays out longer when it fails again soon       | answers a, fails a, wait 1, hangs a, fails a, wait 1.9 | a | a | 2
            and as long as the first time when it does later   | answers a, fails a, wait 6, hangs a, fails a, wait 1   | a | a a | 2
            many connections that fail count as one            | fails a, fails a, fails a                  | a    | ''      | 1
            two that fail are out in the order of their failing | fails b, fails a                          | b a  | ''      | 2
            an endpoint that is not the port's is not ejected  | fails x                                    | ''   | ''      | 0
            one that goes is forgotten and not probed          | fails a, without a, wait 60                | ''   | ''      | 1
            one that comes back has no past                    | fails a, without a, with a, wait 60        | ''   | ''      | 1
            one that goes while it is probed changes nothing   | delays a, fails a, wait 1, without a, with a, answers a | '' | a | 1
            """)
    void an_endpoint_is_out_while_it_does_not_answer(String what, String events, String ejected, String probes,
            int counted) {
        OutlierDetector detector = detector(RULES);
        for (String event : events.split(", ", -1)) {
            happen(detector, event);
        }
        assertThat(web.avoided).as("avoided").isEqualTo(addresses(ejected));
        assertThat(detector.ejected(web.name())).as("ejected").isEqualTo(addresses(ejected));
        assertThat(prober.probed).as("probed").isEqualTo(addresses(probes));
        assertThat(web.counted).as("counted").isEqualTo(counted);
    }

    @Test
    void all_that_fail_before_the_control_thread_comes_to_it_are_rerouted_once() {
        OutlierDetector detector = detector(RULES);
        for (String name : List.of("a", "b", "c")) {
            detector.unanswered(web.name(), address(name), EndpointFailure.REFUSED);
            detector.unanswered(web.name(), address(name), EndpointFailure.REFUSED);
        }
        assertThat(control.tasks).as("one report for each endpoint").hasSize(3);
        control.runAll();
        assertThat(web.reroutes).isEqualTo(1);
        assertThat(web.avoided).isEqualTo(addresses("a b c"));
    }

    /** 0 for the address of an endpoint is its port here; the journal says which Pod it was. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            it is ejected                 | false | a b | fails a                    | EndpointEjected does not answer and is ejected until it does: it refused a connection
            it is ejected as it is silent | false | a b | silent a                   | EndpointEjected does not answer and is ejected until it does: a connection to it timed out
            and back                      | false | a b | answers a, fails a, wait 1 | EndpointEjected does not answer and is ejected until it does: it refused a connection; EndpointBack is back: it answers again
            it is one of too many         | true  | a b | fails a                    | EndpointSilent does not answer and is not ejected: it refused a connection; the limit of --eject-max-share (50 %) is reached, or it is the last endpoint
            it is the only one            | true  | a   | fails a                    | EndpointSilent does not answer and is not ejected: it refused a connection; it is the only endpoint, connections fail until it answers
            it is no endpoint of the port | false | a b | fails x                    | ''
            """)
    void the_history_says_what_became_of_an_endpoint(String what, boolean neverLeavesOut, String endpoints,
            String events,
            String expected) {
        FakePort port = new FakePort("web", endpoints.split(" ", -1));
        port.neverLeavesOut = neverLeavesOut;
        OutlierDetector detector = detector(RULES);
        ports.put(port.name(), port);
        for (String event : events.split(", ", -1)) {
            happen(detector, event);
        }
        assertThat(journal.first(Journal.Wanted.ALL, 10).events().stream().map(Event::change)
                .map(change -> change.type() + change.message().replaceFirst(".*\\(pod pod-\\d+\\)", ""))
                .collect(Collectors.joining("; "))).isEqualTo(expected);
    }

    @Test
    void where_ejection_is_off_nothing_is_reported_at_all() {
        OutlierDetector detector = detector(Ejections.Rules.OFF);
        detector.unanswered(web.name(), address("a"), EndpointFailure.REFUSED);
        assertThat(control.tasks).isEmpty();
    }

    @Test
    void a_port_that_comes_after_one_of_the_same_name_takes_over_no_ejection() {
        OutlierDetector detector = detector(RULES);
        happen(detector, "fails a");
        detector.forget(web.name());
        FakePort successor = new FakePort("web", "a");
        ports.put(successor.name(), successor);
        happen(detector, "wait 60");
        assertThat(detector.ejected(successor.name())).isEmpty();
        assertThat(prober.probed).isEmpty();
        assertThat(successor.reroutes).isZero();
    }

    @Test
    void an_ejection_that_is_under_way_when_its_port_goes_reroutes_nobody() {
        OutlierDetector detector = detector(RULES);
        detector.unanswered(web.name(), address("a"), EndpointFailure.REFUSED);
        control.runOne();
        ports.remove(web.name());
        detector.forget(web.name());
        control.runAll();
        assertThat(web.counted).isEqualTo(1);
        assertThat(web.reroutes).isZero();
    }

    @Test
    void after_the_end_neither_reports_nor_probes_change_anything() {
        OutlierDetector detector = detector(RULES);
        happen(detector, "delays b");
        happen(detector, "fails b");
        happen(detector, "wait 1");
        detector.stop();
        happen(detector, "answers b");
        happen(detector, "fails a");
        assertThat(web.avoided).isEqualTo(addresses("b"));
        assertThat(web.counted).isEqualTo(1);
    }

    @Test
    void a_report_that_comes_when_the_control_thread_has_ended_is_dropped() {
        OutlierDetector detector = detector(RULES);
        control.ended = true;
        detector.unanswered(web.name(), address("a"), EndpointFailure.REFUSED);
        assertThat(web.counted).isZero();
    }

    private OutlierDetector detector(Ejections.Rules rules) {
        ports.put(web.name(), web);
        return new OutlierDetector(rules, control, prober, ports::get, new HistoryWriter(journal));
    }

    private void happen(OutlierDetector detector, String event) {
        String[] words = event.split(" ", -1);
        EndpointAddress endpoint = words[0].equals("wait") ? null : address(words[1]);
        switch (words[0]) {
            case "fails" ->
                    detector.unanswered(web.name(), Objects.requireNonNull(endpoint), EndpointFailure.REFUSED);
            case "silent" ->
                    detector.unanswered(web.name(), Objects.requireNonNull(endpoint), EndpointFailure.TIMEOUT);
            case "answers" -> prober.becomes(endpoint, ProbeResult.ANSWERED);
            case "hangs" -> prober.becomes(endpoint, ProbeResult.SILENT);
            case "broken" -> prober.becomes(endpoint, ProbeResult.INCONCLUSIVE);
            case "delays" -> prober.delayed.add(endpoint);
            case "without", "with" -> {
                if (words[0].equals("with")) {
                    web.endpoints.add(endpoint);
                } else {
                    web.endpoints.remove(endpoint);
                }
                detector.retain(web.name(), web.endpoints);
                web.reroute(detector.ejected(web.name()));
            }
            case "wait" -> control.pass(Math.round(Double.parseDouble(words[1]) * 1e9));
            default -> throw new IllegalArgumentException(event);
        }
        control.runAll();
    }

    private static List<EndpointAddress> addresses(String names) {
        return Arrays.stream(names.split(" ", -1)).filter(name -> !name.isEmpty()).map(OutlierDetectorTest::address)
                .toList();
    }

    private static EndpointAddress address(String name) {
        return new EndpointAddress(IpAddresses.parse("10.1.0." + (int) name.charAt(0)), 80);
    }

    /** A port that does what it is asked, and counts it. */
    private static final class FakePort implements OutlierDetector.Subject {
        private final ServicePortName name;
        final Set<EndpointAddress> endpoints;
        List<EndpointAddress> avoided = List.of();
        boolean neverLeavesOut;
        int counted;
        int reroutes;

        FakePort(String name, String... endpoints) {
            this.name = new ServicePortName(new ServiceName("default", name), "http", Protocol.TCP);
            this.endpoints = Arrays.stream(endpoints).map(OutlierDetectorTest::address)
                    .collect(Collectors.toCollection(HashSet::new));
        }

        @Override
        public ServicePortName name() {
            return name;
        }

        @Override
        public boolean has(EndpointAddress endpoint) {
            return endpoints.contains(endpoint);
        }

        @Override
        public ProxyProtocol proxyProtocol() {
            return ProxyProtocol.NONE;
        }

        @Override
        public void ejectedOne() {
            counted++;
        }

        @Override
        public void reroute(List<EndpointAddress> ejected) {
            avoided = ejected;
            reroutes++;
        }

        @Override
        public @Nullable String pod(EndpointAddress endpoint) {
            return "pod-" + endpoint.port();
        }

        @Override
        public boolean hasOneEndpoint() {
            return endpoints.size() == 1;
        }

        @Override
        public boolean leftOut(EndpointAddress endpoint) {
            return !neverLeavesOut && avoided.contains(endpoint);
        }
    }

    /** Probes come to what the test says; none answers before it says so, or at all while it is delayed. */
    private static final class FakeProber implements OutlierDetector.Prober {
        final List<EndpointAddress> probed = new ArrayList<>();
        final Set<EndpointAddress> delayed = new HashSet<>();
        private final Map<EndpointAddress, ProbeResult> results = new HashMap<>();
        private final Map<EndpointAddress, CompletableFuture<ProbeResult>> waiting = new HashMap<>();

        void becomes(EndpointAddress endpoint, ProbeResult result) {
            results.put(endpoint, result);
            delayed.remove(endpoint);
            CompletableFuture<ProbeResult> probe = waiting.remove(endpoint);
            if (probe != null) {
                probe.complete(result);
            }
        }

        @Override
        public CompletableFuture<ProbeResult> probe(EndpointAddress endpoint, ProxyProtocol proxyProtocol) {
            probed.add(endpoint);
            return delayed.contains(endpoint)
                    ? waiting.computeIfAbsent(endpoint, e -> new CompletableFuture<>())
                    : CompletableFuture.completedFuture(results.getOrDefault(endpoint, ProbeResult.SILENT));
        }
    }
}
