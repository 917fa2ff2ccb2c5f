package io.sluice.proxy;

/** Why the proxy listens on an address; decides which endpoints its connections are spread over. */
public enum AddressKind {
    CLUSTER_IP("ClusterIP"), NODE_PORT("NodePort"), EXTERNAL_IP("ExternalIP"), LOAD_BALANCER("LoadBalancer");

    private final String displayName;

    AddressKind(String displayName) {
        this.displayName = displayName;
    }

    public String displayName() {
        return displayName;
    }

    /** Whether connections here count as external traffic for the traffic policies. */
    public boolean external() {
        return this != CLUSTER_IP;
    }
}
