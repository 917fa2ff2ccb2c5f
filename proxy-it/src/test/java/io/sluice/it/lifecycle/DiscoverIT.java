package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code sluice run --discover}: programs that a developer starts and ends are the Pods of workloads. */
@Timeout(120)
class DiscoverIT {

    private static final int PORT = 18_091;
    private static final int API = 18_191;
    private static final int WEB = 18_192;

    private static void workload(SluiceProcess sluice, String name, int port) throws IOException {
        sluice.manifests().replace(name + ".yaml", """
                apiVersion: v1
                kind: Service
                metadata: {name: %1$s}
                spec: {clusterIP: %2$s, selector: {app: %1$s}, ports: [{name: http, port: %3$d, targetPort: http}]}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: %1$s}
                spec:
                  selector: {matchLabels: {app: %1$s}}
                  template:
                    metadata: {labels: {app: %1$s}}
                    spec: {containers: [{name: c, ports: [{name: http, containerPort: %4$d}]}]}
                """.formatted(name, sluice.address(name).getAddress().getHostAddress(), PORT, port));
    }

    private static String hit(SluiceProcess sluice, String service) throws IOException {
        return HttpClientConnection.hit(new InetSocketAddress(sluice.address(service).getAddress(), PORT));
    }

    private static String whyEmpty(SluiceProcess sluice, String service) throws IOException {
        return sluice.admin("/api/v1/services?namespace=default&name=" + service);
    }

    private static void awaitAnswer(SluiceProcess sluice, String service, String answer) {
        await().atMost(Duration.ofSeconds(30)).ignoreExceptions()
                .untilAsserted(() -> assertThat(hit(sluice, service)).isEqualTo(answer));
    }

    @Test
    void programs_come_and_go() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", API);
            workload(sluice, "web", WEB);
            Pod first = sluice.with(Pod.at(sluice.ip(1), API, "first"));
            sluice.run("--discover");
            assertThat(whyEmpty(sluice, "web")).contains("Deployment default/web: no program listens at port " + WEB);
            long here = ProcessHandle.current().pid();
            sluice.awaitLine("found default/api: " + sluice.ip(1) + ":" + API + " (java, pid " + here + ")");
            awaitAnswer(sluice, "api", "first");

            sluice.with(Pod.at(sluice.ip(2), WEB, "web"));
            awaitAnswer(sluice, "web", "web");

            first.close();
            sluice.awaitLine("gone default/api: ");
            await().untilAsserted(() -> assertThat(whyEmpty(sluice, "api"))
                    .contains("Deployment default/api: no program listens at port " + API));
            sluice.with(Pod.at(sluice.ip(3), API, "second"));
            awaitAnswer(sluice, "api", "second");
            assertThat(sluice.admin("/api/v1/events?service=api&namespace=default"))
                    .contains("EndpointRemoved", "EndpointAdded", "\"PortFilled\"");
        }
    }

    @Test
    void a_given_address_comes_first() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            workload(sluice, "api", API);
            sluice.with(Pod.at(sluice.ip(1), API, "found"));
            sluice.with(Pod.at(sluice.ip(2), API + 10, "given"));
            sluice.run("--discover", "--endpoint", "api=" + sluice.ip(2) + ":" + (API + 10));
            awaitAnswer(sluice, "api", "given");
            assertThat(sluice.lines()).noneMatch(line -> line.contains("found default/api"));
        }
    }
}
