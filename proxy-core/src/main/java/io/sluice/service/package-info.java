/**
 * The model: what a Service is, where it listens and which endpoints it has, as immutable values.
 *
 * <p>Everything above imports this room; it imports nothing but the JDK. Instances may be shared between threads.
 */
@NullMarked
package io.sluice.service;

import org.jspecify.annotations.NullMarked;
