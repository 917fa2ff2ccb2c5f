package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.dns.zone.PodRecords;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.DatagramPod;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.NameServer;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.PodProgram;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.SluiceJava;
import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code sluice exec} as a program of its own, with clients that know nothing of Sluice. */
class ExecIT {

    /** How the command's namespaces are made. */
    enum Way {
        /** By root: this machine's network, a resolv.conf of its own. */
        HOST,
        /** By root: a network of its own. */
        OWN,
        /** Without the capabilities that count, through a user namespace; mapping root itself needs CAP_SETFCAP. */
        ROOTLESS;

        private List<String> before() {
            return this == ROOTLESS
                    ? List.of("setpriv", "--bounding-set=-all,+setfcap", "--inh-caps=-all", "--ambient-caps=-all",
                            "--no-new-privs")
                    : List.of();
        }

        private List<String> probe() {
            return switch (this) {
                case HOST -> List.of("unshare", "-m", "true");
                case OWN -> List.of("unshare", "-n", "-m", "true");
                case ROOTLESS -> List.of("unshare", "-U", "-r", "-n", "-m", "true");
            };
        }
    }

    private static final String OUTSIDE = "198.51.100.77";

    private RunningSluice sluice;
    private String vip;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(Programs.installed("unshare") && Programs.installed("setpriv"), "util-linux is not installed");
        sluice = new RunningSluice();
        sluice.manifest("kubia.yaml", Manifests.service("kubia", sluice.address(1)));
        sluice.with(Backend.named(sluice.address(1), "You've hit kubia"));
        boolean root = new ProcessBuilder("id", "-u").start().inputReader().readLine().equals("0");
        sluice.dns(PodRecords.OFF, new InetSocketAddress(InetAddress.ofLiteral(sluice.address(53)),
                root ? 53 : 0)).start();
        vip = sluice.vip("kubia").getAddress().getHostAddress();
    }

    @AfterEach
    void stop() throws IOException {
        if (sluice != null) {
            sluice.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_command_finds_services_by_name_and_by_variables(Way way) throws Exception {
        String before = Files.readString(Path.of("/etc/resolv.conf"));
        Programs.Result result = exec(way, "bash", "-c", "getent ahosts kubia | head -n 1; echo $KUBIA_SERVICE_HOST;"
                + " cat < /dev/tcp/kubia.default/80; echo; grep -v nameserver /etc/resolv.conf; exit 7");

        assertThat(result.text()).startsWith(vip + " ");
        assertThat(result.lines().subList(1, result.lines().size())).containsExactly(vip, "You've hit kubia",
                "search default.svc.cluster.local svc.cluster.local cluster.local", "options ndots:5");
        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(Files.readString(Path.of("/etc/resolv.conf"))).isEqualTo(before);
    }

    @ParameterizedTest
    @EnumSource(names = {"OWN", "ROOTLESS"})
    void listeners_follow_services_while_the_command_runs(Way way) throws Exception {
        assumeWorks(way);
        Process command = new ProcessBuilder(words(way, "bash", "-c",
                "echo started; until getent hosts late >/dev/null; do sleep 0.05; done; cat < /dev/tcp/late/80; echo;"
                        + " while getent hosts late >/dev/null; do sleep 0.05; done; echo gone"))
                .redirectErrorStream(true).start();
        assertThat(command.inputReader().readLine()).isEqualTo("started");
        sluice.service("late", sluice.address(1));
        assertThat(command.inputReader().readLine()).isEqualTo("You've hit kubia");
        Files.delete(sluice.manifests().directory().resolve("late.yaml"));
        assertThat(command.inputReader().readLine()).isEqualTo("gone");
        assertThat(command.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(command.exitValue()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void the_command_exchanges_datagrams_with_a_udp_service(Way way) throws Exception {
        DatagramPod pod = sluice.with(DatagramPod.at(sluice.address(3), 8081, "pod-3"));
        sluice.manifest("flows.yaml", """
                apiVersion: v1
                kind: Service
                metadata: {name: flows}
                spec: {ports: [{port: 80, protocol: UDP, targetPort: 8081}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: flows}
                subsets: [{addresses: [{ip: %s}], ports: [{port: 8081, protocol: UDP}]}]
                """.formatted(sluice.address(3)));

        Programs.Result result = exec(way, "bash", "-c", "until getent hosts flows >/dev/null; do sleep 0.05; done;"
                + " exec 3<>/dev/udp/flows.default/80; for i in 1 2 3; do echo -n $i >&3;"
                + " timeout 10 head -c 5 <&3; echo; done");

        assertThat(result.lines()).containsExactly("pod-3", "pod-3", "pod-3");
        assertThat(pod.received()).isEqualTo(3);
        assertThat(pod.senders()).hasSize(1);
    }

    /** Names of a headless Service lead to its Pods, which are at loopback addresses of this machine. */
    @ParameterizedTest
    @EnumSource(names = {"OWN", "ROOTLESS"})
    void the_pods_of_a_headless_service_are_reached(Way way) throws Exception {
        sluice.with(Pod.at(sluice.address(4), 5432, "db-0"));
        sluice.manifest("db.yaml", """
                apiVersion: v1
                kind: Service
                metadata: {name: db}
                spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
                ---
                apiVersion: apps/v1
                kind: StatefulSet
                metadata: {name: db, annotations: {sluice.io/endpoint: %s}}
                spec:
                  serviceName: db
                  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, ports: [{containerPort: 5432}]}]}}
                """.formatted(sluice.address(4)));
        Programs.Result result = exec(way, "bash", "-c", "until getent hosts db-0.db >/dev/null; do sleep 0.05; done;"
                + " for i in 1 2; do exec 3<>/dev/tcp/db-0.db/5432; printf 'GET / HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' >&3;"
                + " tail -n 1 <&3; echo; done");
        assertThat(result.text()).contains("db-0\n", "db-0\n").doesNotContain("refused");
    }

    @Test
    void tcp_connections_lead_to_the_world_outside_unless_they_must_not() throws Exception {
        String outside = outside();
        try {
            sluice.with(Pod.at(outside, 18_093, "outside"));
            String[] get = {"bash", "-c", "exec 3<>/dev/tcp/" + outside + "/18093 || exit 9;"
                    + " printf 'GET / HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' >&3; tail -n 1 <&3"};
            assertThat(exec(Way.ROOTLESS, get).text()).contains("outside");
            Programs.Result refused = Programs.run(words(Way.ROOTLESS, List.of("--no-internet"), get));
            assertThat(refused.exitCode()).isEqualTo(9);
        } finally {
            Programs.run(List.of("ip", "addr", "del", OUTSIDE + "/32", "dev", "lo"));
        }
    }

    @Test
    void names_outside_the_cluster_are_those_of_the_machine_and_lead_outside(@TempDir Path folder) throws Exception {
        assumeWorks(Way.ROOTLESS);
        String outside = outside();
        try (SluiceProcess process = new SluiceProcess()) {
            process.with(nameServer(process.ip(53), outside));
            process.with(Pod.at(outside, 18_095, "outside"));
            Path file = Files.writeString(folder.resolve("resolv.conf"), "nameserver " + process.ip(53) + '\n');
            process.service("kubia", sluice.address(1)).startedBy("unshare", "-m", "sh", "-c",
                    "mount --bind '" + file + "' /etc/resolv.conf && exec \"$@\"", "sh").run();
            List<String> flags = List.of("--server", "127.0.0.1:" + process.serving("metrics").getPort());
            assertThat(Programs.run(words(Way.ROOTLESS, flags, "bash", "-c", "getent ahosts registry.example.com;"
                    + " exec 3<>/dev/tcp/registry.example.com/18095 || exit 9;"
                    + " printf 'GET / HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' >&3; tail -n 1 <&3")).text())
                    .startsWith(outside + " ").contains("outside");
        } finally {
            Programs.run(List.of("ip", "addr", "del", OUTSIDE + "/32", "dev", "lo"));
        }
    }

    private static NameServer nameServer(String address, String answer) {
        try {
            return NameServer.at(InetAddress.ofLiteral(address), InetAddress.ofLiteral(answer));
        } catch (SocketException e) {
            assumeTrue(false, "port 53 is not ours to listen at");
            throw new UncheckedIOException(e);
        }
    }

    /** An address of this machine that is no loopback address; one is made where there is none. */
    private static String outside() throws IOException, InterruptedException {
        Optional<String> there = NetworkInterface.networkInterfaces().flatMap(NetworkInterface::inetAddresses)
                .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
                .map(InetAddress::getHostAddress).findFirst();
        if (there.isEmpty()) {
            assumeTrue(Programs.run(List.of("ip", "addr", "add", OUTSIDE + "/32", "dev", "lo")).exitCode() == 0,
                    "this machine has no address but loopback ones");
        }
        return there.orElse(OUTSIDE);
    }

    @Test
    void what_listens_inside_is_reached_at_a_published_port() throws Exception {
        assumeWorks(Way.ROOTLESS);
        int port = freePort();
        List<String> command = new ArrayList<>(List.of(java(), "-cp", System.getProperty("java.class.path"),
                PodProgram.class.getName()));
        List<String> words = words(Way.ROOTLESS, List.of("-p", port + ":18094"), command.toArray(String[]::new));
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().putAll(Map.of("HOST", "127.0.0.1", "PORT", "18094", "POD_NAME", "inside"));
        Process process = builder.start();
        try {
            InetSocketAddress published = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
            await().atMost(Duration.ofSeconds(60)).ignoreExceptions()
                    .untilAsserted(() -> assertThat(HttpClientConnection.get(published, "/")).contains("inside"));
            assertThat(Programs.run(words(Way.ROOTLESS, List.of("-p", Integer.toString(port)), "true")).text())
                    .isEqualTo("sluice: --publish: 127.0.0.1:" + port + " is already in use by another program\n");
        } finally {
            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThatThrownBy(() -> HttpClientConnection.get(
                new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), "/")).isInstanceOf(IOException.class);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    @Test
    void a_pod_without_an_address_has_its_variables() throws Exception {
        sluice.manifest("job.yaml", """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: worker}
                spec: {replicas: 2, template: {metadata: {labels: {app: worker}}, spec: {enableServiceLinks: false}}}
                """);
        await().until(
                () -> sluice.get(false, "/api/v1/environment?namespace=default&pod=worker-2").contains("variables"));
        Programs.Result result = Programs.run(words(Way.ROOTLESS, List.of("--pod", "worker-2"), "env"));
        assertThat(result.text()).doesNotContain("KUBIA_SERVICE_HOST", "not found").contains("PATH=");
    }

    @Test
    void nothing_is_left_behind() throws Exception {
        Path socket = sluice.sluice().namespaceSocket().orElseThrow();
        assertThat(Files.getPosixFilePermissions(socket).toString()).doesNotContain("GROUP", "OTHERS");
        assumeWorks(Way.ROOTLESS);
        Process command = new ProcessBuilder(words(Way.ROOTLESS, "bash", "-c", "echo started; read line"))
                .redirectErrorStream(true).start();
        assertThat(command.inputReader().readLine()).isEqualTo("started");
        assertThat(leftovers()).isEmpty();
        command.getOutputStream().close();
        assertThat(command.waitFor(30, TimeUnit.SECONDS)).isTrue();

        assertThat(sluice.ask("kubia")).isEqualTo("You've hit kubia");
        sluice.close();
        sluice = null;
        await().until(() -> Files.notExists(socket));
    }

    @ParameterizedTest
    @EnumSource(names = {"HOST", "ROOTLESS"})
    void java_finds_services(Way way) throws Exception {
        assertThat(exec(way, java(), "-cp", System.getProperty("java.class.path"), Lookup.class.getName(), "kubia",
                "kubia.default", "kubia.default.svc.cluster.local").lines()).containsExactly(vip, vip, vip);
    }

    @ParameterizedTest
    @EnumSource(names = {"HOST", "ROOTLESS"})
    void node_finds_services(Way way) throws Exception {
        assumeTrue(Programs.installed("node"), "node is not installed");
        assertThat(exec(way, "node", "-e", "const dns = require('dns').promises;"
                + "dns.lookup('kubia').then(a => console.log(a.address))"
                + ".then(() => dns.resolve4('kubia.default.svc.cluster.local')).then(a => console.log(a[0]))").lines())
                .containsExactly(vip, vip);
    }

    @Test
    void a_command_that_does_not_exist_is_127() throws Exception {
        Programs.Result result = exec(Way.OWN, "no-such-command");
        assertThat(result.exitCode()).isEqualTo(127);
        assertThat(result.text()).isEqualTo("sluice: no-such-command: command not found\n");
    }

    private Programs.Result exec(Way way, String... command) throws IOException, InterruptedException {
        assumeWorks(way);
        return Programs.run(words(way, command));
    }

    private static void assumeWorks(Way way) throws IOException, InterruptedException {
        List<String> probe = new ArrayList<>(way.before());
        probe.addAll(way.probe());
        Programs.Result result = Programs.run(probe);
        assumeTrue(result.exitCode() == 0, () -> way + " is not possible here: " + result.text());
    }

    private List<String> words(Way way, String... command) throws IOException {
        return words(way, List.of(), command);
    }

    private List<String> words(Way way, List<String> flags, String... command) throws IOException {
        List<String> words = new ArrayList<>(way.before());
        words.addAll(SluiceJava.command());
        words.addAll(List.of("exec", "--network", way == Way.HOST ? "host" : "own"));
        if (!flags.contains("--server")) {
            words.addAll(List.of("--server",
                    "127.0.0.1:" + sluice.sluice().metricsAddress().orElseThrow().getPort()));
        }
        words.addAll(flags);
        words.add("--");
        words.addAll(List.of(command));
        return words;
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static List<Path> leftovers() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("sluice-exec-")).toList();
        }
    }
}
