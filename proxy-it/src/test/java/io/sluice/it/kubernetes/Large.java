package io.sluice.it.kubernetes;

import io.sluice.it.testbed.apiserver.ApiServer;

/** Clusters of a size that matters. */
final class Large {

    private Large() {}

    /**
     * Services with a TCP and a UDP port, each with one slice; addresses of 127.64.0.0/10 that differ, at ports above 1024.
     *
     * @param endpoints of each Service
     */
    static void fill(ApiServer api, int services, int endpoints) {
        for (int i = 0; i < services; i++) {
            String ip = "127." + (64 + i / 62_500) + "." + (i / 250) % 250 + "." + (1 + i % 250);
            String namespace = "ns-" + i % 50;
            api.apply("""
                    {"kind": "Service", "metadata": {"name": "svc-%d", "namespace": "%s", "annotations": {"big": "%s"}},
                     "spec": {"clusterIP": "%s", "clusterIPs": ["%s"], "selector": {"app": "svc-%d"}, "ports": [
                      {"name": "http", "port": 8080, "protocol": "TCP", "targetPort": 8080},
                      {"name": "other", "port": 5353, "protocol": "SCTP", "targetPort": 5353}]}}"""
                    .formatted(i, namespace, "x".repeat(500), ip, ip, i));
            StringBuilder list = new StringBuilder();
            for (int e = 0; e < endpoints; e++) {
                int number = i * endpoints + e;
                list.append(e == 0 ? "" : ",").append("""
                        {"addresses": ["10.%d.%d.%d"], "conditions": {"ready": true, "serving": true, "terminating": false},
                         "nodeName": "node-%d", "zone": "zone-%d", "targetRef": {"kind": "Pod", "name": "svc-%d-pod-%d",
                         "namespace": "%s", "uid": "00000000-0000-0000-0000-00000000%04d"}}"""
                        .formatted(1 + number / 62_500, number / 250 % 250, 1 + number % 250, number % 500, number % 3,
                                i, e,
                                namespace, e));
            }
            api.apply("""
                    {"kind": "EndpointSlice", "metadata": {"name": "svc-%d-abcde", "namespace": "%s", "labels": {
                      "kubernetes.io/service-name": "svc-%d"}}, "addressType": "IPv4", "ports": [
                      {"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "other", "port": 5353, "protocol": "SCTP"}],
                     "endpoints": [%s]}""".formatted(i, namespace, i, list));
        }
    }
}
