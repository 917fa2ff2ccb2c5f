/**
 * The daemon's control plane and its picks as they ship, over a simulated machine and a simulated cluster: one seed decides
 * everything, and repeats it. See {@code docs/internals/simulation.md}.
 */
@NullMarked
package io.sluice.simulation;

import org.jspecify.annotations.NullMarked;
