package io.sluice.source.kubernetes;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * How to reach the API server, and what to read from it.
 *
 * @param kubeconfig        the one file to read, instead of those that the environment names
 * @param context           the context to use, instead of the kubeconfig's current one
 * @param server            URL of the API server, instead of the kubeconfig's
 * @param nodeName          this node; its Node object has the zone
 * @param endpointsFrom     which kind of object has the endpoints
 * @param watchIdleTimeout  a watch without an event for this time is abandoned and everything is listed again; positive
 * @param stateFile         file with the last good state, for a start without an API server; empty for none
 * @param loopbackEndpoints whether endpoints at loopback are accepted; for tests on one machine
 * @param headless          whether endpoints of headless Services are watched: only DNS needs them
 * @param environment       the variables, such as {@code KUBECONFIG}, {@code HOME} and {@code KUBERNETES_SERVICE_HOST}
 */
public record KubernetesOptions(Optional<Path> kubeconfig, Optional<String> context, Optional<String> server,
        String nodeName, EndpointsFrom endpointsFrom, Duration watchIdleTimeout, Optional<Path> stateFile,
        boolean loopbackEndpoints, boolean headless, Map<String, String> environment) {

    /** Which kind of object has the endpoints. */
    public enum EndpointsFrom {
        /** EndpointSlices where the server has {@code discovery.k8s.io/v1}, else Endpoints. */
        AUTO,
        /** EndpointSlices. */
        ENDPOINTSLICES,
        /** Endpoints. */
        ENDPOINTS
    }

    /** Throws IllegalArgumentException for a timeout that is not positive. */
    public KubernetesOptions {
        if (!watchIdleTimeout.isPositive()) {
            throw new IllegalArgumentException("a watch cannot be idle for " + watchIdleTimeout);
        }
        environment = Map.copyOf(environment);
    }

    /** Begins options that find the API server as kubectl does. */
    public static Builder builder(String nodeName) {
        return new Builder(nodeName);
    }

    /** Gathers options; what is not set has the default of its flag. Not thread-safe. */
    public static final class Builder {

        private Optional<Path> kubeconfig = Optional.empty();
        private Optional<String> context = Optional.empty();
        private Optional<String> server = Optional.empty();
        private final String nodeName;
        private EndpointsFrom endpointsFrom = EndpointsFrom.AUTO;
        private Duration watchIdleTimeout = Duration.ofMinutes(3);
        private Optional<Path> stateFile = Optional.empty();
        private boolean loopbackEndpoints;
        private boolean headless;
        private Map<String, String> environment = Map.of();

        private Builder(String nodeName) {
            this.nodeName = nodeName;
        }

        /** Sets {@link KubernetesOptions#kubeconfig}. */
        public Builder kubeconfig(Optional<Path> value) {
            this.kubeconfig = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#context}. */
        public Builder context(Optional<String> value) {
            this.context = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#server}. */
        public Builder server(Optional<String> value) {
            this.server = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#endpointsFrom}. */
        public Builder endpointsFrom(EndpointsFrom value) {
            this.endpointsFrom = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#watchIdleTimeout}. */
        public Builder watchIdleTimeout(Duration value) {
            this.watchIdleTimeout = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#stateFile}. */
        public Builder stateFile(Optional<Path> value) {
            this.stateFile = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#loopbackEndpoints}. */
        public Builder loopbackEndpoints(boolean value) {
            this.loopbackEndpoints = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#headless}. */
        public Builder headless(boolean value) {
            this.headless = value;
            return this;
        }

        /** Sets {@link KubernetesOptions#environment}. */
        public Builder environment(Map<String, String> value) {
            this.environment = value;
            return this;
        }

        /** The options. */
        public KubernetesOptions build() {
            return new KubernetesOptions(kubeconfig, context, server, nodeName, endpointsFrom, watchIdleTimeout,
                    stateFile, loopbackEndpoints, headless, environment);
        }
    }
}
