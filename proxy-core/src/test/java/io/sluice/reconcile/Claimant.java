package io.sluice.reconcile;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A Service in few words: {@code shop/web 2024 cluster 10.96.0.1 external 203.0.113.7 port 80 endpoint 10.1.0.1:8080}. */
final class Claimant {

    private Claimant() {}

    static ServiceState of(String words) {
        String[] word = words.strip().split("\\s+", -1);
        String[] name = word[0].split("/", -1);
        List<InetAddress> cluster = new ArrayList<>();
        List<InetAddress> external = new ArrayList<>();
        List<InetAddress> balancer = new ArrayList<>();
        List<Endpoint> endpoints = new ArrayList<>();
        Map<String, String> annotations = new HashMap<>();
        Instant created = Instant.EPOCH;
        int port = 80;
        int nodePort = 0;
        int healthCheck = 0;
        for (int i = 1; i < word.length; i++) {
            if (word[i].matches("\\d{4}")) {
                created = Instant.parse(word[i] + "-01-01T00:00:00Z");
                continue;
            }
            String value = word[++i];
            switch (word[i - 1]) {
                case "cluster" -> cluster.add(IpAddresses.parse(value));
                case "external" -> external.add(IpAddresses.parse(value));
                case "lb" -> balancer.add(IpAddresses.parse(value));
                case "port" -> port = Integer.parseInt(value);
                case "nodeport" -> nodePort = Integer.parseInt(value);
                case "annotation" -> annotations.put(value.substring(0, value.indexOf('=')),
                        value.substring(value.indexOf('=') + 1));
                case "healthcheck" -> healthCheck = Integer.parseInt(value);
                case "endpoint" -> {
                    int colon = value.lastIndexOf(':');
                    endpoints.add(Endpoint.ready(new EndpointAddress(IpAddresses.parse(value.substring(0, colon)),
                            Integer.parseInt(value.substring(colon + 1)))));
                }
                default -> throw new IllegalArgumentException(words);
            }
        }
        ServicePort servicePort = new ServicePort("", Protocol.TCP, port, nodePort, Integer.toString(port), null);
        Service service = Service.builder(new ServiceName(name[0], name[1])).type(ServiceType.LOAD_BALANCER)
                .clusterIps(cluster).headless(cluster.isEmpty()).ports(List.of(servicePort)).externalIps(external)
                .loadBalancerIps(balancer).healthCheckNodePort(healthCheck).annotations(annotations)
                .createdAt(created).build();
        return new ServiceState(service, List.of(new PortState(servicePort, EndpointSet.of(endpoints), null)));
    }
}
