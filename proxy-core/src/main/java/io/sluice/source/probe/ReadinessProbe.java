package io.sluice.source.probe;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A container's {@code readinessProbe} (Kubernetes API reference, Probe v1 core).
 *
 * @param initialDelay     after the start of the process
 * @param period           between two probes; at least a second
 * @param timeout          of one probe; at least a second
 * @param successThreshold the successes one after another that make a process ready
 * @param failureThreshold the failures one after another that make it not ready
 */
public record ReadinessProbe(Action action, Duration initialDelay, Duration period, Duration timeout,
        int successThreshold, int failureThreshold) {

    /** Probes of a process that is not ready come at least this often, as kubelet makes it ready faster, too. */
    private static final Duration EAGER = Duration.ofSeconds(1);

    /** What is tried. */
    public sealed interface Action {

        /** The port of the container that is tried; 0 for none. */
        int port();

        /**
         * A request that has to be answered by a status from 200 to 399. Redirections are not followed, certificates not checked.
         *
         * @param scheme {@code http} or {@code https}
         * @param path   begins with a slash
         */
        record HttpGet(String scheme, String path, int port, Map<String, String> headers) implements Action {

            public HttpGet {
                headers = Map.copyOf(headers);
            }
        }

        /** A connection that has to be accepted. */
        record TcpSocket(int port) implements Action {}

        /** A command that has to end with 0, run on this machine. */
        record Exec(List<String> command) implements Action {

            public Exec {
                command = List.copyOf(command);
            }

            @Override
            public int port() {
                return 0;
            }
        }
    }

    /** What a process without a probe of its own gets on request: it is ready while it accepts connections at {@code port}. */
    public static ReadinessProbe accepting(int port) {
        return new ReadinessProbe(new Action.TcpSocket(port), Duration.ZERO, EAGER, EAGER, 1, 3);
    }

    /** How long to wait after a probe of a process. */
    Duration wait(boolean ready) {
        return ready || period.compareTo(EAGER) < 0 ? period : EAGER;
    }
}
