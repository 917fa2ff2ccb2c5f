package io.sluice.source.probe;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;

/**
 * A Pod whose process runs on this machine, and how its readiness is found out.
 *
 * @param target where its process is probed; its port is 0 for a command
 */
public record ProbedPod(ServiceName name, ReadinessProbe probe, EndpointAddress target) {}
