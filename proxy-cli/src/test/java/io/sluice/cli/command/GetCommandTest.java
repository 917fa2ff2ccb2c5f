package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.sluice.cli.Console;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code get} makes of a daemon's answers. */
class GetCommandTest {

    private static final String SERVICES = """
            {"services": [
              {"namespace": "default", "name": "kubia", "type": "ClusterIP", "clusterIPs": ["127.120.1.2"],
               "headless": false, "externalName": null, "externalIPs": [], "loadBalancerIPs": [],
               "selector": {"app": "kubia"}, "createdAt": "CREATED", "ports": [
                 {"name": "http", "protocol": "TCP", "port": 80, "nodePort": 30080, "targetPort": "8080", "proxied": true,
                  "listeners": [{"address": "127.120.1.2:80", "kind": "ClusterIP", "status": "Listening", "problem": null},
                                {"address": "127.0.0.1:30080", "kind": "NodePort", "status": "Failed", "problem": "in use"}],
                  "clusterEndpoints": ["127.121.0.11:8080", "127.121.0.12:8080", "127.121.0.13:8080", "127.121.0.14:8080"],
                  "endpoints": [
                    {"address": "127.121.0.11:8080", "ready": true, "activeConnections": 2, "totalConnections": 7,
                     "pod": "kubia-1", "connect": {"count": 7, "p50Ms": 0.2123, "p99Ms": 3.0},
                     "firstByte": {"count": 6, "p50Ms": 1.49, "p99Ms": 123.4}},
                    {"address": "127.121.0.12:8080", "ready": true, "ejected": true, "activeConnections": 0, "totalConnections": 0,
                     "failedConnections": {"refused": 3, "timeout": 2}},
                    {"address": "127.121.0.13:8080", "ready": true, "activeConnections": 0, "totalConnections": 0},
                    {"address": "127.121.0.14:8080", "ready": true, "activeConnections": 0, "totalConnections": 0},
                    {"address": "127.121.0.19:8080", "ready": false, "activeConnections": 0, "totalConnections": 1}],
                  "whyEmpty": null}]},
              {"namespace": "default", "name": "lonely", "type": "ClusterIP", "clusterIPs": ["127.120.1.3"],
               "headless": false, "externalName": null, "externalIPs": [], "loadBalancerIPs": [], "selector": {},
               "createdAt": "CREATED", "ports": [
                 {"name": "", "protocol": "TCP", "port": 80, "nodePort": 0, "listeners": [], "clusterEndpoints": [],
                  "endpoints": [], "whyEmpty": {"reason": "NothingWritten", "message": "nothing is written for it"}}]},
              {"namespace": "default", "name": "out", "type": "ExternalName", "clusterIPs": [], "headless": false,
               "externalName": "api.example.com", "externalIPs": [], "loadBalancerIPs": [], "selector": {},
               "createdAt": "CREATED", "ports": []}]}
            """;

    private static final String CONNECTIONS = """
            {"total": 1, "connections": [
              {"id": 5, "client": "127.0.0.1:40000", "listener": "127.120.1.2:80", "namespace": "default",
               "service": "kubia", "port": "http", "endpoint": "127.121.0.11:8080", "state": "established",
               "acceptedAt": "CREATED", "bytesFromClient": 78, "bytesFromBackend": 1024, "retries": 1}]}
            """;

    private final List<String> queries = new ArrayList<>();
    private HttpServer server;
    private String services = SERVICES;
    private String connections = CONNECTIONS;
    /** What a daemon that is watched answers from the second question on; after that it ends. */
    private final List<String> later = new ArrayList<>();
    private boolean watched;
    private boolean draining;
    private int status = 200;
    /** Of the Services, for a daemon that selects; null for one that does not. */
    private @Nullable String inNamespace;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String query = exchange.getRequestURI().toString();
            queries.add(query);
            if (queries.size() > 1 && !later.isEmpty()) {
                services = later.removeFirst();
                watched = true;
            } else if (watched) {
                status = 500;
            }
            String created = Instant.now().minus(5, ChronoUnit.HOURS).toString();
            String body = exchange.getRequestURI().getPath().endsWith("services") ? services : connections;
            if (inNamespace != null && query.contains("namespace=") && !query.contains("namespace=" + inNamespace)) {
                body = "{\"services\": []}";
            }
            byte[] answer = body.replace("CREATED", created).getBytes(StandardCharsets.UTF_8);
            if (draining) {
                exchange.getResponseHeaders().add("Sluice-Draining", "2");
            }
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void services_look_as_in_kubectl() {
        assertThat(get("svc").out()).isEqualTo("""
                NAME     TYPE           CLUSTER-IP    EXTERNAL-IP       PORT(S)                       AGE
                kubia    ClusterIP      127.120.1.2   <none>            80:30080/TCP(1 of 2 Failed)   5h
                lonely   ClusterIP      127.120.1.3   <none>            80/TCP                        5h
                out      ExternalName   <none>        api.example.com   <none>                        5h
                """);
    }

