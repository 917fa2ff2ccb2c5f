package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.SluiceProcess;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The C library says why a call has failed in the language of whoever has started the process. What Sluice does, and what
 * it advises, is the same in each.
 */
class ForeignLocaleIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Of a network for documentation (RFC 5737): no machine has it. */
    private static final String ELSEWHERE = "203.0.113.7";
    private static final Map<String, String> ENGLISH = Map.of("LC_ALL", "C", "LANGUAGE", "");

    @TempDir
    private static Path folder;
    private static Map<String, String> german = Map.of();

    /** What there is to see of a daemon with a Service whose endpoints refuse, and one whose address is elsewhere. */
    private record Seen(List<String> ejections, String advice) {}

    @BeforeAll
    static void makeLocale() throws Exception {
        // Other users are to read it too.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        german = Map.of("LC_ALL", "de_DE.UTF-8", "LANGUAGE", "", "LOCPATH", folder.toString());
        try {
            output(Map.of(), "localedef", "-i", "de_DE", "-f", "UTF-8", folder.resolve("de_DE.UTF-8").toString());
        } catch (IOException e) {
            assumeTrue(false, "localedef is not installed");
        }
        assumeFalse(output(german, "ls", "/nonexistent").contains("No such file"), "there are no German texts here");
    }

    @EachTransport
    void endpoints_are_ejected_and_advice_is_given_in_any_language(Transport transport) throws Exception {
        Seen expected = see(transport, ENGLISH);

        assertThat(expected.ejections).singleElement().asString().endsWith(" 2.0");
        assertThat(expected.advice).contains("is not an address of this machine: add it with 'ip route add local "
                + ELSEWHERE + "/32 dev lo'");
        assertThat(see(transport, german)).isEqualTo(expected);
    }

    private static Seen see(Transport transport, Map<String, String> locale) throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            locale.forEach(sluice::environment);
            sluice.manifests().replace("elsewhere.yaml", """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: elsewhere}
                    spec: {clusterIP: %s, ports: [{port: 80}]}
                    ---
                    """.formatted(ELSEWHERE) + Manifests.endpoints("elsewhere", sluice.ip(3)));
            sluice.service("dead", sluice.ip(1), sluice.ip(2))
                    .run("--transport", transport.name().toLowerCase(Locale.ROOT));
            await("the advice").atMost(PATIENCE).until(() -> advice(sluice).isPresent());
            for (int i = 0; i < 3; i++) {
                try {
                    HttpClientConnection.hit(sluice.address("dead"));
                } catch (IOException e) {
                    continue; // reset, as there is nobody
                }
                throw new AssertionError("somebody answers for dead endpoints");
            }
            await("both are ejected").atMost(PATIENCE)
                    .until(() -> metric(sluice, "sluice_endpoint_ejections_total").stream()
                            .anyMatch(
                                    line -> line.contains("dead") && !line.endsWith(" 0.0") && !line.endsWith(" 1.0")));
            return new Seen(metric(sluice, "sluice_endpoint_ejections_total"), advice(sluice).orElseThrow());
        }
    }

    /** As the log has it; the table of Services, which has the address too, may come before it. */
    private static Optional<String> advice(SluiceProcess sluice) {
        return sluice.lines().stream().filter(line -> line.contains(" WARN ") && line.contains(ELSEWHERE + ":80"))
                .findFirst().map(line -> line.substring(line.indexOf(ELSEWHERE)));
    }

    /** Of the Service with dead endpoints. */
    private static List<String> metric(SluiceProcess sluice, String name) throws IOException {
        return sluice.admin("/metrics").lines().filter(line -> line.startsWith(name + "{") && line.contains("dead"))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "de_DE.UTF-8"})
    void the_demo_serves_an_ordinary_user_in_any_language(String locale) throws Exception {
        assumeTrue(Objects.equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"), 0), "only root can be others");
        try (SluiceProcess sluice = new SluiceProcess()) {
            (locale.equals("C") ? ENGLISH : german).forEach(sluice::environment);
            // May read what the build has made, and nothing else that an ordinary user may not.
            sluice.startedBy("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                    "--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search",
                    "--ambient-caps=-all,+dac_read_search");
            int code = sluice.command("demo", "--connections", "3").exitCode();

            assertThat(sluice.lines()).anyMatch(line -> line.contains("as with --port-offset 10000"));
            assertThat(code).as("%s", sluice.lines()).isZero();
        }
    }

    private static String output(Map<String, String> environment, String... command) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
