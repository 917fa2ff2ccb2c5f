package io.sluice.source.kubernetes;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * How the API server is reached, and what is read from it.
 *
 * @param kubeconfig        the one file to read, instead of those that the environment names
 * @param context           the context to use, instead of the kubeconfig's current one
 * @param server            URL of the API server, instead of the kubeconfig's
 * @param nodeName          this node; its Node object tells the zone
 * @param endpointsFrom     which kind of object tells the endpoints
 * @param watchIdleTimeout  a watch that brings nothing for so long is given up and everything is listed again; positive
 * @param stateFile         where the last good state is kept for a start without an API server; empty for nowhere
 * @param loopbackEndpoints whether endpoints at loopback are taken as well; for tests on one machine
 * @param headless          whether endpoints of headless Services are asked for: nobody but DNS needs them
 * @param environment       where {@code KUBECONFIG}, {@code HOME} and {@code KUBERNETES_SERVICE_HOST} are looked up
 */
public record KubernetesOptions(Optional<Path> kubeconfig, Optional<String> context, Optional<String> server,
        String nodeName, EndpointsFrom endpointsFrom, Duration watchIdleTimeout, Optional<Path> stateFile,
        boolean loopbackEndpoints, boolean headless, Map<String, String> environment) {

    /** Which kind of object tells the endpoints. */
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
}
