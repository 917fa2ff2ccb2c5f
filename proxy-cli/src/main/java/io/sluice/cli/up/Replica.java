package io.sluice.cli.up;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;

/**
 * One process that plays one Pod.
 *
 * @param address where it is to listen
 */
record Replica(Program program, ServiceName pod, EndpointAddress address) {}
