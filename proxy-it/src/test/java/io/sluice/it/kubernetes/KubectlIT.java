package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A kubectl, where there is one, finds its way about the tests' API server, and Sluice sees what it did. */
class KubectlIT {

    private static String kubectl(Path kubeconfig, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("kubectl", "--kubeconfig", kubeconfig.toString()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        environment.put("HOME", kubeconfig.getParent().toString());
        environment.remove("KUBECONFIG");
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", command, output).isZero();
        return output;
    }

    @Test
    void what_kubectl_does_is_what_sluice_serves() throws Exception {
        assumeTrue(Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "kubectl"))), "there is no kubectl");
        try (Cluster cluster = new Cluster()) {
            cluster.pod("pod-1", 1);
            cluster.pod("pod-2", 2);
            cluster.service("kubia", 100);
            cluster.slice("kubia-a", "kubia", 1);
            cluster.slice("kubia-b", "kubia", 2);
            cluster.start().awaitSynced();
            cluster.awaitEndpoints("kubia", 1, 2);
            Path kubeconfig = cluster.sluice.manifests().directory().resolve("kubeconfig");

            assertThat(kubectl(kubeconfig, "get", "svc,endpointslices", "-A"))
                    .contains("service/kubia", "80/TCP", "endpointslice.discovery.k8s.io/kubia-a");
            assertThat(kubectl(kubeconfig, "get", "svc", "kubia", "-o", "jsonpath={.spec.selector.app}"))
                    .isEqualTo("kubia");
            kubectl(kubeconfig, "delete", "endpointslice", "kubia-a", "--wait=false");
            cluster.awaitEndpoints("kubia", 2);
            kubectl(kubeconfig, "patch", "endpointslice", "kubia-b", "--type", "merge", "-p",
                    "{\"endpoints\": [{\"addresses\": [\"" + cluster.sluice.address(1) + "\"]}]}");
            cluster.awaitEndpoints("kubia", 1);
        }
    }
}
