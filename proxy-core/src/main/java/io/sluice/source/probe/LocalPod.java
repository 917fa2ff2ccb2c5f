package io.sluice.source.probe;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;
import io.sluice.source.probe.LocalReadiness.WithoutProbe;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A Pod whose process runs on this machine.
 *
 * @param probe  its readiness probe; null if it has none
 * @param target where that is made
 * @param main   where its process accepts connections; null if that is not known
 */
public record LocalPod(ServiceName name, @Nullable ReadinessProbe probe, EndpointAddress target,
        @Nullable EndpointAddress main) {

    /** How its readiness is found out; empty if it is ready without a question. */
    public Optional<ProbedPod> probed(WithoutProbe withoutProbe) {
        if (probe != null) {
            return Optional.of(new ProbedPod(name, probe, target));
        }
        return withoutProbe == WithoutProbe.READY || main == null
                ? Optional.empty()
                : Optional.of(new ProbedPod(name, ReadinessProbe.accepting(main.port()), main));
    }
}
