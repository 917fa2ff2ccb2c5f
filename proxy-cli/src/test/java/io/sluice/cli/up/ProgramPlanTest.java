package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.daemon.StartException;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Workload;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which processes there are, and where each listens. */
class ProgramPlanTest {

    private static final List<Workload> WORKLOADS = List.of(
            new Workload("Deployment", new ServiceName("shop", "api"), 2, -1, List.of(8080, 9102), true, List.of()),
            new Workload("Deployment", new ServiceName("default", "web"), 1, -1, List.of(80), true, List.of()),
            new Workload("StatefulSet", new ServiceName("shop", "db"), 2, 0, List.of(5432), true, List.of()),
            new Workload("Deployment", new ServiceName("shop", "bare"), 1, -1, List.of(), true, List.of()),
            new Workload("Deployment", new ServiceName("a", "twin"), 1, -1, List.of(1), true, List.of()),
            new Workload("Deployment", new ServiceName("b", "twin"), 1, -1, List.of(1), true, List.of()),
            new Workload("Pod", new ServiceName("default", "lone"), 1, -1, List.of(70), true, List.of()),
            new Workload("Deployment", new ServiceName("shop", "worker"), 1, -1, List.of(), false, List.of()),
            new Workload("Job", new ServiceName("shop", "migrate"), 1, -1, List.of(), false, List.of()));

    /** A machine on which these {@code address:port} are taken, and ports below 1024 need a privilege. */
    private static ProgramPlan.Machine machine(String... taken) {
        return new ProgramPlan.Machine() {
            @Override
            public boolean isFree(InetAddress ip, int port) {
                return !Arrays.asList(taken).contains(ip.getHostAddress() + ":" + port)
                        && !Arrays.asList(taken).contains("*:" + port);
            }

            @Override
            public int permitted(int port) {
                return port < 1024 ? port + 10_000 : port;
            }
        };
    }

    /** {@code workload}, then {@code xN} for replicas, {@code :N} for a port, {@code !} for a port of its own. */
    private static List<Program> programs(String words) {
        List<Program> programs = new ArrayList<>();
        for (String word : words.split(" ", -1)) {
            String[] parts = word.replace("!", "").split("[:×]", -1);
            int port = word.contains(":") ? Integer.parseInt(parts[word.indexOf(':') < word.indexOf('×') ? 1
                    : parts.length - 1]) : 0;
            int replicas = word.contains("×") ? Integer.parseInt(parts[1]) : -1;
            Program plain = Program.of("f:1", parts[0], List.of("x"), Path.of("/"));
            programs.add(new Program(plain.location(), plain.namespace(), plain.name(), plain.command(), port, replicas,
                    Map.of(), plain.directory(), word.endsWith("!")));
        }
        return programs;
    }

    private static ProgramPlan plan(String words, String... taken) throws StartException {
        return ProgramPlan.of(programs(words), WORKLOADS, Set.of(8080, 20_001), machine(taken));
    }

    private static List<String> shown(ProgramPlan plan) {
        return plan.replicas().stream().map(r -> r.pod() + "=" + r.address()).toList();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            as many as the workload has, at its main port  | shop/api      | shop/api-1=127.122.A.1:8080 shop/api-2=127.122.A.2:8080
            without a namespace the only one of the name   | api×1         | shop/api-1=127.122.A.1:8080
            another number, another port                   | shop/api×3:30 | shop/api-1=127.122.A.1:10030 shop/api-2=127.122.A.2:10030 shop/api-3=127.122.A.3:10030
            a port that needs a privilege                  | web           | default/web-1=127.122.A.1:10080
            a StatefulSet counts from 0                    | shop/db       | shop/db-0=127.122.A.1:5432 shop/db-1=127.122.A.2:5432
            a Pod                                          | lone          | default/lone=127.122.A.1:10070
            none                                           | shop/api×0    | ''
            ports of their own pass by those of Services   | shop/api!     | shop/api-1=127.0.0.1:20000 shop/api-2=127.0.0.1:20002
            from the port that is written                  | shop/api:3000! | shop/api-1=127.0.0.1:3000 shop/api-2=127.0.0.1:3001
            a worker that no Service selects               | worker        | shop/worker-1=127.122.A.1:0
            a workload without ports                       | bare!         | shop/bare-1=127.0.0.1:20000
            each program has its ports                     | bare! web!    | shop/bare-1=127.0.0.1:20000 default/web-1=127.0.0.1:20002
            """)
    void each_replica_has_an_address_of_its_own(String name, String words, String expected) throws StartException {
        ProgramPlan plan = plan(words);

        assertThat(String.join(" ", shown(plan)).replaceAll("127\\.122\\.\\d+\\.", "127.122.A.")).as(name)
                .isEqualTo(expected);
        assertThat(plan.endpoints().stream().mapToInt(e -> e.addresses().size()).sum())
                .isEqualTo(plan.replicas().size());
    }

    @Test
    void only_a_job_has_done_its_work_when_it_ends() throws StartException {
        ProgramPlan plan = plan("worker migrate");
        assertThat(plan.replicas().stream().filter(Replica::once).map(r -> r.pod().toString()))
                .containsExactly("shop/migrate-1");
        assertThat(plan.replicas()).noneMatch(Replica::listens);
    }

    @Test
    void addresses_are_the_same_after_each_start_and_no_two_programs_share_one() throws StartException {
        List<String> first = shown(plan("shop/api shop/db web lone"));

        assertThat(shown(plan("lone web shop/db shop/api"))).containsExactlyInAnyOrderElementsOf(first)
                .doesNotHaveDuplicates();
    }

    @Test
    void addresses_that_are_taken_are_passed_by() throws StartException {
        String first = plan("shop/api").replicas().getLast().address().toString();

        assertThat(plan("shop/api", first).replicas()).hasSize(2)
                .noneMatch(replica -> replica.address().toString().equals(first));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a name that nothing has       | shop/apy      | shop/apy: is no workload of the manifests; did you mean shop/api?
            the wrong namespace           | other/quite   | other/quite: is no workload of the manifests; there are a/twin, b/twin, default/lone, default/web, shop/api and 4 more
            a name that two have          | twin          | twin: is Deployment a/twin and Deployment b/twin: write the namespace, if that tells them apart
            twice the same                | api shop/api  | shop/api: is Deployment shop/api, which has a program already
            no port                       | bare          | bare: names no container port: write 'port', where the program listens
            a Service's port              | api:8080!     | api: listens at all addresses with port 8080, which is a Service's: write another 'port', or none
            a port in use                 | api:4000!     | api: cannot listen at port 4000: it is in use (ss -ltnp 'sport = :4000' names by what)
            a program at all addresses    | shop/db       | shop/db: has no free addresses: a program listens at all addresses with port 5432 (ss -ltnp 'sport = :5432' names it); have it listen at 127.0.0.1 alone, or write another 'port'
            """)
    void what_cannot_be_planned_is_told_with_file_and_line(String name, String words, String message) {
        assertThatThrownBy(() -> plan(words, "0.0.0.0:4000", "*:5432")).as(name).hasMessage("f:1: " + message);
    }
}
