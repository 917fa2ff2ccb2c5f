package io.sluice.service;

/** {@code spec.type} of a Service; a headless Service is a {@link #CLUSTER_IP} one without cluster addresses. */
public enum ServiceType {
    CLUSTER_IP("ClusterIP"), NODE_PORT("NodePort"), LOAD_BALANCER("LoadBalancer"), EXTERNAL_NAME("ExternalName");

    private final String apiName;

    ServiceType(String apiName) {
        this.apiName = apiName;
    }

    /** The spelling of the Kubernetes API, for example {@code NodePort}. */
    public String apiName() {
        return apiName;
    }
}
