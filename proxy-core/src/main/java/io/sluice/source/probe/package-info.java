/** Whether the processes that run on this machine are ready: readiness probes as a kubelet makes them. */
@NullMarked
package io.sluice.source.probe;

import org.jspecify.annotations.NullMarked;
