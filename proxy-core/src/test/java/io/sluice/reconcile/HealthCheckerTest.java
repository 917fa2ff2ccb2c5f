package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.EndpointChecks;
import io.sluice.history.Event;
import io.sluice.history.Journal;
import io.sluice.proxy.ProbeAnswer;
import io.sluice.proxy.ProbeResult;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which endpoints get no connections because of their check, and what is told of it; without a socket. */
class HealthCheckerTest {

    private static final HealthCheck CHECK =
            new HealthCheck("/healthz", Duration.ofSeconds(1), Duration.ofSeconds(1), 2, 3);

    private final Journal journal = new Journal();
    private final FakeControl control = new FakeControl();
    private final FakePort web = new FakePort("a", "b");
    private final Map<EndpointAddress, ProbeAnswer> answers = new HashMap<>();
    private final List<EndpointAddress> asked = new ArrayList<>();
    private final Set<EndpointAddress> hanging = new HashSet<>();
    private final HealthChecker checker = new HealthChecker(200, control, (endpoint, check, header) -> {
        asked.add(endpoint);
        return hanging.contains(endpoint)
                ? new CompletableFuture<>()
                : CompletableFuture.completedFuture(answers.getOrDefault(endpoint,
                        new ProbeAnswer(ProbeResult.ANSWERED, "it answered 200")));
    }, port -> List.of(), new SplittableRandom(1), new HistoryWriter(journal));

    private static EndpointAddress address(String name) {
        return new EndpointAddress(IpAddresses.parse("10.1.0." + (int) name.charAt(0)), 80);
    }

    private void happen(String event) {
        String[] words = event.split(" ", -1);
        switch (words[0]) {
            case "good" -> answers.remove(address(words[1]));
            case "bad" -> answers.put(address(words[1]), new ProbeAnswer(ProbeResult.SILENT, "it answered 503"));
            case "broken" -> answers.put(address(words[1]), new ProbeAnswer(ProbeResult.INCONCLUSIVE, "no port"));
            case "hangs" -> hanging.add(address(words[1]));
            case "without" -> {
                web.endpoints.remove(address(words[1]));
                route();
            }
            case "with" -> {
                web.endpoints.add(address(words[1]));
                route();
            }
            case "unasked" -> checker.forget(web.name());
            case "wait" -> control.pass(Math.round(Double.parseDouble(words[1]) * 1e9));
            default -> throw new IllegalArgumentException(event);
        }
        control.runAll();
    }

    /** As when a change of the endpoints is applied. */
    private void route() {
        Service service = Service.builder(web.name().service()).annotations(Map.of(HealthCheck.CHECK, "http:/healthz",
                HealthCheck.INTERVAL, "1s")).build();
        web.checks = checker.of(web.name(), service);
        assertThat(web.checks.check()).isEqualTo(CHECK);
        checker.follow(web, CHECK, web.endpoints);
    }

    @ParameterizedTest(name = "{0} checks a second, {1}, {2}: {3}")
    @CsvSource(nullValues = "none", value = {"200, TCP, tcp, none",
            "200, UDP, tcp, as nobody has to answer a datagram that says nothing",
            "0, TCP, tcp, as --health-check-rate 0 turns checks off", "0, TCP, '', none", "200, UDP, '', none"})
    void what_is_not_checked_although_its_service_asks_for_it_has_a_reason(int perSecond, Protocol protocol,
            String check, @Nullable String whyNot) {
        HealthChecker other = new HealthChecker(perSecond, control, (endpoint, c, header) -> new CompletableFuture<>(),
                port -> List.of(), new SplittableRandom(1), new HistoryWriter(journal));
        ServiceName name = new ServiceName("default", "db");
        Service service = Service.builder(name)
                .annotations(check.isEmpty() ? Map.of() : Map.of(HealthCheck.CHECK, check)).build();
        EndpointChecks checks = other.of(new ServicePortName(name, "db", protocol), service);
        assertThat(checks.whyNot()).isEqualTo(whyNot);
        assertThat(checks.check() != null).isEqualTo(!check.isEmpty() && whyNot == null);
    }

