package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.RunningSluice;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Manifests as people write them for a cluster, with Deployments and a StatefulSet, whose programs a developer runs. */
class WorkloadsIT {

    private static final String ZONE = ".default.svc.cluster.local";

    private static final String FRONT = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: front, labels: {app.kubernetes.io/part-of: shop}}
            spec:
              replicas: 2
              selector: {matchLabels: {app: front}}
              template:
                metadata: {labels: {app: front, tier: web}}
                spec:
                  containers:
                    - name: nginx
                      image: example/front:1.4
                      ports: [{name: http, containerPort: 80}]
                      readinessProbe: {httpGet: {path: /, port: http}}
                      resources: {requests: {cpu: 100m, memory: 64Mi}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: front}
            spec:
              type: NodePort
              selector: {app: front}
              ports: [{name: http, port: 80, targetPort: http}]
            """;
    private static final String API = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: api}
            data: {DATABASE: "postgres://db-0.db:5432/shop"}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              replicas: 3
              selector: {matchLabels: {app: api}}
              template:
                metadata: {labels: {app: api}, annotations: {%s}}
                spec:
                  containers:
                    - name: api
                      image: example/api:2.0
                      envFrom: [{configMapRef: {name: api}}]
                      ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9102}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: api}
            spec:
              selector: {app: api}
              ports: [{name: http, port: 80, targetPort: http}, {name: metrics, port: 9102, targetPort: metrics}]
            """;
    private static final String DB = """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db}
            spec:
              serviceName: db
              replicas: 2
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec: {containers: [{name: postgres, image: postgres:17, ports: [{containerPort: 5432}]}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: migrate}
            spec: {template: {spec: {containers: [{name: migrate, image: example/api:2.0}]}}}
            """;

    private static Set<String> hits(RunningSluice sluice, String service, int port) throws IOException {
        InetSocketAddress address = new InetSocketAddress(sluice.vip(service).getAddress(), port);
        Set<String> hits = new TreeSet<>();
        for (int i = 0; i < 4; i++) {
            hits.add(HttpClientConnection.hit(address));
        }
        return hits;
    }

    @Test
    void a_shop_is_served_by_the_programs_that_run_here() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            for (int port : new int[] {3000, 3001, 4000, 4001}) {
                sluice.with(Pod.at(sluice.address(1), port, "process-" + port));
            }
            sluice.with(Pod.at(sluice.address(2), 5432, "db-0"));
            sluice.with(Pod.at(sluice.address(3), 5432, "db-1"));
            sluice.manifest("front.yaml", FRONT)
                    .manifest("api.yaml", API.formatted("sluice.io/endpoint: \"" + sluice.address(1) + ":4000\""))
                    .manifest("db.yaml", DB).dns()
                    .endpoints("front=" + sluice.address(1) + ":3000", sluice.address(1) + ":3001",
                            "db=" + sluice.address(2), sluice.address(3), "default/api:metrics=" + sluice.address(1)
                                    + ":4001",
                            "default/api=" + sluice.address(1) + ":4000")
                    .start();

            assertThat(hits(sluice, "front", 80)).containsExactly("process-3000", "process-3001");
            assertThat(hits(sluice, "api", 80)).containsExactly("process-4000");
            assertThat(hits(sluice, "api", 9102)).containsExactly("process-4001");
            try (Query query = new Query(sluice.sluice().dnsAddresses().getFirst())) {
                for (int i = 0; i < 2; i++) {
                    Query.Reply reply = query.ask("db-" + i + ".db" + ZONE);
                    assertThat(HttpClientConnection.hit(new InetSocketAddress(reply.last(), 5432)))
                            .isEqualTo("db-" + i);
                }
                assertThat(query.ask("db" + ZONE).answers()).isEqualTo(2);
            }
            assertThat(sluice.log().lines(Level.WARN, "")).isEmpty();
        }
    }

    @Test
    void an_edit_of_a_workload_is_in_force_as_one_of_a_pod_is() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.with(Pod.at(sluice.address(1), 4000, "first"));
            sluice.with(Pod.at(sluice.address(1), 4001, "second"));
            String annotated = API.formatted("sluice.io/endpoint: \"" + sluice.address(1) + ":4000\"");
            sluice.manifest("api.yaml", API.formatted("")).start();
            assertThat(sluice.get(false, "/api/v1/services")).contains("WorkloadWithoutAddress",
                    "Deployment default/api would make 3 Pods: say where with --endpoint default/api=HOST:PORT");
            assertThat(refuses(sluice)).isTrue();

            sluice.manifest("api.yaml", annotated);
            await().until(() -> !refuses(sluice));
            assertThat(hits(sluice, "api", 80)).containsExactly("first");

            sluice.manifest("api.yaml", annotated.replace(":4000", ":4001"));
            await().until(() -> hits(sluice, "api", 80).equals(Set.of("second")));

            sluice.manifest("api.yaml", annotated.replace("replicas: 3", "replicas: three"));
            await().until(() -> sluice.metric("sluice_source_current") == 0);
            assertThat(hits(sluice, "api", 80)).containsExactly("second");

            sluice.manifest("api.yaml", annotated.replace("replicas: 3", "replicas: 0"));
            await().until(() -> refuses(sluice));
        }
    }

    private static boolean refuses(RunningSluice sluice) throws IOException {
        try {
            sluice.hit("api");
            return false;
        } catch (SocketException e) {
            return e instanceof ConnectException; // one that waited while the port was closed is reset
        }
    }
}
