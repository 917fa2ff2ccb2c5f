/**
 * Linux and its C library: every foreign function that the program calls, the numbers of socket options and of errors,
 * and the meaning of a failed call. No class here knows the purpose of the calls.
 *
 * <p>May import nothing of the project.
 */
@NullMarked
package io.sluice.linux;

import org.jspecify.annotations.NullMarked;
