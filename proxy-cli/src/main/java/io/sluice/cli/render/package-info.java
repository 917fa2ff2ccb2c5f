/** Output on a terminal: tables, ages and colours as in kubectl. Imports nothing of Sluice but {@code text}. */
@NullMarked
package io.sluice.cli.render;

import org.jspecify.annotations.NullMarked;
