package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class EmptyReasonTest {

    static Stream<Arguments> reasons() {
        Map<String, String> selector = Map.of("tier", "web", "app", "kubia");
        return Stream.of(
                Arguments.of(new EmptyReason.SelectorMatchesNoPod(selector, 0, null, Map.of(), null),
                        "selector app=kubia,tier=web matches 0 of 0 pods"),
                Arguments.of(new EmptyReason.SelectorMatchesNoPod(selector, 1, "a", Map.of(), null),
                        "selector app=kubia,tier=web matches 0 of 1 pod; nearest is pod a without these labels"),
                Arguments.of(new EmptyReason.SelectorMatchesNoPod(selector, 3, "a", Map.of("app", "kubia-v2"), null),
                        "selector app=kubia,tier=web matches 0 of 3 pods; nearest is pod a with app=kubia-v2"),
                Arguments.of(new EmptyReason.SelectorMatchesNoPod(selector, 3, "a", Map.of("app", "x"), "shop"),
                        "selector app=kubia,tier=web matches 0 of 3 pods; it would match in namespace shop"),
                Arguments.of(new EmptyReason.WorkloadWithoutAddress("Deployment shop/api", "shop/api", 1),
                        "Deployment shop/api would make 1 Pod: say where with --endpoint shop/api=HOST:PORT"),
                Arguments.of(new EmptyReason.WorkloadWithoutAddress("StatefulSet shop/db", "shop/db", 3),
                        "StatefulSet shop/db would make 3 Pods: say where with --endpoint shop/db=HOST:PORT"),
                Arguments.of(new EmptyReason.WorkloadWithoutAddress("Deployment shop/api", "shop/api", 0),
                        "Deployment shop/api makes no Pods: its replicas are 0"),
                Arguments.of(
                        new EmptyReason.ProgramNotFound("Deployment shop/api",
                                "no program listens at port 80: start it"),
                        "Deployment shop/api: no program listens at port 80: start it"),
                Arguments.of(new EmptyReason.PodsLeftOut(Map.of("a", "has no IP")),
                        "1 pod is selected but left out: a has no IP"),
                Arguments.of(new EmptyReason.PodsLeftOut(Map.of("b", "has no IP", "a", "has failed")),
                        "2 pods are selected but left out: a has failed, b has no IP"),
                Arguments.of(
                        new EmptyReason.PodsLeftOut(
                                Map.of("e", "has no IP", "b", "has no IP", "a", "has failed", "c", "has no IP", "d",
                                        "has no IP")),
                        "5 pods are selected but left out: a has failed, b has no IP, c has no IP and 2 more"),
                Arguments.of(new EmptyReason.NoneReady(1, List.of("a")), "1 endpoint, not ready: a"),
                Arguments.of(new EmptyReason.NoneReady(3, List.of("a", "b", "c")),
                        "3 endpoints, none ready: a, b, c"),
                Arguments.of(new EmptyReason.NoneReady(4, List.of("a", "b", "c", "d")),
                        "4 endpoints, none ready: a, b, c and 1 more"),
                Arguments.of(new EmptyReason.TargetPortNotFound("http", Protocol.TCP, List.of("a", "b")),
                        "targetPort http/TCP is not a container port of a, b"),
                Arguments.of(new EmptyReason.NothingWritten(),
                        "no selector, and no Endpoints or EndpointSlice is written for it"),
                Arguments.of(new EmptyReason.PortNotWritten("http", List.of()),
                        "its endpoints have no port named 'http'"),
                Arguments.of(new EmptyReason.PortNotWritten("http", List.of("", "https")),
                        "its endpoints have no port named 'http', only '', 'https'"),
                Arguments.of(new EmptyReason.NoneOnThisNode("n1"),
                        "traffic policy Local, and no ready endpoint is on node n1"));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("reasons")
    void one_line_for_a_person(EmptyReason reason, String text) {
        assertThat(reason.describe()).isEqualTo(text).doesNotContain("\n");
    }

    @Test
    void one_word_for_a_machine() {
        assertThat(new EmptyReason.NothingWritten().code()).isEqualTo("NothingWritten");
        assertThat(new EmptyReason.NoneOnThisNode("n1").code()).isEqualTo("NoneOnThisNode");
    }
}