    @Test
    void a_daemon_that_is_ending_is_not_taken_for_the_next_one() {
        draining = true;
        assertThat(get("ep").err())
                .matches("sluice: the daemon at 127.0.0.1:\\d+ is ending: it takes no connections any"
                        + " more, and waits for 2 that are open\n");
    }

    @Test
    void a_port_that_is_not_served_is_seen_and_where_to_ask_why() {
        assertThat(get("svc").err())
                .isEqualTo("(Failed): connections are refused; 'sluice explain default/kubia' says why\n");
        services = SERVICES.replace("Listening", "Failed");
        assertThat(get("svc").out()).contains("80:30080/TCP(Failed)");
        services = SERVICES.replace("Failed", "Listening");
        assertThat(get("svc").out()).contains("80:30080/TCP  ");
        assertThat(get("svc").err()).isEmpty();
        services = SERVICES;
        assertThat(get("svc", "-o", "json").err()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            svc kubia               | namespace=default&service=kubia
            svc svc/kubia           | namespace=default&service=kubia
            svc/kubia               | namespace=default&service=kubia
            ep/kubia:http -n shop   | namespace=shop&service=kubia
            svc service/kubia -n a  | namespace=a&service=kubia
            svc shop/kubia:http     | namespace=shop&service=kubia
            svc shop/kubia -A       | namespace=shop&service=kubia
            ep  ep/kubia -A         | service=kubia
            conn shop/kubia -n shop | namespace=shop&service=kubia
            """)
    void a_service_may_be_written_as_the_log_and_kubectl_write_it(String words, String query) {
        get(words.split(" +", -1));
        assertThat(queries).first().satisfies(asked -> assertThat(asked).endsWith("&" + query));
    }

    @Test
    void what_is_in_another_namespace_is_not_far() {
        inNamespace = "default";
        assertThat(get("svc", "-n", "shop").err())
                .isEqualTo("No resources found in shop namespace. 3 in other namespaces: -A shows them\n");
        assertThat(get("svc", "kubia", "-n", "shop").err()).isEqualTo(
                "sluice: services \"kubia\" not found in namespace shop; it exists in namespace default: -n default\n");
    }

    @Test
    void wide_services_also_say_where_they_listen_and_how_much_they_are_used() {
        assertThat(get("services", "-o", "wide").out().lines().toList().get(1)).endsWith(
                "app=kubia   127.120.1.2:80,127.0.0.1:30080(Failed)   2        8");
    }

    @Test
    void endpoints_are_shortened_and_empty_ones_say_why() {
        assertThat(get("ep", "-A").out()).isEqualTo("""
                NAMESPACE   NAME     ENDPOINTS                                                                     AGE
                default     kubia    127.121.0.11:8080,127.121.0.12:8080 (ejected),127.121.0.13:8080 + 1 more...   5h
                default     lonely   <none> (nothing is written for it)                                            5h
                default     out      <none>                                                                        5h
                """);
    }

    @Test
    void wide_endpoints_have_a_line_each_with_how_fast_they_are() {
        assertThat(get("endpoints", "-A", "-o", "wide").out()).isEqualTo("""
                NAMESPACE   NAME     PORT   ENDPOINT                             STATE       EJECTED   ACTIVE   TOTAL   FAILED   CONNECT    FIRST-BYTE   POD       AGE
                default     kubia    http   127.121.0.11:8080                    ready       no        2        7       0        0.21/3ms   1.5/120ms    kubia-1   5h
                default     kubia    http   127.121.0.12:8080                    ready       yes       0        0       5        -          -            -         5h
                default     kubia    http   127.121.0.13:8080                    ready       no        0        0       0        -          -            -         5h
                default     kubia    http   127.121.0.14:8080                    ready       no        0        0       0        -          -            -         5h
                default     kubia    http   127.121.0.19:8080                    not-ready   no        0        1       0        -          -            -         5h
                default     lonely   80     <none> (nothing is written for it)   -           -         0        0       0        -          -            -         5h
                default     out      -      <none>                               -           -         0        0       0        -          -            -         5h
                """);
    }

    @Test
    void watched_wide_endpoints_show_the_one_that_differs() {
        later.add(SERVICES.replace("\"ejected\": true", "\"ejected\": false"));
        assertThat(get("endpoints", "-o", "wide", "-w").out().lines().skip(8)).singleElement().asString()
                .contains("127.121.0.12:8080", " no ");
    }

    @Test
    void connections_are_listed() {
        assertThat(get("conn").out()).isEqualTo("""
                PROTOCOL   CLIENT            SERVICE   ENDPOINT            STATE         AGE
                TCP        127.0.0.1:40000   kubia     127.121.0.11:8080   established   5h
                """);
        assertThat(get("connections", "-o", "wide").out()).contains("127.120.1.2:80", "78", "1024");
    }

    @Test
    void connections_are_sorted_as_asked() {
        String connection =
                """
                {"id": %d, "client": "127.0.0.1:%d", "listener": "127.120.1.2:80", "namespace": "%s", "service": "kubia",
                 "state": "established", "acceptedAt": "2026-11-30T02:00:0%dZ", "bytesFromClient": %d, "bytesFromBackend": 1}""";
        connections = "{\"connections\": [" + connection.formatted(1, 40001, "b", 3, 5) + ","
                + connection.formatted(2, 40002, "a", 2, 9) + "," + connection.formatted(3, 40003, "b", 1, 7) + "]}";
        assertThat(clients("conn", "-A")).containsExactly("40002", "40001", "40003");
        assertThat(clients("conn", "-A", "--sort-by", "bytes")).containsExactly("40002", "40003", "40001");
        assertThat(clients("conn", "-A", "--sort-by", "age")).containsExactly("40003", "40002", "40001");
        assertThat(get("conn", "--sort-by", "size").err())
                .startsWith("sluice: --sort-by: 'size' is none of bytes, age");
    }

    private List<String> clients(String... words) {
        return get(words).out().lines().skip(1).map(line -> line.replaceAll("(?s).*127\\.0\\.0\\.1:(\\d+).*", "$1"))
                .toList();
    }

    /** The daemon ends after its last answer. */
    @Test
    void whoever_watches_sees_what_is_new_differs_or_is_gone() {
        later.add(SERVICES.replace("api.example.com", "db.example.com").replace("\"lonely\"", "\"other\""));
        Console console = get("svc", "-w");
        assertThat(console.out()).isEqualTo("""
                NAME     TYPE           CLUSTER-IP    EXTERNAL-IP       PORT(S)                       AGE
                kubia    ClusterIP      127.120.1.2   <none>            80:30080/TCP(1 of 2 Failed)   5h
                lonely   ClusterIP      127.120.1.3   <none>            80/TCP                        5h
                out      ExternalName   <none>        api.example.com   <none>                        5h
                other    ClusterIP      127.120.1.3   <none>            80/TCP                        5h
                out      ExternalName   <none>        db.example.com    <none>                        5h
                lonely   ClusterIP      127.120.1.3   <none>            80/TCP                        5h   (gone)
                """);
        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.err()).contains("answered 500").hasLineCount(1);
    }

    @Test
    void watched_objects_are_a_line_of_json_each() {
        later.add(SERVICES.replace("api.example.com", "db.example.com"));
        assertThat(get("svc", "-w", "-o", "json").out().lines()).hasSize(4).allMatch(line -> line.startsWith("{\"name"))
                .last().satisfies(line -> assertThat(line).contains("db.example.com"));
    }

    @Test
    void namespace_and_name_are_asked_of_the_daemon() {
        get("svc");
        get("svc", "-n", "a b");
        get("svc", "-A");
        get("svc", "kubia");
        assertThat(queries).extracting(query -> query.replaceFirst("limit=\\d+", "")).containsExactly(
                "/api/v1/services?&namespace=default", "/api/v1/services?&namespace=a+b", "/api/v1/services?",
                "/api/v1/services?&namespace=default&service=kubia");
    }

    @Test
    void json_is_what_the_daemon_said() {
        assertThat(get("svc", "-o", "json").out()).startsWith("{").contains("\"items\"", "\"clusterEndpoints\"",
                "\"totalConnections\" : 7");
    }

    @Test
    void nothing_to_show_is_no_failure_but_a_missing_name_is() {
        services = "{\"services\": []}";
        Console nothing = get("svc");
        assertThat(nothing).isEqualTo(new Console(0, "", "No resources found in default namespace.\n"));
        assertThat(get("svc", "-A").err()).isEqualTo("No resources found\n");
        assertThat(get("svc", "kubia")).isEqualTo(
                new Console(1, "", "sluice: services \"kubia\" not found in namespace default\n"));
    }

    @Test
    void what_is_not_sluice_is_told_in_one_line() {
        services = "<html>";
        assertThat(get("svc").err()).startsWith("sluice: what answers at ").endsWith("its answer is not JSON\n")
                .hasLineCount(1);
        services = "{}";
        assertThat(get("svc").err()).endsWith("it has no services\n").hasLineCount(1);
        status = 404;
        Console notFound = get("svc");
        assertThat(notFound.err()).contains(" answered 404 to GET /api/v1/services").hasLineCount(1);
        assertThat(notFound.exitCode()).isEqualTo(1);
    }

    @Test
    void the_address_may_come_from_the_environment() {
        assertThat(Console.run(Map.of("SLUICE_SERVER", "http://" + address() + "/"), "get", "svc").exitCode()).isZero();
    }

    private Console get(String... words) {
        return Console.run(Stream.concat(Stream.of("get"),
                Stream.concat(Arrays.stream(words), Stream.of("--server", address()))).toArray(String[]::new));
    }

    private String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }
}
