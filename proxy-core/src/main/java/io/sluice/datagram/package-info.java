/**
 * The life of a flow of datagrams, and which flow has to give way when there are too many. Pure: no class here does I/O or
 * reads a clock.
 */
@NullMarked
package io.sluice.datagram;

import org.jspecify.annotations.NullMarked;
