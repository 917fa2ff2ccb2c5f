/** How things look on a terminal: tables, ages and colours as users of kubectl know them. Imports nothing of Sluice. */
@NullMarked
package io.sluice.cli.render;

import org.jspecify.annotations.NullMarked;
