package io.sluice.source.probe;

/**
 * What the probes of a process have shown so far. Pure and immutable.
 *
 * @param successes one after another, the last ones
 * @param failures  the same
 * @param why       why it is not ready; empty if it is
 */
record ProbeState(boolean ready, int successes, int failures, String why) {

    /** A process of which nothing is known: not ready, as with kubelet. */
    static final ProbeState UNKNOWN = new ProbeState(false, 0, 0, "its readiness probe has not succeeded yet");

    /** The state after a probe that has succeeded. */
    ProbeState succeeded(ReadinessProbe probe) {
        int count = Math.min(successes + 1, probe.successThreshold());
        if (ready || count >= probe.successThreshold()) {
            return new ProbeState(true, count, 0, "");
        }
        return new ProbeState(false, count, 0, count + " of " + probe.successThreshold()
                + " readiness probes have succeeded");
    }

    /** The state after a probe that has failed for {@code reason}. */
    ProbeState failed(ReadinessProbe probe, String reason) {
        int count = Math.min(failures + 1, probe.failureThreshold());
        return ready && count < probe.failureThreshold()
                ? new ProbeState(true, 0, count, "")
                : new ProbeState(false, 0, count, "readiness probe: " + reason);
    }
}
