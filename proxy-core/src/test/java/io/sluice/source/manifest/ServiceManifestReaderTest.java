package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Service;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.Problem;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the API server demands of a Service, told with the line and the path of the field. */
class ServiceManifestReaderTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    /** The spec begins on line 6. */
    private List<String> problems(String spec) {
        String text = """
                apiVersion: v1
                kind: Service
                metadata:
                  name: kubia
                spec:
                """ + spec.replace("; ", "\n").indent(2);
        return files.load(text).problems().stream().map(Problem::toString)
                .map(problem -> problem.substring((directory + "/all.yaml:").length())).toList();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            a type that is none              | type: Headless; ports: [{port: 80}]                                             | 6: Service default/kubia spec.type: 'Headless' must be ClusterIP, NodePort, LoadBalancer or ExternalName
            no port                          | type: ClusterIP                                                                 | 5: Service default/kubia spec.ports: is missing: a Service needs at least one port
            port 0                           | ports: [{port: 0}]                                                              | 6: Service default/kubia spec.ports[0].port: '0' must be a whole number between 1 and 65535
            port 65536                       | ports: [{port: 65536}]                                                          | 6: Service default/kubia spec.ports[0].port: '65536' must be a whole number between 1 and 65535
            a port in octal                  | ports: [{port: 0o20}]                                                           | 6: Service default/kubia spec.ports[0].port: '0o20' must be a whole number between 1 and 65535
            a port with a leading zero       | ports: [{port: 080}]                                                            | 6: Service default/kubia spec.ports[0].port: '080' must be a whole number between 1 and 65535
            a quoted port                    | ports: [{port: '80'}]                                                           | 6: Service default/kubia spec.ports[0].port: '80' must be a whole number between 1 and 65535
            two ports, one without name      | ports:; - {name: a, port: 80}; - {port: 81}                                     | 8: Service default/kubia spec.ports[1].name: is missing: a Service with several ports must name each
            two ports of one name            | ports:; - {name: a, port: 80}; - {name: a, port: 81}                            | 8: Service default/kubia spec.ports[1].name: 'a' is the name of another port already
            the same port twice              | ports:; - {name: a, port: 80}; - {name: b, port: 80}                            | 8: Service default/kubia spec.ports[1].port: 80/TCP is a duplicate
            an unknown protocol              | ports: [{port: 80, protocol: tcp}]                                              | 6: Service default/kubia spec.ports[0].protocol: 'tcp' must be TCP, UDP or SCTP
            a quoted targetPort              | ports: [{port: 80, targetPort: '8080'}]                                         | 6: Service default/kubia spec.ports[0].targetPort: '8080' is a text: write the number without quotes
            a targetPort that is no name     | ports: [{port: 80, targetPort: my_port}]                                        | 6: Service default/kubia spec.ports[0].targetPort: 'my_port' is neither a number nor a name of a container port: lower case letters, digits and '-', 15 characters at the most, one of them a letter
            a node port of a ClusterIP       | ports:; - port: 80;   nodePort: 30080                                           | 8: Service default/kubia spec.ports[0].nodePort: must not be given for type ClusterIP: write type NodePort
            a node port out of range         | type: NodePort; ports:; - port: 80;   nodePort: 80                              | 9: Service default/kubia spec.ports[0].nodePort: 80 is outside 30000-32767 (--node-port-range)
            a cluster IP that is none        | ports: [{port: 80}]; clusterIP: 10.0.0.256                                      | 7: Service default/kubia spec.clusterIP: '10.0.0.256' is not an IP address
            an address that names none       | ports: [{port: 80}]; clusterIP: 0.0.0.0                                         | 7: Service default/kubia spec.clusterIP: '0.0.0.0' cannot be connected to
            clusterIPs against clusterIP     | ports: [{port: 80}]; clusterIP: 10.0.0.1; clusterIPs: [10.0.0.2]                | 8: Service default/kubia spec.clusterIPs: must begin with the same address as clusterIP
            two addresses of one family      | ports: [{port: 80}]; clusterIPs: [10.0.0.1, 10.0.0.2]                           | 7: Service default/kubia spec.clusterIPs: may hold one IPv4 and one IPv6 address
            None with an address             | ports: [{port: 80}]; clusterIPs: [None, 10.0.0.2]                               | 7: Service default/kubia spec.clusterIPs: must hold nothing else beside None
            a headless NodePort              | type: NodePort; ports: [{port: 80}]; clusterIP: None                            | 8: Service default/kubia spec.clusterIP: must not be None for a Service of type NodePort
            an address of ExternalName       | type: ExternalName; externalName: a.b; clusterIP: 10.0.0.1                      | 8: Service default/kubia spec.clusterIP: must not be given: a Service of type ExternalName has no cluster address
            ExternalName without a name      | type: ExternalName                                                              | 5: Service default/kubia spec.externalName: is missing: a Service of type ExternalName needs a DNS name
            one family twice                 | ports: [{port: 80}]; ipFamilies: [IPv4, IPv4]                                   | 7: Service default/kubia spec.ipFamilies[1]: is a duplicate
            two families, one stack          | ports: [{port: 80}]; ipFamilies: [IPv4, IPv6]; ipFamilyPolicy: SingleStack      | 7: Service default/kubia spec.ipFamilies: there are two families, which ipFamilyPolicy SingleStack does not allow: write ipFamilyPolicy: PreferDualStack
            an address of another family     | ports: [{port: 80}]; clusterIP: 10.0.0.1; ipFamilies: [IPv6]                    | 8: Service default/kubia spec.ipFamilies[0]: is not the family of 10.0.0.1
            a timeout without affinity       | ports: [{port: 80}]; sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}    | 7: Service default/kubia spec.sessionAffinityConfig: must not be given without sessionAffinity: ClientIP
            a timeout of more than a day     | ports: [{port: 80}]; sessionAffinity: ClientIP; sessionAffinityConfig:;   clientIP:;     timeoutSeconds: 86401 | 10: Service default/kubia spec.sessionAffinityConfig.clientIP.timeoutSeconds: '86401' must be a whole number between 1 and 86400
            a policy that is none            | ports: [{port: 80}]; internalTrafficPolicy: local                               | 7: Service default/kubia spec.internalTrafficPolicy: 'local' must be Cluster or Local
            a health check of a ClusterIP    | ports: [{port: 80}]; healthCheckNodePort: 32000                                 | 7: Service default/kubia spec.healthCheckNodePort: must not be given without type LoadBalancer and externalTrafficPolicy Local
            a selector value that is none    | ports: [{port: 80}]; selector:;   app: my app                                   | 8: Service default/kubia spec.selector.app: 'my app' is not a label's value: letters, digits, '-', '_' and '.', 63 characters at the most
            a selector value that is a number| ports: [{port: 80}]; selector:;   version: 1                                    | 8: Service default/kubia spec.selector.version: must be a text: write "1" in quotes
            an unquoted yes                  | ports: [{port: 80}]; selector:;   canary: yes                                   | 8: Service default/kubia spec.selector.canary: must be a text: write "yes" in quotes
            a source range that is none      | ports: [{port: 80}]; loadBalancerSourceRanges: [10.0.0.0/33]                    | 7: Service default/kubia spec.loadBalancerSourceRanges[0]: '10.0.0.0/33' is not an address range like 10.96.0.0/12
            a misspelt field                 | ports: [{port: 80}]; selectors:;   app: kubia                                   | 7: Service default/kubia spec.selectors: is not a field that Kubernetes knows and has no effect; did you mean selector?
            a misspelt field of a port       | ports:; - {port: 80, targetport: 81}                                            | 7: Service default/kubia spec.ports[0].targetport: is not a field that Kubernetes knows and has no effect; did you mean targetPort?
            a policy without outside         | ports: [{port: 80}]; externalTrafficPolicy: Local                               | 7: Service default/kubia spec.externalTrafficPolicy: has no effect: the Service has neither node ports nor external addresses
            """)
    void what_the_api_server_would_refuse_or_ignore_is_told(String rule, String spec, String problem) {
        assertThat(problems(spec)).containsExactly(problem);
    }

    @Test
    void every_field_that_means_something_is_read() {
        Service service = ManifestFiles.service(files.load("""
                apiVersion: v1
                kind: Service
                metadata:
                  name: kubia
                  creationTimestamp: "2026-01-01T00:00:00Z"
                  annotations: {service.kubernetes.io/topology-mode: Auto, other: "x"}
                spec:
                  type: LoadBalancer
                  clusterIPs: [10.0.0.1, 'fd00::1']
                  ports: [{name: web, port: 80, targetPort: http, nodePort: 30080, appProtocol: http}]
                  selector: {app: kubia}
                  externalTrafficPolicy: Local
                  internalTrafficPolicy: Local
                  sessionAffinity: ClientIP
                  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}
                  externalIPs: [192.0.2.1]
                  loadBalancerSourceRanges: [' 10.0.0.0/8 ']
                  healthCheckNodePort: 32000
                  publishNotReadyAddresses: yes
                status:
                  loadBalancer:
                    ingress: [{ip: 192.0.2.2}, {ip: 192.0.2.3, ipMode: Proxy}, {hostname: example.com}]
                """), "kubia").service();
        assertThat(service.clusterIps()).hasSize(2);
        assertThat(service.ports().getFirst().nodePort()).isEqualTo(30_080);
        assertThat(service.ports().getFirst().targetPort()).isEqualTo("http");
        assertThat(service.externalTrafficPolicy()).isEqualTo(TrafficPolicy.LOCAL);
        assertThat(service.internalTrafficPolicy()).isEqualTo(TrafficPolicy.LOCAL);
        assertThat(service.sessionAffinity()).isEqualTo(new SessionAffinity.ClientIp(Duration.ofMinutes(1)));
        assertThat(service.externalIps()).hasSize(1);
        assertThat(service.loadBalancerIps()).hasSize(1);
        assertThat(service.loadBalancerSourceRanges()).hasSize(1);
        assertThat(service.healthCheckNodePort()).isEqualTo(32_000);
        assertThat(service.publishNotReadyAddresses()).isTrue();
        assertThat(service.annotations()).containsOnlyKeys("service.kubernetes.io/topology-mode");
        assertThat(service.createdAt()).hasToString("2026-01-01T00:00:00Z");
    }

    @Test
    void a_service_of_another_proxy_is_left_to_it_and_keeps_its_address() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE.replace("{name: kubia}",
                "{name: kubia, labels: {service.kubernetes.io/service-proxy-name: mesh}}"));
        Service service = ManifestFiles.service(loaded, "kubia").service();
        assertThat(service.proxied()).isFalse();
        assertThat(service.addressed()).isTrue();
        assertThat(loaded.hasErrors()).isFalse();
        assertThat(loaded.problems()).singleElement().asString().contains("is left to the proxy 'mesh'");
    }

    @Test
    void a_service_of_another_api_group_is_no_service() {
        LoadedManifests loaded =
                files.load(ManifestFiles.SERVICE.replace("apiVersion: v1", "apiVersion: serving.knative.dev/v1"));
        assertThat(loaded.snapshot().services()).isEmpty();
        assertThat(loaded.problems()).isEmpty();
    }
}
