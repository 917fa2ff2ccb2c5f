package io.sluice.source.kubernetes;

import io.sluice.service.ServiceName;
import io.sluice.source.EndpointSubset;
import java.util.List;

/**
 * The parts that are kept of an EndpointSlice, which is one subset, or of Endpoints.
 *
 * @param service the Service whose endpoints these are
 */
record EndpointSubsets(ServiceName service, List<EndpointSubset> subsets) {

    EndpointSubsets {
        subsets = List.copyOf(subsets);
    }
}