    /** Words as in {@link #happen}; checks are made every second, give or take a tenth. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            all pass and nothing is told                   | wait 10                         | ''  | ''
            the first check decides                        | bad a, wait 1.2                 | a   | EndpointUnhealthy
            later one has to fail three in a row           | wait 2, bad a, wait 2.1         | ''  | ''
            and is out then                                | wait 2, bad a, wait 4           | a   | EndpointUnhealthy
            it is back when it passes two in a row         | bad a, wait 2, good a, wait 3   | ''  | EndpointUnhealthy EndpointHealthy
            one failure of this node changes nothing       | broken a, wait 10               | ''  | ''
            nor does it bring one back                     | bad a, wait 2, broken a, wait 9 | a   | EndpointUnhealthy
            what is known is kept through a reload         | bad a, wait 2, with c           | a   | EndpointUnhealthy
            one that goes is forgotten                     | bad a, wait 2, without a, good a, with a, wait 1.2 | '' | EndpointUnhealthy
            without the annotation nothing is checked      | unasked, bad a, wait 10         | ''  | ''
            """)
    void an_endpoint_is_left_out_while_it_fails(String what, String events, String failing, String told) {
        checker.follow(web, CHECK, web.endpoints);
        for (String event : events.split(", ", -1)) {
            happen(event);
        }
        assertThat(web.failing()).as("failing").isEqualTo(failing);
        assertThat(types()).as("told").isEqualTo(told);
    }

    @Test
    void all_that_change_within_a_moment_are_rerouted_together() {
        checker.follow(web, CHECK, web.endpoints);
        happen("wait 2");
        int before = web.reroutes;
        List.of("a", "b").forEach(name -> happen("bad " + name));
        happen("wait 5");
        assertThat(web.failing()).isEqualTo("a b");
        assertThat(web.reroutes - before).isLessThanOrEqualTo(2);
        assertThat(messages()).last().asString().endsWith(
                "fails its health check: it answered 503; it gets connections all the same, as every endpoint fails");
    }

    @Test
    void an_endpoint_that_hangs_is_not_asked_a_second_time() {
        happen("hangs a");
        checker.follow(web, CHECK, web.endpoints);
        happen("wait 20");
        assertThat(asked.stream().filter(address("a")::equals)).hasSize(1);
        assertThat(asked.stream().filter(address("b")::equals).count()).isBetween(18L, 22L);
    }

    @Test
    void after_the_end_nothing_is_asked() {
        checker.follow(web, CHECK, web.endpoints);
        happen("wait 2");
        int before = asked.size();
        checker.stop();
        checker.follow(web, CHECK, web.endpoints);
        happen("wait 20");
        assertThat(asked).hasSize(before);
        assertThat(web.counted).isEqualTo(before);
    }

    private String types() {
        return events().stream().map(event -> event.change().type()).collect(Collectors.joining(" "));
    }

    private List<String> messages() {
        return events().stream().map(event -> event.change().message()).toList();
    }

    private List<Event> events() {
        return journal.first(Journal.Wanted.ALL, 1_000).events();
    }

    /** A port that does what it is asked, and counts it. */
    private static final class FakePort implements HealthChecker.Subject {
        private final ServicePortName name =
                new ServicePortName(new ServiceName("default", "web"), "http", Protocol.TCP);
        final Set<EndpointAddress> endpoints;
        EndpointChecks checks = EndpointChecks.NONE;
        int counted;
        int reroutes;

        FakePort(String... endpoints) {
            this.endpoints = Arrays.stream(endpoints).map(HealthCheckerTest::address)
                    .collect(Collectors.toCollection(HashSet::new));
        }

        String failing() {
            return endpoints.stream().filter(checks::fails).map(e -> Character.toString(e.ip().getAddress()[3]))
                    .collect(Collectors.toCollection(TreeSet::new)).stream().collect(Collectors.joining(" "));
        }

        @Override
        public void checked(EndpointChecks next, List<EndpointAddress> ejected) {
            checks = next;
            reroutes++;
        }

        @Override
        public void checkedOne(boolean passed) {
            counted++;
        }

        @Override
        public ServicePortName name() {
            return name;
        }

        @Override
        public ProxyProtocol proxyProtocol() {
            return ProxyProtocol.NONE;
        }

        @Override
        public @Nullable String pod(EndpointAddress endpoint) {
            return null;
        }

        @Override
        public boolean leftOut(EndpointAddress endpoint) {
            return checks.fails(endpoint) && endpoints.stream().anyMatch(other -> !checks.fails(other));
        }
    }
}
