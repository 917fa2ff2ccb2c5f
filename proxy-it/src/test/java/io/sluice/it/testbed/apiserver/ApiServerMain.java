package io.sluice.it.testbed.apiserver;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The tests' API server to be tried by hand, with a Service and three pods behind it, all at loopback. Arguments: a port,
 * and where to write a kubeconfig.
 */
public final class ApiServerMain {

    private ApiServerMain() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        ApiServer api = new ApiServer(args.length > 0 ? Integer.parseInt(args[0]) : 16443);
        Path kubeconfig = Path.of(args.length > 1 ? args[1] : "kubeconfig");
        Files.writeString(kubeconfig, Kubeconfig.of(api.url(), "{}"));
        api.apply("{\"kind\": \"Namespace\", \"metadata\": {\"name\": \"default\"}}");
        api.apply("""
                {"kind": "Service", "metadata": {"name": "kubia"}, "spec": {"type": "ClusterIP",
                 "clusterIP": "127.120.27.201", "clusterIPs": ["127.120.27.201"], "selector": {"app": "kubia"},
                 "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}}""");
        for (int number : List.of(1, 2, 3)) {
            String ip = "127.121.1." + number;
            HttpServer pod = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(ip), 8080), 0);
            byte[] answer = ("You've hit kubia-" + number + "\n").getBytes(StandardCharsets.UTF_8);
            pod.createContext("/", exchange -> {
                exchange.sendResponseHeaders(200, answer.length);
                exchange.getResponseBody().write(answer);
                exchange.close();
            });
            pod.start();
            api.apply("""
                    {"kind": "EndpointSlice", "metadata": {"name": "kubia-%d",
                      "labels": {"kubernetes.io/service-name": "kubia"}}, "addressType": "IPv4",
                     "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
                     "endpoints": [{"addresses": ["%s"], "conditions": {"ready": true},
                                    "targetRef": {"kind": "Pod", "name": "kubia-%d"}}]}""".formatted(number, ip,
                    number));
        }
        System.out.printf("""
                An API server at %s, with a kubeconfig in %s. In other terminals:

                  ./sluice run --kubeconfig %s --allow-loopback-endpoints --address-mode none --port-offset 10000
                  curl http://127.120.27.201:10080
                  kubectl --kubeconfig %s get svc,endpointslices -A
                  kubectl --kubeconfig %s delete endpointslice kubia-2
                """, api.url(), kubeconfig, kubeconfig, kubeconfig, kubeconfig);
        Thread.currentThread().join();
    }
}
