/**
 * Which endpoint a connection goes to, and why: pure rules over the model, without I/O, clocks or hidden randomness.
 *
 * <p>May import {@code service} only.
 */
@NullMarked
package io.sluice.balance;

import org.jspecify.annotations.NullMarked;
