package io.sluice.cli.up;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Variable;
import java.util.List;

/**
 * One process that plays one Pod.
 *
 * @param address where it is to listen; with port 0 if it is not to listen
 * @param once    whether it has done its work when it ends with 0, and does not start again
 * @param variables what the manifest gives its container
 */
record Replica(Program program, ServiceName pod, EndpointAddress address, boolean once, List<Variable> variables) {

    Replica {
        variables = List.copyOf(variables);
    }

    /** Whether it is to listen. */
    boolean listens() {
        return address.port() != 0;
    }
}
