/**
 * The daemon: wires sources, reconciler, data path and admin together, and owns start, reload, drain and stop. No other
 * room knows the whole.
 */
@NullMarked
package io.sluice.daemon;

import org.jspecify.annotations.NullMarked;
