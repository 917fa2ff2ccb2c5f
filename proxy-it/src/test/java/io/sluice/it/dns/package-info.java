/** Names, variables and {@code sluice exec} with the clients that people have: dig, the C library, Java, Node. */
@NullMarked
package io.sluice.it.dns;

import org.jspecify.annotations.NullMarked;
