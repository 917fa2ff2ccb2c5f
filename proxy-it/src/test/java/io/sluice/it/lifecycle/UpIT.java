package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.PodProgram;
import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** {@code sluice up}: the developer's programs play the pods. */
@Timeout(180)
class UpIT {

    private static final int PORT = 18_090;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private static InetSocketAddress service(SluiceProcess sluice, String name) {
        return new InetSocketAddress(sluice.address(name).getAddress(), PORT);
    }

    private static void workload(SluiceProcess sluice, String name, int replicas) throws IOException {
        sluice.manifests().replace(name + ".yaml", """
                apiVersion: v1
                kind: Service
                metadata: {name: %1$s}
                spec: {clusterIP: %2$s, selector: {app: %1$s}, ports: [{port: %3$d, targetPort: http}]}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: %1$s}
                spec:
                  replicas: %4$d
                  selector: {matchLabels: {app: %1$s}}
                  template:
                    metadata: {labels: {app: %1$s}}
                    spec: {containers: [{name: c, ports: [{name: http, containerPort: 18080}]}]}
                """.formatted(name, sluice.address(name).getAddress().getHostAddress(), PORT, replicas));
    }

    private void up(SluiceProcess sluice, String commands) throws IOException {
        Path file = Files.writeString(directory.resolve("sluice-up.yaml"), commands);
        sluice.command("up", "-f", sluice.manifests().directory().toString(), "-c", file.toString(), "--log-level",
                "info",
                "--metrics-bind-address", "127.0.0.1:0", "--healthz-bind-address", "127.0.0.1:0");
    }

    private static String program() {
        return JsonMapper.shared().writeValueAsString(PodProgram.command());
    }

    private static String get(InetSocketAddress address, String path) throws IOException {
        return HttpClientConnection.get(address, path);
    }

    private static void awaitAnswer(InetSocketAddress address, String path, String answer) {
        await().atMost(PATIENCE).ignoreExceptions()
                .untilAsserted(() -> assertThat(get(address, path)).contains(answer));
    }

    @Test
    void programs_call_each_other_by_name_through_their_services_and_end_with_it() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", 2);
            workload(sluice, "web", 1);
            up(sluice, "api: " + program() + "\nweb: {command: " + program() + "}\n");
            awaitAnswer(service(sluice, "web"), "/", "web-1");
            awaitAnswer(service(sluice, "api"), "/", "api-");
            sluice.awaitLine("api-2 | listening at");

            Set<String> hits = new TreeSet<>();
            await().atMost(PATIENCE).ignoreExceptions().untilAsserted(() -> {
                String answer = get(service(sluice, "web"), "/via/api:" + PORT);
                hits.add(answer.substring(answer.length() - "api-1".length()));
                assertThat(hits).containsExactly("api-1", "api-2");
            });
            awaitAnswer(service(sluice, "web"), "/via/api.default.svc.cluster.local:" + PORT, "api-");

            assertThat(sluice.signal("TERM").exitCode()).as("%s", sluice.lines()).isZero();
            assertThat(listening(sluice)).isEmpty();
        }
    }

    @Test
    void a_program_that_ends_is_started_again_and_gets_no_connections_meanwhile() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", 1);
            up(sluice, "api: " + program());
            awaitAnswer(service(sluice, "api"), "/", "api-1");

            assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> get(service(sluice, "api"), "/exit")))
                    .isNotNull();

            sluice.awaitLine("api-1 | -- exited with code 7 after ");
            awaitAnswer(service(sluice, "api"), "/", "api-1");
            assertThat(sluice.admin("/api/v1/events")).contains(
                    "not ready: its program exited with code 7");
        }
    }

    @Test
    void a_program_whose_command_is_edited_starts_anew_and_others_go_on() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", 1);
            workload(sluice, "web", 1);
            up(sluice, "api: \"echo first; exec sleep 600\"\nweb: \"echo web $$; exec sleep 600\"\n");
            sluice.awaitLine("api-1 | first");
            sluice.awaitLine("web-1 | web ");
            Path file = directory.resolve("sluice-up.yaml");
            Files.writeString(file, "api: {commando: x}\n");
            sluice.awaitLine("; the programs stay as they are");
            Files.writeString(file, "api: \"echo second; exec sleep 600\"\nweb: \"echo web $$; exec sleep 600\"\n");
            sluice.awaitLine("api-1 | second");
            assertThat(sluice.lines()).filteredOn(line -> line.contains("web-1 | web ")).hasSize(1);
        }
    }

    @Test
    void a_job_that_has_done_its_work_does_not_start_again() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.manifests().replace("job.yaml", """
                    apiVersion: batch/v1
                    kind: Job
                    metadata: {name: migrate}
                    spec: {template: {spec: {containers: [{name: c}]}}}
                    """);
            up(sluice, "migrate: echo migrated\n");
            sluice.awaitLine("migrate-1 | -- has done its work");
            assertThat(sluice.lines()).noneMatch(line -> line.contains("starts again"));
        }
    }

    @Test
    void what_ignores_sigterm_is_killed_and_so_is_what_it_has_started() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", 1);
            up(sluice, "api: \"trap '' TERM; sleep 600 & echo child $!; wait\"");
            sluice.awaitLine("api-1 | child ");
            long child = child(sluice);
            assertThat(ProcessHandle.of(child)).isPresent();

            assertThat(sluice.signal("TERM").exitCode()).isZero();

            await().atMost(PATIENCE).until(() -> ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
        }
    }

    @Test
    void a_program_ends_also_if_sluice_is_killed() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", 1);
            up(sluice, "api: \"sleep 600 & echo child $!; wait\"");
            sluice.awaitLine("api-1 | child ");
            long child = child(sluice);

            sluice.signal("KILL").exitCode();

            await().atMost(PATIENCE).until(() -> ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
        }
    }

    @Test
    void a_mistake_in_the_file_is_one_line_with_its_place_and_nothing_starts() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", 1);
            up(sluice, "api: {command: x, prot: 1}\napy: y\n");

            assertThat(sluice.exitCode()).isEqualTo(1);
            assertThat(sluice.lines()).containsExactly("sluice: " + directory + "/sluice-up.yaml:1: api.prot: is not a"
                    + " field; did you mean port?; there are command, env, listen, port, replicas, workingDirectory");

            up(sluice, "apy: y\n");

            assertThat(sluice.exitCode()).isEqualTo(1);
            assertThat(sluice.lines()).containsExactly("sluice: " + directory + "/sluice-up.yaml:1: apy: is no workload"
                    + " of the manifests; did you mean default/api?");
        }
    }

    private static long child(SluiceProcess sluice) {
        Pattern said = Pattern.compile("api-1 \\| child (\\d+)");
        return sluice.lines().stream().flatMap(line -> said.matcher(line).results()).map(MatchResult::group)
                .map(text -> Long.parseLong(text.substring(text.lastIndexOf(' ') + 1))).findFirst().orElseThrow();
    }

    /** The addresses at which programs still listen. */
    private static Set<String> listening(SluiceProcess sluice) {
        Pattern said = Pattern.compile("listening at /([0-9.]+):(\\d+)");
        Set<String> open = new TreeSet<>();
        sluice.lines().stream().flatMap(line -> said.matcher(line).results()).forEach(found -> {
            try {
                get(new InetSocketAddress(found.group(1), Integer.parseInt(found.group(2))), "/");
                open.add(found.group());
            } catch (IOException e) {
                assertThat(e).isInstanceOf(java.net.ConnectException.class);
            }
        });
        return open;
    }
}
