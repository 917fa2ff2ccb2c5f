package io.sluice.proxy;

import io.sluice.metrics.EndpointFailure;
import io.sluice.service.EndpointAddress;

/** Receives reports of endpoints that do not respond. */
@FunctionalInterface
public interface HealthListener {

    /** Does nothing. */
    HealthListener NONE = (endpoint, failure) -> {};

    /**
     * An endpoint refused a connection or did not respond in time; a fault of this node is not reported. Called on event
     * loops, possibly often: must return at once.
     *
     * @param failure {@link EndpointFailure#REFUSED} or {@link EndpointFailure#TIMEOUT}
     */
    void unanswered(EndpointAddress endpoint, EndpointFailure failure);
}
