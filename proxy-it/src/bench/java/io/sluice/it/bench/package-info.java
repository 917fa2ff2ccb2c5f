/**
 * The benchmark: the same work over no proxy, Sluice, HAProxy and nginx, in one run. Start it with {@code ./bench}.
 *
 * <p>A {@link io.sluice.it.bench.Bench run} takes every {@link io.sluice.it.bench.Work} in turn over every
 * {@link io.sluice.it.bench.Peer}, round after round, so that all of them see the machine's good and bad minutes alike.
 * What is compared are ratios of the same round; the figure that holds on a shared machine is CPU time.
 */
@NullMarked
package io.sluice.it.bench;

import org.jspecify.annotations.NullMarked;
