/** The live page in a browser. */
@NullMarked
package io.sluice.it.page;

import org.jspecify.annotations.NullMarked;
