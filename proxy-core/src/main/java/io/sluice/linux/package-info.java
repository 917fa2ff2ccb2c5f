/**
 * Linux and its C library: every foreign function that the program calls, the numbers of socket options and of errors,
 * and what a failed call says. Nothing here knows what the calls are made for.
 *
 * <p>May import nothing of the project.
 */
@NullMarked
package io.sluice.linux;

import org.jspecify.annotations.NullMarked;
