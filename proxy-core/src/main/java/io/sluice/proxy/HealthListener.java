package io.sluice.proxy;

import io.sluice.service.EndpointAddress;

/** Is told of endpoints that do not answer. */
@FunctionalInterface
public interface HealthListener {

    /** Does nothing. */
    HealthListener NONE = endpoint -> {};

    /**
     * An endpoint refused a connection or did not answer in time; a fault of this node is not told. Called on event
     * loops, possibly often: must return at once.
     */
    void unanswered(EndpointAddress endpoint);
}
