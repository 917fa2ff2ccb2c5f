package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.RunningSluice;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The cases of the DNS specification of Kubernetes (schema 1.1.0), asked with dig over UDP and TCP. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DigIT {

    private static final String MANIFESTS = """
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {ports: [{name: http, port: 80}, {port: 81, name: https}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {clusterIP: None, ports: [{name: pg, port: 5432}]}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: db-1, labels: {kubernetes.io/service-name: db}}
            addressType: IPv4
            ports: [{name: pg, port: 15432}]
            endpoints:
            - {addresses: [10.1.0.3], hostname: db-0, conditions: {ready: true}}
            - {addresses: [10.1.0.4], conditions: {ready: true}}
            - {addresses: [10.1.0.5], hostname: db-2, conditions: {ready: false}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: nobody}
            spec: {clusterIP: None, ports: [{name: pg, port: 5432}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: alias}
            spec: {type: ExternalName, externalName: db.default.svc.cluster.local}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: outside}
            spec: {type: ExternalName, externalName: api.example.com}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: p, annotations: {sluice.io/pod-ip: 10.1.0.9}}
            spec: {containers: [{name: c}]}
            """;

    private RunningSluice sluice;
    private int port;
    private String web;

    @BeforeAll
    void start() throws Exception {
        assumeTrue(Programs.installed("dig"), "dig is not installed");
        sluice = new RunningSluice().manifest("all.yaml", MANIFESTS).dns().start();
        port = sluice.sluice().dnsAddresses().getFirst().getPort();
        web = sluice.vip("web").getAddress().getHostAddress();
    }

    @AfterAll
    void stop() throws IOException {
        if (sluice != null) {
            sluice.close();
        }
    }

    /** Name, type, status, and the data of the answers, sorted; WEB stands for the address, REVERSE for its name. */
    static Stream<Arguments> cases() {
        String zone = "default.svc.cluster.local";
        List<String[]> rows = new ArrayList<>();
        rows.add(row("web." + zone, "A", "NOERROR", "WEB"));
        rows.add(row("WEB.Default.svc.CLUSTER.local", "A", "NOERROR", "WEB"));
        rows.add(row("web." + zone, "AAAA", "NOERROR"));
        rows.add(row("web." + zone, "MX", "NOERROR"));
        rows.add(row("_http._tcp.web." + zone, "SRV", "NOERROR", "0 100 80 web." + zone + "."));
        rows.add(row("_http._udp.web." + zone, "SRV", "NXDOMAIN"));
        rows.add(row("http.tcp.web." + zone, "SRV", "NXDOMAIN"));
        rows.add(row("_tcp.web." + zone, "A", "NOERROR"));
        rows.add(row("REVERSE", "PTR", "NOERROR", "web." + zone + "."));
        rows.add(row("REVERSE", "A", "NOERROR"));
        rows.add(row("db." + zone, "A", "NOERROR", "10.1.0.3", "10.1.0.4"));
        rows.add(row("db-0.db." + zone, "A", "NOERROR", "10.1.0.3"));
        rows.add(row("10-1-0-4.db." + zone, "A", "NOERROR", "10.1.0.4"));
        rows.add(row("db-2.db." + zone, "A", "NXDOMAIN"));
        rows.add(row("_pg._tcp.db." + zone, "SRV", "NOERROR", "0 50 15432 10-1-0-4.db." + zone + ".",
                "0 50 15432 db-0.db." + zone + "."));
        rows.add(row("3.0.1.10.in-addr.arpa", "PTR", "NOERROR", "db-0.db." + zone + "."));
        rows.add(row("nobody." + zone, "A", "NXDOMAIN"));
        rows.add(row("alias." + zone, "A", "NOERROR", "10.1.0.3", "10.1.0.4", "db." + zone + "."));
        rows.add(row("outside." + zone, "A", "NOERROR", "api.example.com."));
        rows.add(row("outside." + zone, "TXT", "NOERROR", "api.example.com."));
        rows.add(row("dns-version.cluster.local", "TXT", "NOERROR", "\"1.1.0\""));
        rows.add(row("cluster.local", "NS", "NOERROR", "ns.dns.cluster.local."));
        rows.add(row("svc.cluster.local", "A", "NOERROR"));
        rows.add(row("nothing." + zone, "A", "NXDOMAIN"));
        rows.add(row("web.nowhere.svc.cluster.local", "A", "NXDOMAIN"));
        rows.add(row("10-1-0-9.default.pod.cluster.local", "A", "NOERROR", "10.1.0.9"));
        rows.add(row("10-1-0-8.default.pod.cluster.local", "A", "NXDOMAIN"));
        rows.add(row("example.com", "A", "REFUSED"));
        rows.add(row("cluster.local", "ANY", "NOERROR", "\"RFC8482\" \"\""));
        return rows.stream()
                .flatMap(row -> Stream.of("udp", "tcp").map(protocol -> Arguments.of(protocol, row[0], row[1],
                        row[2], List.of(row).subList(3, row.length))));
    }

    private static String[] row(String... cells) {
        return cells;
    }

    @ParameterizedTest(name = "{2} of {1} over {0} is {3} {4}")
    @MethodSource("cases")
    void dig_is_answered(String protocol, String name, String type, String status, List<String> data) throws Exception {
        String[] octets = web.split("\\.", -1);
        String reverse = octets[3] + "." + octets[2] + "." + octets[1] + "." + octets[0] + ".in-addr.arpa";
        List<String> words = new ArrayList<>(List.of("dig", "@127.0.0.1", "-p", Integer.toString(port), "+noall",
                "+comments", "+answer", "+authority", "+tries=3", "+time=5", "+nocookie",
                protocol.equals("tcp") ? "+tcp" : "+notcp", name.replace("REVERSE", reverse), type));
        List<String> lines = Programs.run(words).lines();

        assertThat(lines).as("%s", lines).anyMatch(line -> line.contains("status: " + status + ","));
        List<String> answers = new ArrayList<>();
        List<String> authority = new ArrayList<>();
        List<String> section = answers;
        for (String line : lines) {
            if (line.startsWith(";; AUTHORITY")) {
                section = authority;
            } else if (!line.startsWith(";") && !line.isBlank()) {
                section.add(line.strip().split("\\s+", 5)[4]);
            }
        }
        assertThat(answers.stream().sorted().toList())
                .isEqualTo(data.stream().map(text -> text.replace("WEB", web)).sorted().toList());
        boolean negative = data.isEmpty() && !status.equals("REFUSED");
        assertThat(authority).as("a negative answer has the SOA").hasSize(negative ? 1 : 0);
    }

    @ParameterizedTest
    @MethodSource("refused")
    void what_nobody_needs_is_refused(List<String> arguments, String expected) throws Exception {
        List<String> words =
                new ArrayList<>(List.of("dig", "@127.0.0.1", "-p", Integer.toString(port), "+tries=1", "+time=5"));
        words.addAll(arguments);
        assertThat(Programs.run(words).text()).contains(expected);
    }

    static Stream<Arguments> refused() {
        return Stream.of(Arguments.of(List.of("cluster.local", "AXFR"), "Transfer failed"),
                Arguments.of(List.of("-c", "CH", "version.bind", "TXT"), "status: REFUSED"),
                Arguments.of(List.of("+opcode=update", "cluster.local", "SOA"), "status: NOTIMP"),
                Arguments.of(List.of("+edns=1", "+noednsneg", "cluster.local", "SOA"), "status: BADVERS"));
    }
}
