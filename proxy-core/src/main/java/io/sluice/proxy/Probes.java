package io.sluice.proxy;

import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.ProxyProtocol;
import java.util.concurrent.CompletionStage;

/** Asks endpoints whether they are there and well, beside the connections of clients. Any thread. */
public final class Probes {

    private final EventLoops loops;
    private final ProxySettings settings;

    Probes(EventLoops loops, ProxySettings settings) {
        this.loops = loops;
        this.settings = settings;
    }

    /**
     * Connects to an endpoint and closes at once.
     *
     * @return completes with the result; never fails
     */
    public CompletionStage<ProbeResult> probe(EndpointAddress endpoint, ProxyProtocol proxyProtocol) {
        return ask(endpoint, ProbeQuestion.connect(proxyProtocol, settings.connectTimeout()))
                .thenApply(ProbeAnswer::result);
    }

    /**
     * Checks the health of an endpoint.
     *
     * @return completes with what it has come to; never fails
     */
    public CompletionStage<ProbeAnswer> check(EndpointAddress endpoint, HealthCheck check,
            ProxyProtocol proxyProtocol) {
        return ask(endpoint, ProbeQuestion.of(check, endpoint, proxyProtocol));
    }

    private CompletionStage<ProbeAnswer> ask(EndpointAddress endpoint, ProbeQuestion question) {
        return Probe.start(endpoint, question, loops, loops.channels().next(), settings);
    }
}
